import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import type { Refusal } from '../../src/domain/refusal.ts';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { startDelivery } from '../../src/exchange/deliver.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { createShare } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { befriend, testExchange } from './exchange.ts';
import { policyFor } from './foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from './introductions.ts';
import { eventually } from './node.ts';
import { done } from './own-keys.ts';
import { type Json, now, type TestKey, testKey } from './tokens.ts';

/** A token that the recipient read, whatever it answered. */
export interface Pushed {
  readonly compact: string;
  readonly kid: string;
  readonly jti: string;
  /** The last part of the event's URI. */
  readonly event: string;
  readonly payload: Json;
}

interface PolicyWish {
  readonly send?: Json;
  /** What the one rule says of every reference. */
  readonly outcome?: 'send' | 'hold' | 'withhold';
  readonly legal?: Json;
}

/** A recipient that listens, answers as it is told and may keep its answers back. */
interface Recipient {
  readonly issuer: string;
  readonly pushed: Pushed[];
  answer: { readonly status: number; readonly err?: string };
  /** What a push is answered after. */
  gate: Promise<void>;
  close(): Promise<void>;
}

const MINUTE = 60_000;

/** An exchange with its delivery worker under the test's hand, and one partner of type law-enforcement, without encryption. */
export interface LeavingBench {
  readonly exchange: Exchange;
  readonly recipient: Recipient;
  /** The partner's key, to sign its receipts with. */
  readonly signs: TestKey;
  /** Removes the partner, and introduces another one that listens elsewhere. */
  renew(): Promise<void>;
  later(ms: number): void;
  policy(wish?: PolicyWish): Promise<void>;
  share(change?: Json): Promise<string>;
  /** Replaces the first revision. */
  revise(id: string, change?: Json): Promise<void>;
  /** Lets the worker send until nothing is due, and gives what was pushed meanwhile. */
  leave(): Promise<Pushed[]>;
  /** The same to a partner whose answers are lost, and a minute later. */
  tryInVain(): Promise<Pushed[]>;
  /** Begins to leave to a partner that keeps its answer back; what it gives lets the answer come, and waits for the rest. */
  leaveUnanswered(): Promise<() => Promise<void>>;
  /** Revokes the key that signs, and gives its kid. */
  revoke(): Promise<string>;
  /** Introduces and confirms an organisation of this type under the partner's name, by an identity key of its own. */
  takeOver(type: string): Promise<void>;
  close(): Promise<void>;
}

export async function leavingBench(): Promise<LeavingBench> {
  const started = performance.now();
  let ahead = 0;
  const clock = () => now * 1000 + Math.floor(performance.now() - started) + ahead;
  const own = await testExchange({ issuer: 'http://127.0.0.1:8440', clock });
  const { exchange } = own;
  const signs = testKey();
  let recipient = await startRecipient();
  await befriend(exchange, recipient.issuer, {}, signs);
  const leave = () => leaveTo(exchange, recipient);
  const later = (ms: number) => {
    ahead += ms;
  };
  return {
    ...{ exchange, signs, later, leave },
    get recipient() {
      return recipient;
    },
    async renew() {
      const { issuer } = recipient;
      if ((await exchange.directory.current()).partners.has(issuer)) {
        done(await removePartner(exchange, { issuer, yes: true }));
      }
      await recipient.close();
      recipient = await startRecipient();
      await befriend(exchange, recipient.issuer, {}, signs);
    },
    policy: (wish) => setWish(exchange, recipient.issuer, wish),
    share: async (change) => agreed<Shared>(await createShare(exchange)(invented(change))).id,
    async revise(id, change) {
      agreed(await createRevise(exchange)(id, 1, invented(change)));
    },
    async tryInVain() {
      recipient.answer = { status: 503 };
      const tried = await leave();
      recipient.answer = { status: 202 };
      later(MINUTE);
      return tried;
    },
    leaveUnanswered: () => leaveUnanswered(exchange, recipient),
    async revoke() {
      const kid = exchange.keys.signer()?.kid ?? '';
      done(await revokeKey(exchange, { kid, reason: 'compromised' }));
      return kid;
    },
    takeOver: (type) => takeOver(exchange, recipient.issuer, type),
    async close() {
      await own.close();
      await recipient.close();
    },
  };
}

/** Messages that carry a reference. */
export function references(pushed: readonly Pushed[]): Pushed[] {
  return pushed.filter(({ event }) => event === 'submitted' || event === 'revised');
}

