import type { Command } from 'commander';
import { type Cli, type Everywhere, group, leaf, quoted, sameNode } from './command.ts';
import { ask, type ValueOf } from './reach.ts';
import { askSigned, BY_ANOTHER, proposes, type Signs, saySignatures } from './signing.ts';

/** `caseref unit`: parties that run no node, in whose name something may be recorded here. */
export function unitCommand(cli: Cli): Command {
  return group('unit', 'parties without a node, such as police desks, whose words are recorded here: --told-by', [
    addUnit(cli),
    listUnits(cli),
    removeUnit(cli),
  ]);
}

interface UnitOptions extends Signs {
  readonly jurisdiction: string;
  readonly phone?: string;
}

function addUnit(cli: Cli): Command {
  const command = leaf('add', 'put a unit on the list, or change what is known of it', [
    'caseref unit add "LKA Cybercrime" --jurisdiction DE-BE --phone "+49 30 1234567"',
  ]);
  return proposes(command)
    .argument('<name>', 'its name in letters, digits and single spaces, as partners will read it')
    .requiredOption('--jurisdiction <cc>', 'where it is competent, such as DE or DE-BE')
    .option('--phone <number>', 'the desk to call; stays on this node')
    .action(async (name: string, options: UnitOptions) => {
      const { jurisdiction, phone } = options;
      const unit = { name, jurisdiction, ...(phone !== undefined && { phone }) };
      const again = [
        ...['caseref unit add', quoted(name), '--jurisdiction', jurisdiction],
        ...(phone === undefined ? [] : ['--phone', quoted(phone)]),
      ].join(' ');
      cli.end(await askSigned(cli, options, 'unit.add', unit, (change) => print(cli, options, change, again)));
    });
}

function removeUnit(cli: Cli): Command {
  const command = leaf('remove', 'take a unit off the list; what was recorded for it stays', [
    'caseref unit remove "LKA Cybercrime"',
  ]);
  return proposes(command)
    .argument('<name>', 'its name, as unit list has it')
    .action(async (name: string, options: Signs) => {
      const again = `caseref unit remove ${quoted(name)}`;
      cli.end(await askSigned(cli, options, 'unit.remove', { name }, (change) => print(cli, options, change, again)));
    });
}

function print(cli: Cli, options: Everywhere, change: ValueOf<'unit.add'>, again: string): void {
  const { name, jurisdiction, phone, state } = change;
  cli.terminal.fields([
    ['unit', name, 'strong'],
    ['competent for', jurisdiction],
    ['phone', phone],
    ['state', state, state === 'pending' ? 'waiting' : 'good'],
  ]);
  saySignatures(cli, change);
  if (state !== 'pending') return;
  cli.terminal.next('Nothing has changed yet. Another operator gives the same command:', [
    `${again} ${BY_ANOTHER}${sameNode(options)}`,
  ]);
}

function listUnits(cli: Cli): Command {
  return leaf('list', 'list the units in whose name something may be recorded here', ['caseref unit list']).action(
    async (options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'unit.list', {}, ({ items }) => {
          if (items.length === 0)
            return cli.terminal.say('There is no unit yet: caseref unit add NAME --jurisdiction CC');
          cli.terminal.table(
            [
              { title: 'unit', cell: ({ name }) => name, tone: () => 'strong' },
              { title: 'competent for', cell: ({ jurisdiction }) => jurisdiction },
              { title: 'phone', cell: ({ phone }) => phone ?? '' },
              { title: 'since', cell: ({ addedAt }) => addedAt },
            ],
            items,
          );
        }),
      );
    },
  );
}
