// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { setTimeout as pause } from 'node:timers/promises';
import { inject } from 'vitest';
import { isRefusal, type Refusal } from '../../src/domain/refusal.ts';
import { settleDue } from '../../src/exchange/case/round.ts';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { createDelivery } from '../../src/exchange/deliver.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { createHalt } from '../../src/exchange/halt.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { publishKeys } from '../../src/exchange/publish.ts';
import { storedCard } from '../../src/exchange/published.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { createLog } from '../../src/log.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openStore } from '../../src/store/open.ts';
import { insertRows } from '../../src/store/rows.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { createDice } from '../simulate/dice.ts';
import { newKeyDisk } from '../simulate/keys.ts';
import { exchangeOf } from '../simulate/node.ts';
import { type FreshDatabase, freshDatabase } from './postgres.ts';

// Four organisations in one process, over the exchange's own code and one PostgreSQL with a schema each. What they send lies in a
// bag, and the test alone says when it arrives, in which order and how often. Time stands still but where the test moves it.

export const partyNames = ['hotline', 'abroad', 'police', 'provider'] as const;
export type PartyName = (typeof partyNames)[number];

const places: Readonly<Record<PartyName, { readonly type: string; readonly jurisdiction: string }>> = {
  hotline: { type: 'hotline', jurisdiction: 'DE' },
  abroad: { type: 'hotline', jurisdiction: 'NL' },
  police: { type: 'law-enforcement', jurisdiction: 'DE' },
  provider: { type: 'industry', jurisdiction: 'DE' },
};

/** A signed message on its way; `n` is its number from this sender to this recipient. */
export interface Letter {
  readonly from: PartyName;
  readonly to: PartyName;
  readonly token: string;
  readonly event: string;
  readonly jti: string;
  readonly n: number;
}

export interface CaseParty {
  readonly name: PartyName;
  readonly exchange: Exchange;
  /** Takes a message as the peer listener does, and gives whether it answered 202. */
  take(letter: Letter): Promise<boolean>;
}

