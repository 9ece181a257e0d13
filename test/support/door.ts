import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { createDirectory } from '../../src/exchange/directory.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { type PeerParts, peerListener } from '../../src/peer/listener.ts';
import { bumpDirectory } from '../../src/store/partners.ts';
import { insertRows } from '../../src/store/rows.ts';
import type { KeySetVerifier } from '../../src/wire/keyset.ts';
import { descriptions } from '../../src/wire/token-refusal.ts';
import { testExchange } from './exchange.ts';
import { identity, makeCard, makeKeySet } from './introductions.ts';
import { type Outbound, watchOutbound } from './outbound.ts';
import { now, operational, recordOf, self, sender } from './tokens.ts';
import type { Circumstances, Witness } from './witness.ts';

// A real peer listener on a real store, whose clock, name and one partner are those of the hand-made tokens.

export interface Door {
  readonly witness: Witness;
  readonly exchange: Exchange;
  readonly outbound: Outbound;
  readonly url: string;
  push(token: string | Uint8Array, type?: string): Promise<Response>;
  /** Pins the partner as a test describes it. */
  pin(shape: Circumstances): Promise<void>;
  close(): Promise<void>;
}

const DAY = 86_400;
const BODY_LIMIT = 64 * 1024;
const INFINITE = 253_402_300_799;

