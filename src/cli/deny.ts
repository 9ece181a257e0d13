import { type Command, Option } from 'commander';
import { codes } from '../domain/codes.ts';
import type { Deny } from '../domain/contract.types.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { describeWhen, disarmedHost } from './act-view.ts';
import { codeOption, listed, sayMore } from './argument.ts';
import { type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { readJsonDocument } from './document.ts';
import { sayNoLongerAllowed } from './narrowed.ts';
import { sayWarnings } from './policy/warnings.ts';
import { ask } from './reach.ts';
import { askSigned, BY_ANOTHER, proposes, type Signs, saySignatures, signs } from './signing.ts';

/** `caseref policy deny`: what leaves to nobody, whatever a partner's policy says. */
export function denyCommand(cli: Cli): Command {
  return group('deny', 'organisation-wide denies, which no policy overrides', [
    addDeny(cli),
    listDenies(cli),
    removeDeny(cli),
    approveDeny(cli),
  ]);
}

interface AddOptions extends Signs {
  readonly destination?: readonly string[];
  readonly category?: readonly string[];
  readonly host?: readonly string[];
  readonly ground?: Deny['ground'];
  readonly id?: string;
  readonly file?: string;
}

const partsOfDeny = ['destination', 'category', 'host', 'ground', 'id'];

function addDeny(cli: Cli): Command {
  const command = leaf('add', 'add a deny; from then on no rule of any partner overrides it', [
    'caseref policy deny add --category grooming --host chat.example --ground legal --id no-chats',
    'caseref policy deny add --destination XX --ground mandate',
    'caseref policy deny add --file deny.json',
  ]);
  return proposes(command)
    .option('--destination <cc,…>', 'where the partner is, as recorded at its confirmation', listed)
    .option('--category <code,…>', 'categories of references', listed)
    .option('--host <host,…>', 'hosts or registrable domains; stored, compared, and never logged', listed)
    .addOption(codeOption('--ground <ground>', 'why', codes.denyGround))
    .option('--id <id>', 'name of the deny (default: one is made)')
    .addOption(new Option('--file <file>', 'the deny as a JSON document; - is standard input').conflicts(partsOfDeny))
    .action(async (options: AddOptions) => {
      const document = await denyOf(cli, options);
      if (isRefusal(document)) return cli.end(refuseWith(cli, options, document));
      cli.end(
        await askSigned(cli, options, 'policy.deny.add', { document }, (deny) => {
          cli.terminal.fields([
            ['deny', deny.id, 'strong'],
            ['ground', deny.ground],
            ['state', deny.state, deny.state === 'active' ? 'good' : 'waiting'],
          ]);
          saySignatures(cli, deny);
          sayWarnings(cli, deny.warnings);
          if (deny.appliesTo.length > 0) cli.terminal.fields([['applies to', deny.appliesTo.join(', ')]]);
          else cli.terminal.warn('It applies to no partner that you have now.');
          if (deny.state === 'active') {
            cli.terminal.say('It counts for every decision from now on; what was sent is not called back by itself.');
            sayNoLongerAllowed(cli, options, deny.noLongerAllowed);
          } else sayWaits(cli, options, deny, 'It denies nothing yet. Another operator approves it:');
        }),
      );
    });
}

async function denyOf(cli: Cli, options: AddOptions): Promise<object | Refusal> {
  const { destination, category, host: hosts, ground, id, file } = options;
  if (file !== undefined) return readJsonDocument(cli, file);
  if (ground === undefined) {
    return refuse(
      'usage-invalid',
      '/ground',
      'The ground is missing.',
      `Give --ground: ${codes.denyGround.join(', ')}.`,
    );
  }
  if (destination === undefined && category === undefined && hosts === undefined) {
    const next = 'Give --destination, --category or --host; a deny of everything is written as a document: --file.';
    return refuse('usage-invalid', '', 'The deny says nothing of what it denies.', next);
  }
  return {
    ...(id !== undefined && { id }),
    ...(destination && { destination }),
    ...(category && { when: { category } }),
    ...(hosts && { hosts }),
    ground,
  };
}

function listDenies(cli: Cli): Command {
  return leaf('list', 'list the denies; hosts are shown disarmed', ['caseref policy deny list']).action(
    async (options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'policy.deny.list', {}, ({ items, next }) => {
          if (items.length === 0) cli.terminal.say('There is no deny.');
          else {
            cli.terminal.table(
              [
                { title: 'deny', cell: ({ id }) => id, tone: () => 'strong' },
                { title: 'ground', cell: ({ ground }) => ground },
                { title: 'destination', cell: ({ destination }) => destination?.join(',') ?? 'everywhere' },
                { title: 'hosts', cell: ({ hosts }) => hosts?.map(disarmedHost).join(',') ?? '', shrinks: true },
                { title: 'when', cell: ({ when }) => describeWhen(when), shrinks: true },
              ],
              items,
            );
          }
          sayMore(cli, next);
        }),
      );
    },
  );
}

function sayWaits(cli: Cli, options: Everywhere, act: { id: string; digest: string }, what: string): void {
  const { id, digest } = act;
  cli.terminal.next(what, [`caseref policy deny approve ${id} --digest ${digest} ${BY_ANOTHER}${sameNode(options)}`]);
}

function removeDeny(cli: Cli): Command {
  const command = leaf('remove', 'end a deny; it stays in the record', ['caseref policy deny remove no-chats']);
  return proposes(command)
    .argument('<id>', 'name of the deny')
    .action(async (id: string, options: Signs) => {
      cli.end(
        await askSigned(cli, options, 'policy.deny.remove', { id }, (ended) => {
          if (ended.removed) cli.terminal.step(`The deny ${id} is removed.`, 'good');
          saySignatures(cli, ended);
          if (!ended.removed)
            sayWaits(cli, options, ended, 'It denies as before. Another operator approves its removal:');
        }),
      );
    });
}

function approveDeny(cli: Cli): Command {
  const command = leaf('approve', 'approve, as the second person, that a deny is added or removed', [
    'caseref policy deny approve no-chats --digest S256:… --operator ben.operator.key',
  ]);
  return signs(command)
    .argument('<id>', 'name of the deny')
    .requiredOption('--digest <digest>', 'which deny of that name, as operator pending shows it')
    .option('--yes', 'sign without being asked: it was looked at')
    .action(async (id: string, options: Signs & { readonly digest: string }) => {
      const { digest } = options;
      cli.end(
        await askSigned(cli, options, 'policy.deny.approve', { id, digest }, (approved) => {
          cli.terminal.step(`The deny ${id} is ${approved.state === 'active' ? 'in force' : 'removed'}.`, 'good');
          saySignatures(cli, approved);
          sayNoLongerAllowed(cli, options, approved.noLongerAllowed);
        }),
      );
    });
}
