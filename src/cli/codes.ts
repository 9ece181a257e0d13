import type { Command } from 'commander';
import { isRefusal } from '../domain/refusal.ts';
import { type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { readJsonDocument } from './document.ts';
import { ask, type ValueOf } from './reach.ts';
import { askSigned, BY_ANOTHER, proposes, type Signs, saySignatures } from './signing.ts';

/** `caseref codes`: the code lists of this node, and their next versions without a release. */
export function codesCommand(cli: Cli): Command {
  return group('codes', 'the code lists of this node, and their next versions', [importCommand(cli), listCommand(cli)]);
}

function importCommand(cli: Cli): Command {
  const command = leaf('import', 'take the next version of a code list: codes are added and retired, never changed', [
    'caseref codes import category.json',
  ]);
  return proposes(command)
    .argument('<file>', 'the list, as the files of schemas/codes are; - is standard input')
    .action(async (file: string, options: Signs) => {
      const document = await readJsonDocument(cli, file);
      if (isRefusal(document)) return cli.end(refuseWith(cli, options, document));
      const again = `caseref codes import ${file}`;
      cli.end(
        await askSigned(cli, options, 'codes.import', { document }, (change) => print(cli, options, change, again)),
      );
    });
}

function print(cli: Cli, options: Everywhere, change: ValueOf<'codes.import'>, again: string): void {
  const { list, version, state, added, retired } = change;
  cli.terminal.fields([
    ['list', list, 'strong'],
    ['version', version],
    ['added', added.join(', ') || undefined],
    ['retired', retired.join(', ') || undefined],
    ['state', state, state === 'pending' ? 'waiting' : 'good'],
  ]);
  saySignatures(cli, change);
  if (state !== 'pending') return;
  cli.terminal.next('Nothing has changed yet. Another operator gives the same file:', [
    `${again} ${BY_ANOTHER}${sameNode(options)}`,
  ]);
}

function listCommand(cli: Cli): Command {
  return leaf('list', 'list the code lists whose next versions can be imported', [
    'caseref codes list',
    'caseref codes list --json     with the codes',
  ]).action(async (options: Everywhere) => {
    cli.end(
      await ask(cli, options, 'codes.list', {}, ({ items }) => {
        cli.terminal.table(
          [
            { title: 'list', cell: ({ list }) => list, tone: () => 'strong' },
            { title: 'version', cell: ({ version }) => version },
            { title: 'from', cell: ({ state, importedAt }) => importedAt ?? state },
            { title: 'codes', cell: ({ codes }) => String(codes.length) },
            { title: 'retired', cell: ({ retired }) => retired.join(', ') },
          ],
          items,
        );
      }),
    );
  });
}
