import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import type { StoreSettings } from '../../src/store/open.ts';
import { bumpDirectory } from '../../src/store/partners.ts';
import { testExchange } from './exchange.ts';
import { freshJti, policyFor, wireReference } from './foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from './introductions.ts';
import { done } from './own-keys.ts';
import { honestClaims, honestHeader, type Json, makeToken, now, type TestKey, testKey } from './tokens.ts';

// A node whose clock the test moves, and a partner that numbers its messages and answers requests for a replay as it is told.

/** What a request is answered with. */
export interface ReplayReply {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AskedReplay {
  readonly epoch: string;
  readonly from: number;
}

export interface ReplayBench {
  readonly exchange: Exchange;
  readonly issuer: string;
  readonly asked: AskedReplay[];
  /** Answers in their order; where there is none, everything is granted up to `highest`. */
  readonly replies: (ReplayReply | 'broken')[];
  highest: number;
  later(ms: number): void;
  /** A message of the partner under a number; gives whether it was taken. */
  arrive(epoch: string, n: number, jti?: string): Promise<boolean>;
  voided(epoch: string, n: number, ranges: readonly (readonly [number, number])[]): Promise<void>;
  alerts(): Promise<string[]>;
  /** As at the beginning, with a partner that publishes an address for replays or none. */
  clear(options?: { readonly withoutReplay?: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** What a test leaves behind. */
const left = ['message', 'delivery', 'reference', 'gap', 'replay_request', 'incoming_stream', 'voided_run', 'alert'];

export async function replayBench(store?: StoreSettings): Promise<ReplayBench> {
  const started = performance.now();
  let ahead = 0;
  const clock = () => now * 1000 + Math.floor(performance.now() - started) + ahead;
  const self = 'http://127.0.0.1:8440';
  const own = await testExchange({ issuer: self, clock, ...(store && { store }) });
  const { exchange } = own;
  const receive = createReceive(exchange);
  const signs = testKey();
  const server = createServer((request, response) => void answer(bench, request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const say = async (jti: string, changes: Json) => {
    const iat = Math.floor(clock() / 1000);
    const payload = honestClaims({ iss: issuer, aud: self, iat, jti, ...changes });
    const token = makeToken({ key: signs, header: honestHeader(signs), payload });
    return (await receive(Buffer.from(token))).status === 'taken';
  };
  const bench: ReplayBench = {
    exchange,
    issuer,
    asked: [],
    replies: [],
    highest: 0,
    later(ms) {
      ahead += ms;
    },
    arrive(epoch, n, jti = freshJti()) {
      const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
      const events = { 'urn:caseref:event:1:submitted': wireReference() };
      return say(jti, { sub_id, events, 'urn:caseref:seq': { epoch, n } });
    },
    async voided(epoch, n, ranges) {
      const jti = freshJti();
      const events = { 'urn:caseref:event:1:voided': { epoch, ranges, reason: 'withdrawn' } };
      await say(jti, { sub_id: { format: 'opaque', id: jti }, events, 'urn:caseref:seq': { epoch, n } });
    },
    async alerts() {
      const open = exchange.store.db.selectFrom('alert').select('code').where('acknowledged_at', 'is', null);
      return (await open.orderBy('code').execute()).map(({ code }) => code);
    },
    async clear({ withoutReplay = false } = {}) {
      const { db } = exchange.store;
      await sql`truncate ${sql.join(left.map((table) => sql.table(table)))} cascade`.execute(db);
      const replay = withoutReplay
        ? sql`endpoints - 'replay'`
        : sql`endpoints || ${JSON.stringify({ replay: `${issuer}/exchange/replay` })}::jsonb`;
      await sql`update partner set state = 'active', endpoints = ${replay}`.execute(db);
      await bumpDirectory(db);
      // Longer than the directory is taken as fresh, and than any breaker stays open.
      ahead += 10 * 60_000;
      bench.asked.length = 0;
      bench.replies.length = 0;
      bench.highest = 0;
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await own.close();
    },
  };
  await introduce(exchange, issuer, signs);
  return bench;
}

async function introduce(exchange: Exchange, issuer: string, signs: TestKey): Promise<void> {
  const at = `${issuer}/exchange`;
  const endpoints = { push: `${at}/push`, keys: `${at}/keys`, replay: `${at}/replay` };
  const key = testKey();
  const key_set = makeKeySet({ iss: issuer, endpoints, keys: [keyEntry(signs)], encryption: 'none' }, { key });
  const organisation = { name: 'Unit of the tests', type: 'law-enforcement', jurisdictions: ['DE'] };
  const card = makeCard({ iss: issuer, organisation, identity_key: key.jwk, key_set }, { key });
  const { fingerprint } = done(await addPartner(exchange, card));
  done(await confirmPartner(exchange, { issuer, fingerprint }));
  done(await setPolicy(exchange, issuer, policyFor(issuer)));
}

async function answer(bench: ReplayBench, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.url !== '/exchange/replay') return void response.writeHead(202).end();
  const asked = JSON.parse(body) as AskedReplay;
  bench.asked.push(asked);
  const reply = bench.replies.shift() ?? granted(asked, bench.highest);
  if (reply === 'broken') return void request.socket.destroy();
  response
    .writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
    .end(JSON.stringify(reply.body ?? {}));
}

function granted(asked: AskedReplay, to: number): ReplayReply {
  return { status: 202, body: { ...asked, to, messages: to - asked.from + 1 } };
}