/** Numbers that a `voided` among these covers. */
export function voidedNumbers(pushed: readonly Pushed[]): unknown {
  return pushed.filter(({ event }) => event === 'voided').flatMap(({ payload }) => payload.ranges);
}

/** Everything that the outbox holds for the partner, oldest first. */
export function deliveries({ exchange, recipient }: LeavingBench) {
  const query = exchange.store.db.selectFrom('delivery').selectAll().where('partner', '=', recipient.issuer);
  return query.orderBy('position').execute();
}

/** The one delivery of an event. */
export async function deliveryOf(bench: LeavingBench, event: string) {
  const [row, ...more] = (await deliveries(bench)).filter((one) => one.event === event);
  if (!row || more.length > 0) throw new Error(`there is not one delivery of ${event}`);
  return row;
}

/** Told of a refusal that a test did not expect. */
function agreed<Answer>(answer: Answer | readonly Refusal[]): Answer {
  return done((Array.isArray(answer) ? answer[0] : answer) as Answer | Refusal);
}

const invented = (change: Json = {}) => ({
  url: 'https://gallery.example/1',
  jurisdiction: { hosting: 'NL' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
  ...change,
});

async function setWish(exchange: Exchange, issuer: string, wish: PolicyWish = {}): Promise<void> {
  const { outcome = 'send', send = {}, legal = {} } = wish;
  const rules = [{ id: 'all', when: { category: ['*'] }, then: outcome }];
  const basis = { basis: 'Invented act, section 1', transfer: 'none', route: 'own-police', ...legal };
  agreed(await setPolicy(exchange, issuer, policyFor(issuer, { legal: basis, send: { rules, ...send } })));
}

async function takeOver(exchange: Exchange, issuer: string, type: string): Promise<void> {
  const key = testKey();
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const key_set = makeKeySet({ iss: issuer, endpoints, keys: [keyEntry(testKey())], encryption: 'none' }, { key });
  const organisation = { name: 'Somebody else', type, jurisdictions: ['DE'] };
  const card = makeCard({ iss: issuer, organisation, identity_key: key.jwk, key_set }, { key });
  const added = done(await addPartner(exchange, card));
  const since = 'replaces' in added && { suspectSince: 'unknown' as const };
  done(await confirmPartner(exchange, { issuer, fingerprint: added.fingerprint, type, ...since }));
}

/** What waits and may go to a partner of this state. */
async function countDue({ store, clock }: Exchange): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from delivery d join partner p on p.issuer = d.partner
    where d.state = 'queued' and d.next_at <= ${new Date(clock())}
      and (p.state = 'active' or (p.state = 'suspended' and d.event in ('receipt', 'withdrawn')))`.execute(store.db);
  return rows[0]?.n ?? 0;
}

async function leaveTo(exchange: Exchange, { pushed }: Recipient): Promise<Pushed[]> {
  const before = pushed.length;
  const delivery = startDelivery(exchange);
  try {
    await eventually('nothing is due', async () => (await countDue(exchange)) === 0);
  } finally {
    await delivery.stop(2000);
  }
  return pushed.slice(before);
}

async function leaveUnanswered(exchange: Exchange, recipient: Recipient): Promise<() => Promise<void>> {
  const { promise, resolve } = Promise.withResolvers<void>();
  recipient.gate = promise;
  const left = leaveTo(exchange, recipient);
  await eventually('a push without an answer', async () => recipient.pushed.length > 0);
  return async () => {
    resolve();
    await left;
  };
}

async function startRecipient(): Promise<Recipient> {
  const server = createServer((request, response) => void take(recipient, request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const recipient: Recipient = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pushed: [],
    answer: { status: 202 },
    gate: Promise.resolve(),
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  return recipient;
}

async function take(recipient: Recipient, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const compact = await text(request);
  if (request.url !== '/exchange/push') return void response.writeHead(204).end();
  recipient.pushed.push(readToken(compact));
  await recipient.gate;
  const { status, err } = recipient.answer;
  response.writeHead(status, { 'content-type': 'application/json' }).end(err && JSON.stringify({ err }));
}

function readToken(compact: string): Pushed {
  const [header, claims] = compact
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json);
  const [name = '', payload = {}] = Object.entries(claims?.events as Record<string, Json>)[0] ?? [];
  const event = name.split(':').at(-1) ?? '';
  return { compact, kid: String(header?.kid), jti: String(claims?.jti), event, payload };
}
