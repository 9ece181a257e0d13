import type { Command } from 'commander';
import { type Cli, type Everywhere, leaf } from '../command.ts';
import { ask, type ValueOf } from '../reach.ts';
import type { Column } from '../table.ts';

type OwnKey = ValueOf<'keys.list'>['keys'][number];

const columns: readonly Column<OwnKey>[] = [
  { title: 'kid', cell: ({ kid }) => kid },
  { title: 'algorithm', cell: ({ alg }) => alg },
  { title: 'for', cell: ({ use }) => (use === 'sig' ? 'signing' : 'encryption') },
  { title: 'state', cell: ({ state }) => state, tone: ({ state }) => (state === 'active' ? 'good' : 'quiet') },
  { title: 'published', cell: ({ published }) => (published ? 'yes' : 'no') },
  { title: 'valid from', cell: ({ notBefore }) => notBefore },
  { title: 'until', cell: ({ expiresAt }) => expiresAt },
];

/** `caseref keys list`: every key that there ever was. */
export function listCommand(cli: Cli): Command {
  return leaf('list', 'list the identity key and all operational keys, ended ones too', ['caseref keys list']).action(
    async (options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'keys.list', {}, ({ identity, keys }) => {
          cli.terminal.fields([
            ['identity', identity.kid, 'strong'],
            ['spoken', identity.spoken],
            ['private part', identity.present ? 'on this machine' : 'kept elsewhere'],
          ]);
          cli.terminal.line('');
          cli.terminal.table(columns, keys);
          for (const key of keys) for (const sentence of comingOf(key)) cli.terminal.line(`${key.kid} ${sentence}`);
        }),
      );
    },
  );
}

function comingOf({ state, activateAt, retireAt, revokedAt, revokedReason }: OwnKey): string[] {
  return [
    activateAt === undefined ? '' : `is activated at ${activateAt}, once it is published`,
    state === 'replaced' && retireAt !== undefined ? `was replaced; its private part is destroyed at ${retireAt}` : '',
    revokedAt === undefined ? '' : `is revoked since ${revokedAt}: ${revokedReason}`,
  ].filter((sentence) => sentence !== '');
}

/** One key, as names and values. */
export function showKey(cli: Cli, { kid, alg, use, state, notBefore, expiresAt }: OwnKey): void {
  cli.terminal.fields([
    ['kid', kid, 'strong'],
    ['algorithm', alg],
    ['for', use === 'sig' ? 'signing' : 'encryption'],
    ['state', state],
    ['valid from', notBefore],
    ['until', expiresAt],
  ]);
}
