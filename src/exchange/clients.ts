import { randomBytes } from 'node:crypto';
import { guard } from '../domain/guard.ts';
import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { clientsByDigest } from '../store/clients.ts';
import { recordEvents } from '../store/feed.ts';
import { insertRows } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { gather } from './gather.ts';

/** What a client of the node API may do; none implies another. */
export const scopes = [
  'references:write',
  'references:read',
  'references:locate',
  'decisions:write',
  'inquiries:write',
  'events:read',
  'partners:read',
  'stats:read',
] as const;

export type Scope = (typeof scopes)[number];

export interface Client {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

const PREFIX = 'caseref_';
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u;

/** Makes a client; the token is told once and only its keyed digest is kept. */
export async function createClient(
  exchange: Exchange,
  wanted: { readonly name: string; readonly scopes: readonly string[] },
): Promise<(Client & { token: string }) | Refusal> {
  const guarded = guard({ name: wanted.name }, { form: 'policy' });
  if (guarded) return guarded;
  if (!NAME.test(wanted.name)) {
    return refuse(
      'usage-invalid',
      '/name',
      'The name is not usable.',
      'Use 1 to 64 letters, digits, spaces, dots, hyphens.',
    );
  }
  const unknown = wanted.scopes.find((scope) => !(scopes as readonly string[]).includes(scope));
  if (unknown !== undefined || wanted.scopes.length === 0) {
    return refuse(
      'usage-invalid',
      '/scopes',
      'A scope is missing or unknown.',
      `Use one or more of: ${scopes.join(', ')}.`,
    );
  }
  const token = PREFIX + randomBytes(32).toString('base64url');
  const client = { id: exchange.chance.uuid(), name: wanted.name, scopes: [...new Set(wanted.scopes)] };
  const at = new Date(exchange.clock());
  await inTransaction(exchange.store.db, async (trx) => {
    await insertRows(trx, 'client', [{ ...client, token_digest: digest(exchange, token), created_at: at }]);
    await recordEvents(trx, [{ type: 'client.created', at, body: { client: client.id, scopes: client.scopes } }]);
  });
  return { ...client, token };
}

function digest(exchange: Exchange, token: string): Uint8Array {
  return exchange.vault.digest('client-token', token);
}

export type Authenticate = (token: string) => Promise<Client | undefined>;

/**
 * Finds the client that a token belongs to, or undefined when it is unknown or revoked: looked up by keyed digest, so
 * its time tells nothing, and in the store each time, so a revocation counts at once. Calls that arrive together share
 * one look-up.
 */
export function createAuthenticate(exchange: Exchange): Authenticate {
  const look = gather<Buffer, Client | undefined>(
    async (digests) => {
      const rows = await clientsByDigest(exchange.store.db, [...new Set(digests)]);
      const found = new Map(rows.map(({ token_digest, ...client }) => [token_digest.toString('hex'), client]));
      return digests.map((one) => found.get(one.toString('hex')));
    },
    { most: 200 },
  );
  return async (token) => {
    if (!token.startsWith(PREFIX) || token.length > 100) return undefined;
    return look(Buffer.from(digest(exchange, token)));
  };
}

export async function listClients(exchange: Exchange) {
  const rows = await exchange.store.db.selectFrom('client').selectAll().orderBy('id').execute();
  return rows.map(({ id, name, scopes: granted, created_at, revoked_at }) => ({
    id,
    name,
    scopes: granted,
    createdAt: isoInstant(created_at.getTime()),
    ...(revoked_at && { revokedAt: isoInstant(revoked_at.getTime()) }),
  }));
}

/** Ends a client's token at once. */
export async function revokeClient(exchange: Exchange, id: string): Promise<{ id: string; revoked: true } | Refusal> {
  if (!/^[0-9a-f-]{36}$/.test(id))
    return refuse('not-found', '/id', 'There is no such client.', 'List them: caseref client list.');
  return inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const result = await trx
      .updateTable('client')
      .set({ revoked_at: at })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n)
      return refuse('not-found', '/id', 'There is no such client.', 'List them: caseref client list.');
    await recordEvents(trx, [{ type: 'client.revoked', at, body: { client: id } }]);
    return { id, revoked: true as const };
  });
}