export interface CasePost {
  readonly parties: Readonly<Record<PartyName, CaseParty>>;
  readonly now: () => number;
  /** Moves the one clock of all. */
  later(ms: number): void;
  /** Has every outbox emptied, and gives what left since the last call, in an order that does not depend on the machine. */
  collect(): Promise<Letter[]>;
  /** What the clock does by itself, at every party. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

const START = Date.UTC(2026, 10, 20, 12);

function agreed<Answer>(answer: Answer | Refusal | readonly Refusal[]): Answer {
  const refusal = Array.isArray(answer) ? answer[0] : answer;
  if (isRefusal(refusal)) throw new Error(`refused: ${refusal.code} ${refusal.pointer} ${refusal.message}`);
  return answer as Answer;
}

const issuerOf = (name: PartyName) => `http://127.0.0.1:${21_000 + partyNames.indexOf(name)}`;

export async function casePost(): Promise<CasePost> {
  const database = await freshDatabase(inject('postgresUrl'));
  const bag: Letter[] = [];
  let now = START;
  const clock = () => now;
  const made: CaseParty[] = [];
  const pumps: (() => void)[] = [];
  for (const name of partyNames) {
    const exchange = await openParty(database, name, clock, bag);
    const receive = createReceive(exchange);
    const { wake } = createDelivery(exchange, createHalt(exchange));
    pumps.push(wake);
    made.push({
      name,
      exchange,
      take: async ({ token }) => (await receive(Buffer.from(token, 'latin1'))).status === 'taken',
    });
  }
  const parties = Object.fromEntries(made.map((one) => [one.name, one])) as Record<PartyName, CaseParty>;
  await introduceAll(made);
  return {
    parties,
    now: clock,
    later(ms) {
      now += ms;
    },
    async collect() {
      await Promise.all(made.map(({ exchange }, index) => emptied(exchange, pumps[index] ?? (() => undefined))));
      const left = bag.splice(0);
      return left.sort((a, b) => order(a.from, b.from) || order(a.to, b.to) || a.n - b.n);
    },
    async tick() {
      await Promise.all(made.map(({ exchange }) => settleDue(exchange)));
    },
    async close() {
      await Promise.all(made.map(({ exchange }) => exchange.store.close()));
      await database.drop();
    },
  };
}

const order = (a: PartyName, b: PartyName) => partyNames.indexOf(a) - partyNames.indexOf(b);

async function openParty(database: FreshDatabase, name: PartyName, clock: () => number, bag: Letter[]) {
  const store = agreed(await openStore({ kind: 'postgres', url: database.url, schema: name, connections: 4 }));
  await migrate(store);
  const issuer = issuerOf(name);
  await insertRows(store.db, 'node', [
    { issuer, created_at: new Date(START), single: true, directory_version: 0, key_set_seq: 0 },
  ]);
  const site = {
    number: partyNames.indexOf(name),
    issuer,
    disk: await newKeyDisk(`case ${name}`, START / 1000),
    pollOnly: false,
  };
  const around = {
    ...{ store, clock, transport: postInto(bag, name) },
    dice: createDice(`case ${name}`),
    log: createLog({ level: 'silent' }),
    wake: () => undefined,
    outside: <Answer>(work: Promise<Answer>) => work,
  };
  const exchange = await exchangeOf(site, around);
  const { type, jurisdiction } = places[name];
  const settings = { ...exchange.settings, name, type, jurisdictions: [jurisdiction] };
  const own: Exchange = { ...exchange, settings };
  agreed(await publishKeys(own));
  return own;
}

/** Whatever is posted is taken, as far as its sender learns: when it arrives is not the sender's to see. */
function postInto(bag: Letter[], from: PartyName): Transport {
  const nobody = { status: 'unreachable', code: 'connection-failed' } as const;
  return {
    async postToken(_, token, { partner }) {
      const to = partyNames.find((name) => issuerOf(name) === partner);
      if (to === undefined) return nobody;
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      const [type = ''] = Object.keys(claims.events);
      const event = type.slice(type.lastIndexOf(':') + 1);
      bag.push({ from, to, token, event, jti: claims.jti, n: claims['urn:caseref:seq'].n });
      return { status: 'accepted' };
    },
    postKeySet: async () => nobody,
    askClock: async () => nobody,
    getKeySet: async () => nobody,
    postPoll: async () => nobody,
    postReplay: async () => nobody,
    allowance: () => Number.POSITIVE_INFINITY,
    tryNow: () => undefined,
    shutUntil: () => undefined,
    close: async () => undefined,
  };
}

async function emptied({ store }: Exchange, wake: () => void): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    const [waiting] = await store.db
      .selectFrom('delivery')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where('state', '=', 'queued')
      .execute();
    if (waiting?.n === 0) return;
    wake();
    await pause(2);
  }
  throw new Error('an outbox was never emptied');
}

async function introduceAll(parties: readonly CaseParty[]): Promise<void> {
  for (const { exchange } of parties) {
    for (const other of parties.filter((one) => one.exchange !== exchange)) {
      const card = (await storedCard(other.exchange)) ?? '';
      const { fingerprint } = agreed(await addPartner(exchange, card));
      agreed(await confirmPartner(exchange, { issuer: other.exchange.self, fingerprint }));
      agreed(await setPolicy(exchange, other.exchange.self, policyFor(other)));
    }
  }
}

/** What goes to the provider a person decides; all else goes, and police are trusted with holds. */
function policyFor({ name, exchange }: CaseParty): Record<string, unknown> {
  const industry = name === 'provider';
  const rule = (then: string) => ({ id: 'all', when: { category: ['*'] }, then });
  return {
    partner: exchange.self,
    legal: { basis: 'Invented act, section 1', transfer: 'none' },
    send: {
      rules: [rule(industry ? 'hold' : 'send')],
      disclose: { handles: 'never', assessments: true },
      ...(industry && { industry: { requested: 'remove', legalBasis: 'notice-and-action' } }),
    },
    receive: { rules: [rule('accept')], ...(name === 'police' && { mayHold: true }) },
    security: { encryption: 'none' },
  };
}
