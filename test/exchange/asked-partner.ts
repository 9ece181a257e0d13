import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isRefusal } from '../../src/domain/refusal.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { refreshPartner } from '../../src/exchange/refresh.ts';
import { bumpDirectory, partnerRow } from '../../src/store/partners.ts';
import { claimRefreshes } from '../../src/store/refresh.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { type Json, now, type TestKey, testKey } from '../support/tokens.ts';

// A partner with a listener of its own that says what a test wants when it is asked for its key set.

const DAY = 86_400;

export type Answer = (response: ServerResponse, headers: IncomingHttpHeaders) => void;

export interface AskedPartner {
  readonly issuer: string;
  readonly identity: TestKey;
  readonly operational: TestKey;
  /** `seq` of its first key set: when it was introduced, by our clock. */
  readonly seq: number;
  /** Headers of each time that its key set was asked for. */
  readonly asked: IncomingHttpHeaders[];
  keySet(changes?: Json): string;
  answers(answer: Answer): void;
  /** Answers with this key set, and 304 to whoever has it. */
  publishes(keySet: string, etag?: string): void;
  close(): Promise<void>;
}

const publishing =
  (keySet: string, etag = '"1"'): Answer =>
  (response, headers) => {
    if (headers['if-none-match'] === etag) return void response.writeHead(304).end();
    response.writeHead(200, { 'content-type': 'application/jwk-set+jwt', etag }).end(keySet);
  };

export const saying =
  (status: number): Answer =>
  (response) =>
    void response.writeHead(status).end();

/** An address that no partner of this test had before: the system gives ports again, and with them the keys of somebody else. */
async function listenUnused(exchange: Exchange, server: Server): Promise<string> {
  for (;;) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (!(await partnerRow(exchange.store.db, issuer))) return issuer;
    await once(server.close(), 'close');
  }
}

/** A partner that was introduced and is in this state; it answers 404 until it is told otherwise. */
export async function askedPartner(
  exchange: Exchange,
  { state = 'active', keys }: { state?: 'pending' | 'active' | 'suspended' | 'removed'; keys?: readonly Json[] } = {},
): Promise<AskedPartner> {
  let answer: Answer = saying(404);
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer(({ headers }, response) => {
    asked.push(headers);
    answer(response, headers);
  });
  const issuer = await listenUnused(exchange, server);
  const [identity, operational] = [testKey(), testKey()];
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const seq = Math.floor(exchange.clock() / 1000);
  const listed = keys ?? [keyEntry(operational, { nbf: seq - DAY, exp: seq + 90 * DAY })];
  const life = { seq, iat: seq, exp: seq + 30 * DAY };
  const keySet = (changes: Json = {}) =>
    makeKeySet({ iss: issuer, ...life, endpoints, keys: listed, encryption: 'none', ...changes }, { key: identity });
  const card = makeCard(
    { iss: issuer, iat: seq, exp: seq + 14 * DAY, identity_key: identity.jwk, key_set: keySet() },
    { key: identity },
  );
  const added = await addPartner(exchange, card);
  if (isRefusal(added)) throw new Error(`refused: ${added.message}`);
  await exchange.store.db.updateTable('partner').set({ state }).where('issuer', '=', issuer).execute();
  await bumpDirectory(exchange.store.db);
  return {
    issuer,
    identity,
    operational,
    seq,
    asked,
    keySet,
    answers(given) {
      answer = given;
    },
    publishes(published, etag) {
      answer = publishing(published, etag);
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** A clock that stands still until a test moves it. */
export function standingClock(): { (): number; forward(seconds: number): void } {
  let at = now * 1000;
  const clock = () => at;
  return Object.assign(clock, {
    forward(seconds: number) {
      at += seconds * 1000;
    },
  });
}

/** One look of the worker; gives whom it asked. */
export async function look(exchange: Exchange): Promise<string[]> {
  const claimed = await claimRefreshes(exchange.store.db, new Date(exchange.clock()), 100);
  await Promise.all(claimed.map((one) => refreshPartner(exchange, one)));
  return claimed.map(({ issuer }) => issuer);
}

export async function rowOf(exchange: Exchange, issuer: string) {
  return exchange.store.db.selectFrom('partner').selectAll().where('issuer', '=', issuer).executeTakeFirstOrThrow();
}

export async function openAlertsOf(exchange: Exchange, partner: string): Promise<string[]> {
  const rows = await exchange.store.db
    .selectFrom('alert')
    .select('code')
    .where('partner', '=', partner)
    .where('acknowledged_at', 'is', null)
    .orderBy('code')
    .execute();
  return rows.map(({ code }) => code);
}

export async function eventsOf(exchange: Exchange, partner: string, type: string) {
  return exchange.store.db
    .selectFrom('event')
    .select(['code', 'body'])
    .where('partner', '=', partner)
    .where('type', '=', type)
    .orderBy('position')
    .execute();
}
