import type { Command } from 'commander';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { answerWith, type Cli, type Everywhere, leaf, refuseWith, sameNode } from './command.ts';
import { type Exit, exit } from './exit.ts';
import { askYes } from './prompt.ts';
import { ask, reach } from './reach.ts';
import { printReconciled } from './reconcile-view.ts';

const acts = ['restored', 'open', 'resume', 'lift'] as const;
type Act = (typeof acts)[number];

interface ReconcileOptions extends Everywhere, Partial<Record<Act, true>> {
  readonly all?: boolean;
  readonly look?: boolean;
  readonly yes?: boolean;
}

/** What each of them means, for whoever has not said --yes. */
const meanings: Readonly<Record<Act, string>> = {
  restored:
    'Nothing new would go to the partner, and its references would be closed, until everything of the lost time has come again.',
  open: 'The references of the partner would show again, those too that it may have withdrawn in the lost time.',
  resume: 'References would go to the partner again before it has replayed what was lost here.',
  lift: 'References that the partner says we withdrew in the lost time would show and leave again.',
};

/** `caseref reconcile`: what each side has, what differs, and the repair of it. */
export function reconcileCommand(cli: Cli): Command {
  return leaf(
    'reconcile',
    'compare what we and a partner have, and repair what differs; exit 1 where somebody must look (LOOK)',
    [
      'caseref reconcile https://node.police-b.example',
      'caseref reconcile https://node.police-b.example --look      changes nothing',
      'caseref reconcile --all --restored --yes                    after a backup was put back',
      'caseref reconcile https://node.police-b.example --open --yes',
    ],
  )
    .argument('[issuer]', 'the partner')
    .option('--all', 'with --restored: every partner')
    .option('--look', 'list only: send nothing, ask for nothing')
    .option(
      '--restored',
      'the store was put back to an older state: begin anew with the partner, and ask it for a replay',
    )
    .option('--open', "show the partner's references again, though its replay is not complete")
    .option('--resume', 'let references go to the partner again, though its replay is not complete')
    .option('--lift', 'show own references again that are closed because the partner said that we withdrew them')
    .option('--yes', 'do it')
    .action(async (issuer: string | undefined, options: ReconcileOptions) => {
      cli.end(await run(cli, options, issuer));
    });
}

async function run(cli: Cli, options: ReconcileOptions, issuer: string | undefined): Promise<Exit> {
  const { all = false, look = false } = options;
  const chosen = acts.filter((act) => options[act]);
  const [act] = chosen;
  const wrong = wrongChoice({ issuer, all, look, chosen });
  if (wrong) return refuseWith(cli, options, wrong);
  if (act === undefined) return comparison(cli, options, issuer ?? '', look);
  const meant = options.yes === true || (!options.json && (await askYes(cli, meanings[act])) === true);
  if (!meant)
    return refuseWith(
      cli,
      options,
      refuse('usage-invalid', '/yes', `${meanings[act]} Nothing was done.`, 'If that is meant, give --yes.'),
    );
  return perform(cli, options, act, issuer);
}

async function comparison(cli: Cli, options: Everywhere, issuer: string, look: boolean): Promise<Exit> {
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const answer = await node.call('reconcile', { issuer, look });
    if (!answer.ok) return refuseWith(cli, options, answer.refusals);
    answerWith(cli, options, answer.value, (found) => printReconciled(cli, options, found));
    return answer.value.tasks.length > 0 ? exit.refused : exit.done;
  } finally {
    await node.close();
  }
}

function wrongChoice(given: {
  readonly issuer: string | undefined;
  readonly all: boolean;
  readonly look: boolean;
  readonly chosen: readonly Act[];
}): Refusal | undefined {
  const { issuer, all, look, chosen } = given;
  const next = 'Give an ISSUER and at most one of --look, --restored, --open, --resume, --lift; or --all --restored.';
  if (chosen.length + (look ? 1 : 0) > 1) return refuse('usage-invalid', '', 'That is more than one wish.', next);
  if (all ? issuer !== undefined || chosen[0] !== 'restored' : issuer === undefined)
    return refuse('usage-invalid', '', 'It is not clear which partner is meant.', next);
  return undefined;
}

function perform(cli: Cli, options: ReconcileOptions, act: Act, issuer: string | undefined): Promise<Exit> {
  const { terminal } = cli;
  const see = (partner: string) => `caseref reconcile ${partner}${sameNode(options)}`;
  if (act === 'restored') {
    const args = issuer === undefined ? { all: true } : { issuer };
    return ask(cli, options, 'reconcile.restored', args, ({ partners }) => {
      for (const partner of partners)
        terminal.step(`${partner}: begun anew. Its references are closed until what was lost has come again.`, 'good');
      if (partners.length === 0) terminal.say('There is no partner to begin anew with.');
      else terminal.next('See how far each is:', partners.map(see));
    });
  }
  const partner = issuer ?? '';
  if (act === 'open')
    return ask(cli, options, 'reconcile.open', { issuer: partner }, ({ opened }) =>
      terminal.step(`${opened} references of ${partner} show again.`, 'good'),
    );
  if (act === 'resume')
    return ask(cli, options, 'reconcile.resume', { issuer: partner }, () =>
      terminal.step(`References go to ${partner} again.`, 'good'),
    );
  return ask(cli, options, 'reconcile.lift', { issuer: partner }, ({ lifted }) => {
    terminal.step(`${lifted.length} own references show again:`, 'good');
    for (const id of lifted) terminal.line(id);
  });
}
