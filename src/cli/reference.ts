import type { Command } from 'commander';
import { codes } from '../domain/codes.ts';
import { referenceStates } from '../domain/reference.ts';
import { isRefusal, refuse } from '../domain/refusal.ts';
import { codeOption, type PageOptions, paged, sayMore } from './argument.ts';
import { actCommand } from './case/act.ts';
import { acknowledgeCommand, feedbackCommand } from './case/answer.ts';
import { assessCommand } from './case/assess.ts';
import { clearCommand } from './case/clear.ts';
import { knownCodes } from './case/codes.ts';
import { handoverCommand } from './case/handover.ts';
import { holdCommand } from './case/hold.ts';
import { answerWith, type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { readJsonDocument } from './document.ts';
import type { Exit } from './exit.ts';
import { importCommand } from './import.ts';
import { ask, type ReachedNode, reach } from './reach.ts';
import { decideCommand, eraseCommand, heldCommand, restrictCommand } from './recall.ts';
import { printReference, printSubmitted, referenceColumns } from './reference-view.ts';
import { withdrawCommand } from './withdraw.ts';

/** `caseref reference`: case references, own ones and those of partners. */
export function referenceCommand(cli: Cli): Command {
  return group('reference', 'case references: submit, list, show, decide, withdraw, and what is said about them', [
    submitReference(cli),
    importCommand(cli),
    listReferences(cli),
    showReference(cli),
    heldCommand(cli),
    decideCommand(cli),
    withdrawCommand(cli),
    restrictCommand(cli),
    eraseCommand(cli),
    assessCommand(cli),
    actCommand(cli),
    handoverCommand(cli),
    holdCommand(cli),
    clearCommand(cli),
    acknowledgeCommand(cli),
    feedbackCommand(cli),
  ]);
}

function submitReference(cli: Cli): Command {
  return leaf('submit', 'submit one case reference; who gets it is decided by the policies', [
    'caseref reference submit reference.json',
    'caseref reference submit - --idempotency-key 2026-4711 < reference.json',
  ])
    .argument('<file>', 'the reference as JSON; - is standard input')
    .option('--idempotency-key <key>', 'the same key with the same document gives the stored answer, for 24 hours')
    .action(async (file: string, options: Everywhere & { idempotencyKey?: string }) => {
      const reference = await readJsonDocument(cli, file);
      if (isRefusal(reference)) return cli.end(refuseWith(cli, options, reference));
      const { idempotencyKey } = options;
      const given = { reference, idempotencyKey };
      cli.end(await ask(cli, options, 'reference.submit', given, (shared) => printSubmitted(cli.terminal, shared)));
    });
}

interface ListOptions extends Everywhere, PageOptions {
  readonly direction?: 'in' | 'out';
  readonly partner?: string;
  readonly category?: string;
  readonly jurisdiction?: string;
  readonly state?: string;
  readonly urgency?: string;
  readonly since?: string;
  readonly until?: string;
}

function listReferences(cli: Cli): Command {
  return paged(
    leaf('list', 'list case references, newest first; addresses are masked', [
      'caseref reference list --direction in --urgency emergency',
      'caseref reference list --partner https://node.police-b.example --since 2026-11-01T00:00:00Z --json',
    ]),
  )
    .addOption(codeOption('--direction <direction>', 'in: from partners; out: our own', ['in', 'out']))
    .option('--partner <issuer>', 'came from it, or was decided to go to it')
    .addOption(codeOption('--category <code>', 'what it is', codes.category))
    .option('--jurisdiction <cc>', 'hosting, reporting or concerned country')
    .addOption(knownCodes('--state <state>', 'state of the reference', referenceStates))
    .addOption(codeOption('--urgency <level>', 'how soon somebody must look', codes.urgencyLevel))
    .option('--since <instant>', 'stored at or after, such as 2026-11-20T10:00:00Z')
    .option('--until <instant>', 'stored before')
    .action(async ({ data: directory, json, ...filter }: ListOptions) => {
      const options = { data: directory, json };
      const node = await reach(cli, options);
      if (isRefusal(node)) return cli.end(refuseWith(cli, options, node));
      try {
        cli.end(await printList(cli, options, node, filter));
      } finally {
        await node.close();
      }
    });
}

type Filter = Omit<ListOptions, 'data' | 'json'>;

async function printList(cli: Cli, options: Everywhere, node: ReachedNode, filter: Filter): Promise<Exit> {
  const answer = await node.call('reference.list', filter);
  if (!answer.ok) return refuseWith(cli, options, answer.refusals);
  if (!options.json) await sayClosed(cli, options, node, filter);
  return answerWith(cli, options, answer.value, ({ items, next }) => {
    if (items.length === 0) cli.terminal.say('No reference fits.');
    else cli.terminal.table(referenceColumns, items);
    sayMore(cli, next);
  });
}

/** What a list leaves out since state was lost stands above it: nobody is to take it for all there is. */
async function sayClosed(cli: Cli, options: Everywhere, node: ReachedNode, filter: Filter): Promise<void> {
  if (filter.direction === 'out') return;
  const closed = await node.call('reference.closed', {});
  if (!closed.ok) return;
  for (const { partner, count } of closed.value.items) {
    if (filter.partner !== undefined && filter.partner !== partner) continue;
    const references = count === 1 ? '1 reference' : `${count} references`;
    const are = count === 1 ? 'is' : 'are';
    const next = `caseref reconcile ${partner}${sameNode(options)}`;
    cli.terminal.warn(
      `${references} of ${partner} ${are} closed since state was lost here, and not in this list: ${next}`,
    );
  }
}

/** Purposes that say something: an address is not shown for an unknown one. */
const purposes = codes.purpose.filter((purpose) => purpose !== 'unknown');

interface ShowOptions extends Everywhere {
  readonly originator?: string;
  readonly reveal?: boolean;
  readonly purpose?: string;
}

function showReference(cli: Cli): Command {
  return leaf('show', 'show one case reference with its decisions and deliveries; the address is masked', [
    'caseref reference show 0b8f…',
    'caseref reference show 0b8f… --originator https://node.hotline-a.example',
    'caseref reference show 0b8f… --reveal --purpose referral-review',
  ])
    .argument('<id>', 'id of the reference')
    .option('--originator <issuer>', 'whose reference it is (default: ours, else the only one with this id)')
    .option('--reveal', 'show the address whole; wants --purpose, and both are recorded')
    .addOption(codeOption('--purpose <code>', 'why the address must be seen', purposes))
    .action(async (id: string, options: ShowOptions) => {
      const { originator, reveal = false, purpose } = options;
      if (reveal !== (purpose !== undefined)) return cli.end(refuseWith(cli, options, wrongReveal(reveal)));
      const wanted = { id, originator, purpose };
      cli.end(
        await ask(cli, options, 'reference.show', wanted, (shown) => printReference(cli.terminal, shown, options)),
      );
    });
}

function wrongReveal(reveal: boolean) {
  return reveal
    ? refuse(
        'usage-invalid',
        '/purpose',
        'An address is shown whole for a purpose only.',
        `Give --purpose: ${purposes.join(', ')}.`,
      )
    : refuse(
        'usage-invalid',
        '/purpose',
        'A purpose is for showing the address.',
        'Give --reveal as well, or leave --purpose out.',
      );
}
