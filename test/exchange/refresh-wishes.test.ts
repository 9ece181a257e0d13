import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { takeKeySet } from '../../src/exchange/key-sets.ts';
import { createReceive, type Receive } from '../../src/exchange/receive.ts';
import { createRefreshes, wantRefresh } from '../../src/exchange/refresh.ts';
import { openReadyStore } from '../../src/store/ready.ts';
import { claimRefreshes } from '../../src/store/refresh.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { honestClaims, makeToken, type TestKey, testKey } from '../support/tokens.ts';
import {
  type Answer,
  type AskedPartner,
  askedPartner,
  eventsOf,
  look,
  rowOf,
  saying,
  standingClock,
} from './asked-partner.ts';

// A partner's answer to the question for its key set is as old as the question: a message by a newer key that comes while
// the answer is under way must be asked for after it, though its sender does not come again.

const SELF = 'http://127.0.0.1:9';
const DAY = 24 * 3600;
const partners: AskedPartner[] = [];

afterEach(async () => {
  for (const partner of partners.splice(0)) await partner.close();
});

/** The partner answers when it is told to; `reached` once it was asked. */
function holdsBack(partner: AskedPartner, answer: Answer) {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const { promise: told, resolve: answers } = Promise.withResolvers<void>();
  partner.answers((...given) => {
    resolve();
    void told.then(() => answer(...given));
  });
  return { reached, answers };
}

const keySetOf =
  (keySet: string): Answer =>
  (response) =>
    void response.writeHead(200, { 'content-type': 'application/jwk-set+jwt' }).end(keySet);

/** A wish is recorded that nobody has asked for yet. */
const wished = (exchange: TestExchange['exchange'], { issuer }: AskedPartner) =>
  expect
    .poll(async () => {
      const { refresh_wanted_at: wanted, refresh_tried_at: tried } = await rowOf(exchange, issuer);
      return wanted !== null && (tried === null || wanted > tried);
    })
    .toBe(true);