export async function openDoor(more: Pick<PeerParts, 'requestMs'> = {}): Promise<Door> {
  const built = await testExchange({ issuer: self, clock: () => now * 1000 });
  const { db } = built.exchange.store;
  // Nothing cached: each test pins the partner anew while the clock stands still.
  let decrypter: Circumstances['decrypter'];
  const keys = { ...built.exchange.keys, decrypter: (kid: string) => decrypter?.(kid) };
  const exchange: Exchange = { ...built.exchange, keys, directory: createDirectory(db, () => now * 1000, 0) };
  const opened = await addPartner(exchange, makeCard({ key_set: plainKeySet() }));
  if (isRefusal(opened)) throw new Error(`the card was refused: ${opened.message}`);
  const app = await peerListener({
    exchange,
    receive: createReceive(exchange),
    healthy: async () => true,
    trustProxy: true,
    ...more,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const outbound = watchOutbound([port]);
  let calls = 0;
  const post: Post = (path, body, type) => {
    calls += 1;
    // Each call from an address of its own: the limit by source address has tests of its own.
    const source = `198.51.${calls >> 8}.${calls & 255}`;
    const headers = { 'content-type': type, 'x-forwarded-for': source };
    return fetch(`${url}${path}`, { method: 'POST', headers, body: Buffer.from(body) });
  };
  const push = (token: string | Uint8Array, type = 'application/secevent+jwt') => post('/exchange/push', token, type);
  const pin = (shape: Circumstances) => {
    decrypter = shape.decrypter;
    return pinPartner(exchange, shape);
  };
  return {
    exchange,
    url,
    outbound,
    push,
    pin,
    witness: witnessAt({ exchange, outbound, push, pin, post, logged: () => built.logged() }),
    async close() {
      outbound.stop();
      await app.close();
      await built.close();
    },
  };
}

type Post = (path: string, body: string | Uint8Array, type: string) => Promise<Response>;

interface Inside extends Pick<Door, 'exchange' | 'outbound' | 'push' | 'pin'> {
  readonly post: Post;
  /** Everything that was logged. */
  logged(): string;
}

/** What forbidden inputs meet here: the exact answer, and not one row or connection more. */
function witnessAt(door: Inside): Witness {
  const { exchange, outbound, post } = door;
  return {
    token: (...given) => seeToken(door, ...given),
    async keySet(compact, changes, { status, err }) {
      await pinIdentity(exchange, changes);
      const before = await everyTable(exchange);
      await expectRefused(await post('/exchange/keys', compact, 'application/jwk-set+jwt'), status, err);
      const { event: _event, feed_counter: _counter, alert: _alert, ...kept } = await everyTable(exchange);
      expect(before).toMatchObject(kept);
      expect(outbound.begun()).toEqual([]);
    },
    async card(compact, { code, pointer }) {
      const before = await everyTable(exchange);
      expect(await addPartner(exchange, compact)).toMatchObject({ code, pointer });
      expect(await everyTable(exchange)).toEqual(before);
      expect(outbound.begun()).toEqual([]);
    },
  };
}

async function seeToken(
  { exchange, outbound, push, pin, logged }: Inside,
  ...[compact, shape, { status, err, reason }]: Parameters<Witness['token']>
): Promise<void> {
  // The horizon is no setting of a node; those few tokens are judged by the verifier alone.
  if (shape.horizonSeconds !== undefined) return;
  await pin(shape);
  const before = await everyTable(exchange);
  const answer = await push(compact);
  if (Buffer.from(compact).length > BODY_LIMIT) expect(answer.status).toBe(413);
  else await expectRefused(answer, status, err);
  const line = logged().trimEnd().split('\n').at(-1) ?? '';
  if (answer.status !== 413) expect(JSON.parse(line)).toMatchObject({ event: 'push.refused', code: reason });
  expect(await everyTable(exchange)).toEqual(before);
  expect(outbound.begun()).toEqual([]);
}

/** The answer of the protocol's table: a code and one constant sentence, or "later" with the seconds. */
async function expectRefused(answer: Response, status: number, err: keyof typeof descriptions): Promise<void> {
  const body = (await answer.json()) as unknown;
  expect({ status: answer.status, body }).toEqual({ status, body: { err, description: descriptions[err] } });
  expect(Number(answer.headers.get('retry-after')) > 0).toBe(status === 503);
}

const plainKeySet = () => makeKeySet({ encryption: 'none', seq: now - 1000 });

async function pinPartner(exchange: Exchange, shape: Circumstances): Promise<void> {
  const { keys = [recordOf(operational)], state = 'active', foreign = false, staleAt } = shape;
  const { db } = exchange.store;
  const key_set_exp = staleAt === undefined ? now + 30 * DAY : staleAt - 14 * DAY;
  const columns = { state, foreign_client: foreign, key_set_exp, refresh_wanted_at: null };
  await db.updateTable('partner').set(columns).where('issuer', '=', sender).execute();
  await db.deleteFrom('partner_key').where('issuer', '=', sender).execute();
  const rows = keys.map(({ nbf = null, exp, revoked_at = null, revoked_reason = null, ...key }) => {
    return {
      ...key,
      nbf,
      exp: exp ?? INFINITE,
      revoked_at,
      revoked_reason,
      issuer: sender,
      first_seen_at: new Date(0),
    };
  });
  await insertRows(db, 'partner_key', rows);
  await bumpDirectory(db);
}

async function pinIdentity(exchange: Exchange, { floor, identityKey }: Partial<KeySetVerifier>): Promise<void> {
  const columns = {
    identity_jwk: JSON.stringify(identityKey ?? identity.jwk),
    // The floor of every test is the honest key set: Ed25519 signs it alike each time.
    key_set: floor === undefined ? plainKeySet() : makeKeySet(),
    key_set_seq: floor?.seq ?? now - 1000,
  };
  await exchange.store.db.updateTable('partner').set(columns).where('issuer', '=', sender).execute();
}

/** A digest of each table, but for the note that somebody wants a partner's key set asked for. */
export async function everyTable({ store: { db } }: Exchange): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public' order by 1`.execute(db);
  const digests = tables.map(
    ({ name }) => sql`select ${sql.lit(name)} as name,
      md5(coalesce(string_agg((to_jsonb(t) - 'refresh_wanted_at')::text, ' ' order by to_jsonb(t)::text), '')) as digest
      from ${sql.table(name)} t`,
  );
  const { rows } = await sql<{ name: string; digest: string }>`${sql.join(digests, sql` union all `)}`.execute(db);
  return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]));
}
