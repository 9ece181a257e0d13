import type { Command } from 'commander';
import { scopes } from '../exchange/clients.ts';
import { listed } from './argument.ts';
import { type Cli, type Everywhere, group, leaf } from './command.ts';
import { ask } from './reach.ts';

/** `caseref client`: software of the organisation that may call the node API. */
export function clientCommand(cli: Cli): Command {
  return group('client', 'make, list and revoke clients of the node API', [
    createClient(cli),
    listClients(cli),
    revokeClient(cli),
  ]);
}

function createClient(cli: Cli): Command {
  return leaf('create', 'make a client and print its token, once', [
    'caseref client create case-system --scope references:write,references:read',
    'caseref client create monitor --scope events:read --json',
  ])
    .argument('<name>', 'what the client is called here')
    .requiredOption('--scope <scope,…>', `what it may do: ${scopes.join(', ')}`, listed)
    .action(async (name: string, options: Everywhere & { scope: readonly string[] }) => {
      cli.end(
        await ask(cli, options, 'client.create', { name, scopes: options.scope }, (client) => {
          cli.terminal.say(`Client ${client.name} (${client.id}) may: ${client.scopes.join(', ')}`);
          cli.terminal.warn('The token is shown this once. Keep it where only that software can read it:');
          cli.terminal.line(client.token);
        }),
      );
    });
}

function listClients(cli: Cli): Command {
  return leaf('list', 'list the clients', ['caseref client list']).action(async (options: Everywhere) => {
    cli.end(
      await ask(cli, options, 'client.list', {}, ({ items }) => {
        if (items.length === 0) return cli.terminal.say('There is no client yet: caseref client create NAME --scope …');
        cli.terminal.table(
          [
            { title: 'id', cell: ({ id }) => id },
            { title: 'name', cell: ({ name }) => name, tone: () => 'strong' },
            {
              title: 'state',
              cell: ({ revokedAt }) => (revokedAt === undefined ? 'active' : `revoked ${revokedAt}`),
              tone: ({ revokedAt }) => (revokedAt === undefined ? 'good' : 'quiet'),
            },
            { title: 'created', cell: ({ createdAt }) => createdAt },
            { title: 'scopes', cell: (client) => client.scopes.join(',') },
          ],
          items,
        );
      }),
    );
  });
}

function revokeClient(cli: Cli): Command {
  return leaf('revoke', 'end the token of a client at once', ['caseref client revoke ID'])
    .argument('<id>', 'id of the client, as client list shows it')
    .action(async (id: string, options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'client.revoke', { id }, () =>
          cli.terminal.step(`The client ${id} is revoked.`, 'good'),
        ),
      );
    });
}