describe.each(['embedded', 'postgres'] as const)('on the %s store', (kind) => {
  const clock = standingClock();
  let own: TestExchange;
  let database: FreshDatabase | undefined;
  let receive: Receive;

  beforeAll(async () => {
    database = kind === 'postgres' ? await freshDatabase(inject('postgresUrl')) : undefined;
    const store = database && ({ kind: 'postgres', url: database.url, schema: 'caseref' } as const);
    own = await testExchange({ issuer: SELF, clock, ...(store && { store }) });
    receive = createReceive(own.exchange);
  });
  afterAll(async () => {
    await own.close();
    await database?.drop();
  });
  afterEach(() => own.exchange.store.db.updateTable('partner').set({ state: 'removed' }).execute());

  /** A partner whose first answer is in, more than a minute ago. */
  async function met(): Promise<AskedPartner> {
    const partner = await askedPartner(own.exchange);
    partners.push(partner);
    partner.publishes(partner.keySet());
    expect(await look(own.exchange)).toEqual([partner.issuer]);
    clock.forward(61);
    return partner;
  }

  const failedBefore = (failures: number) =>
    own.exchange.store.db.updateTable('partner').set({ refresh_failures: failures }).execute();
  const withKey = (partner: AskedPartner, key: TestKey, ahead = 1) =>
    partner.keySet({ seq: partner.seq + ahead, keys: [keyEntry(key, { exp: partner.seq + DAY })] });

  /** One message by this key, pushed once. */
  async function isKnown({ issuer: iss }: AskedPartner, key: TestKey): Promise<boolean> {
    const sub_id = { format: 'iss_sub', iss, sub: crypto.randomUUID() };
    const events = { 'urn:caseref:event:1:submitted': wireReference() };
    const claims = { iss, aud: SELF, iat: Math.floor(clock() / 1000), jti: freshJti(), sub_id, events };
    const reception = await receive(Buffer.from(makeToken({ key, payload: honestClaims(claims) })));
    if (reception.status !== 'refused' || reception.refusal.reason !== 'kid-unknown') return true;
    expect(reception.refusal).toMatchObject({ status: 503, retryAfter: 60 });
    return false;
  }

  test.each([
    ['the key set that we have', 0, (partner: AskedPartner) => keySetOf(partner.keySet())],
    ['that nothing is new', 0, () => saying(304)],
    [
      'the key set that we have, for the first time after failures',
      5,
      (partner: AskedPartner) => keySetOf(partner.keySet()),
    ],
  ] as const)(
    'a key that is met while the partner says %s is asked for a minute after the question',
    async (_, failures, said) => {
      const partner = await met();
      const next = testKey();
      await failedBefore(failures);
      await wantRefresh(own.exchange, partner.issuer);
      await wished(own.exchange, partner);
      // What this process wished for within the last minute is another test's.
      clock.forward(61);
      const { reached, answers } = holdsBack(partner, said(partner));
      const asking = look(own.exchange);
      await reached;
      expect(await isKnown(partner, next)).toBe(false);
      await wished(own.exchange, partner);
      partner.publishes(withKey(partner, next), '"2"');
      answers();
      await asking;
      const asked = partner.asked.length;
      clock.forward(59);
      expect(await look(own.exchange)).toEqual([]);
      clock.forward(1);
      expect(await look(own.exchange)).toEqual([partner.issuer]);
      expect(partner.asked).toHaveLength(asked + 1);
      expect(await isKnown(partner, next)).toBe(true);
      clock.forward(61);
      expect(await look(own.exchange)).toEqual([]);
    },
  );

  test('a key that is met while the question fails is asked for long before the turn after that failure', async () => {
    const partner = await met();
    const next = testKey();
    await failedBefore(6);
    clock.forward(3600);
    const { reached, answers } = holdsBack(partner, saying(503));
    const asking = look(own.exchange);
    await reached;
    expect(await isKnown(partner, next)).toBe(false);
    await wished(own.exchange, partner);
    partner.publishes(withKey(partner, next), '"2"');
    answers();
    await asking;
    clock.forward(60);
    expect(await look(own.exchange)).toEqual([partner.issuer]);
    expect(await isKnown(partner, next)).toBe(true);
  });

  test('a key that is met when a pushed key set without it is taken is asked for all the same', async () => {
    const partner = await met();
    const [first, next] = [testKey(), testKey()];
    expect(await isKnown(partner, next)).toBe(false);
    await wished(own.exchange, partner);
    await takeKeySet(own.exchange, withKey(partner, first));
    partner.publishes(withKey(partner, next, 2), '"2"');
    expect(await look(own.exchange)).toEqual([partner.issuer]);
    expect(await isKnown(partner, next)).toBe(true);
  });

  test('a second unknown key within the minute of the first is asked for when the minute is over', async () => {
    const partner = await met();
    const refreshes = createRefreshes(own.exchange);
    const [first, second] = [testKey(), testKey()];
    const noted = (ahead: number) =>
      expect.poll(async () => (await rowOf(own.exchange, partner.issuer)).key_set_seq).toBe(partner.seq + ahead);
    expect(await isKnown(partner, first)).toBe(false);
    await wished(own.exchange, partner);
    const { reached, answers } = holdsBack(partner, keySetOf(withKey(partner, first)));
    await refreshes.look();
    await reached;
    clock.forward(5);
    for (let n = 0; n < 20; n += 1) expect(await isKnown(partner, second)).toBe(false);
    partner.publishes(withKey(partner, second, 2), '"2"');
    answers();
    await noted(1);
    expect(await isKnown(partner, first)).toBe(true);
    clock.forward(54);
    await refreshes.look();
    expect(partner.asked).toHaveLength(2);
    clock.forward(1);
    await refreshes.look();
    await noted(2);
    expect(await isKnown(partner, second)).toBe(true);
    expect(partner.asked).toHaveLength(3);
    expect(await eventsOf(own.exchange, partner.issuer, 'key-set.accepted')).toHaveLength(2);
    for (let minute = 0; minute < 3; minute += 1) {
      clock.forward(61);
      await refreshes.look();
    }
    await refreshes.end();
    expect(partner.asked).toHaveLength(3);
  });

  test('a wish whose process died over it is asked for a minute later by whoever looks, and then no more', async () => {
    const partner = await met();
    await wantRefresh(own.exchange, partner.issuer);
    const claimed = () => claimRefreshes(own.exchange.store.db, new Date(clock()), 10);
    expect(await claimed()).toMatchObject([{ issuer: partner.issuer, in_turn: false }]);
    clock.forward(59);
    expect(await claimed()).toEqual([]);
    clock.forward(1);
    expect(await look(own.exchange)).toEqual([partner.issuer]);
    clock.forward(61);
    expect(await look(own.exchange)).toEqual([]);
  });
});

test('what one process meets while the answer to another is under way is asked for after it, by one of them', async () => {
  const database = await freshDatabase(inject('postgresUrl'));
  const clock = standingClock();
  const settings = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  const first = await testExchange({ issuer: SELF, clock, store: settings });
  const store = await openReadyStore(settings);
  if (isRefusal(store)) throw new Error(store.message);
  const second = { ...first.exchange, store };
  const partner = await askedPartner(first.exchange);
  partners.push(partner);
  const { reached, answers } = holdsBack(partner, keySetOf(partner.keySet()));
  const asking = look(first.exchange);
  await reached;
  await wantRefresh(second, partner.issuer);
  await wished(first.exchange, partner);
  partner.publishes(partner.keySet({ seq: partner.seq + 1 }));
  answers();
  await asking;
  const both = async () => (await Promise.all([look(first.exchange), look(second)])).flat();
  expect(await both()).toEqual([]);
  clock.forward(60);
  expect(await both()).toEqual([partner.issuer]);
  expect((await rowOf(second, partner.issuer)).key_set_seq).toBe(partner.seq + 1);
  clock.forward(61);
  expect(await both()).toEqual([]);
  await store.close();
  await first.close();
  await database.drop();
});
