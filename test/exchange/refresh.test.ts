import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { createReceive, type Receive } from '../../src/exchange/receive.ts';
import { findStale, wantRefresh } from '../../src/exchange/refresh.ts';
import { claimRefreshes } from '../../src/store/refresh.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { honestClaims, makeToken, type TestKey, testKey } from '../support/tokens.ts';
import {
  type AskedPartner,
  askedPartner,
  eventsOf,
  look,
  openAlertsOf,
  rowOf,
  saying,
  standingClock,
} from './asked-partner.ts';

const SELF = 'http://127.0.0.1:9';
const HOUR = 3600;
const DAY = 24 * HOUR;
const partners: AskedPartner[] = [];

afterEach(async () => {
  for (const partner of partners.splice(0)) await partner.close();
});

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

  async function met(...given: Parameters<typeof askedPartner> extends [unknown, ...infer Rest] ? Rest : never) {
    const partner = await askedPartner(own.exchange, ...given);
    partners.push(partner);
    return partner;
  }

  function token(partner: AskedPartner, key: TestKey, changes: Record<string, unknown> = {}): Buffer {
    const sub_id = { format: 'iss_sub', iss: partner.issuer, sub: crypto.randomUUID() };
    const events = { 'urn:caseref:event:1:submitted': wireReference() };
    const own = { iss: partner.issuer, aud: SELF, iat: Math.floor(clock() / 1000), jti: freshJti(), sub_id, events };
    return Buffer.from(makeToken({ key, payload: honestClaims({ ...own, ...changes }) }));
  }

  test('a partner is asked once it is active, then in its turn and not before', async () => {
    const partner = await met();
    partner.publishes(partner.keySet());
    expect(await look(own.exchange)).toEqual([partner.issuer]);
    expect(await rowOf(own.exchange, partner.issuer)).toMatchObject({
      refreshed_at: new Date(clock()),
      refresh_failures: 0,
      key_set_etag: '"1"',
    });
    clock.forward(0.79 * HOUR);
    expect(await look(own.exchange)).toEqual([]);
    clock.forward(0.21 * HOUR);
    expect(await look(own.exchange)).toEqual([partner.issuer]);
    expect(partner.asked.map((headers) => headers['if-none-match'])).toEqual([undefined, '"1"']);
    expect((await rowOf(own.exchange, partner.issuer)).refreshed_at).toEqual(new Date(clock()));
  });

  test('a newer key set is pinned, and messages by its key are taken', async () => {
    const partner = await met();
    const next = testKey();
    await own.exchange.store.db.updateTable('partner').set({ refreshed_at: null }).execute();
    expect(await receive(token(partner, next))).toMatchObject({ refusal: { reason: 'kid-unknown' } });
    partner.publishes(partner.keySet({ seq: partner.seq + 1, keys: [keyEntry(next, { exp: partner.seq + DAY })] }));
    await look(own.exchange);
    clock.forward(1);
    const reception = await receive(token(partner, next));
    expect(reception.status === 'refused' && reception.refusal.reason).not.toBe('kid-unknown');
    expect(await eventsOf(own.exchange, partner.issuer, 'key-set.accepted')).toHaveLength(1);
  });

  test.each(['pending', 'removed'] as const)('a partner that is %s is never asked, wanted or not', async (state) => {
    const partner = await met({ state });
    await wantRefresh(own.exchange, partner.issuer);
    clock.forward(8 * DAY);
    expect(await look(own.exchange)).toEqual([]);
    await findStale(own.exchange);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
  });

  test('a suspended partner is asked: its withdrawals count', async () => {
    const partner = await met({ state: 'suspended' });
    expect(await look(own.exchange)).toEqual([partner.issuer]);
  });

  test('only an unknown key of a known partner makes us ask sooner', async () => {
    const partner = await met();
    partner.publishes(partner.keySet());
    await look(own.exchange);
    clock.forward(61);
    const forged = token(partner, { ...testKey(), kid: partner.operational.kid });
    const stranger = { ...partner, issuer: 'http://127.0.0.1:1' };
    for (const one of [forged, token(stranger, testKey()), Buffer.from('noise')]) await receive(one);
    expect(await look(own.exchange)).toEqual([]);
    const asked = partner.asked.length;
    expect(await receive(token(partner, testKey()))).toMatchObject({
      refusal: { status: 503, err: 'temporarily_unavailable', reason: 'kid-unknown', retryAfter: 60 },
    });
    expect(partner.asked).toHaveLength(asked);
    await expect.poll(() => rowOf(own.exchange, partner.issuer)).toMatchObject({ refresh_wanted_at: expect.any(Date) });
    expect(await look(own.exchange)).toEqual([partner.issuer]);
    expect(await rowOf(own.exchange, partner.issuer)).toMatchObject({ refresh_wanted_at: null });
  });

  test('a flood of wishes is one write a minute', async () => {
    const partner = await met();
    const { db } = own.exchange.store;
    await wantRefresh(own.exchange, partner.issuer);
    expect((await rowOf(own.exchange, partner.issuer)).refresh_wanted_at).not.toBeNull();
    await db.updateTable('partner').set({ refresh_wanted_at: null }).where('issuer', '=', partner.issuer).execute();
    clock.forward(59);
    for (let n = 0; n < 50; n += 1) await wantRefresh(own.exchange, partner.issuer);
    expect((await rowOf(own.exchange, partner.issuer)).refresh_wanted_at).toBeNull();
    clock.forward(2);
    await wantRefresh(own.exchange, partner.issuer);
    expect((await rowOf(own.exchange, partner.issuer)).refresh_wanted_at).not.toBeNull();
  });

  test('a partner that answers is asked at most once a minute, however often it is wished for', async () => {
    const partner = await met();
    partner.publishes(partner.keySet());
    for (let second = 0; second < 10 * 60; second += 5) {
      await wantRefresh(own.exchange, partner.issuer);
      await look(own.exchange);
      clock.forward(5);
    }
    expect(partner.asked.length).toBeGreaterThan(5);
    expect(partner.asked.length).toBeLessThanOrEqual(10);
  });

  test('a partner without the document is asked ever more seldom, and is told of once', async () => {
    const partner = await met();
    for (let minute = 0; minute < DAY / 60; minute += 1) {
      await look(own.exchange);
      clock.forward(60);
    }
    expect(partner.asked.length).toBeGreaterThan(23);
    expect(partner.asked.length).toBeLessThan(60);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
    clock.forward(7 * DAY);
    for (let n = 0; n < 3; n += 1) await findStale(own.exchange);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(['key-set-stale']);
    expect(await eventsOf(own.exchange, partner.issuer, 'alert.raised')).toHaveLength(1);
  });

  test('while it does not answer, a flood of wishes is heard once in each pause', async () => {
    const partner = await met();
    for (let second = 0; second < 6 * HOUR; second += 30) {
      await wantRefresh(own.exchange, partner.issuer);
      await look(own.exchange);
      clock.forward(30);
    }
    expect(partner.asked.length).toBeGreaterThan(12);
    expect(partner.asked.length).toBeLessThan(45);
  });

  test('the warning of a week without an answer is closed by the next answer, and said so', async () => {
    const partner = await met();
    clock.forward(7 * DAY - 60);
    await findStale(own.exchange);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
    clock.forward(61);
    await findStale(own.exchange);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(['key-set-stale']);
    partner.publishes(partner.keySet());
    await look(own.exchange);
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual([]);
    expect(await eventsOf(own.exchange, partner.issuer, 'alert.closed')).toMatchObject([{ code: 'key-set-stale' }]);
  });

  test('messages are answered 503, never 400, when its key set has been over for 14 days; an answer mends it', async () => {
    const partner = await met();
    partner.answers(saying(404));
    clock.forward(44 * DAY + 1);
    expect(await receive(token(partner, partner.operational))).toMatchObject({
      refusal: { status: 503, reason: 'keys-stale' },
    });
    const at = Math.floor(clock() / 1000);
    partner.publishes(partner.keySet({ seq: at, iat: at, exp: at + 30 * DAY }));
    await look(own.exchange);
    clock.forward(1);
    const reception = await receive(token(partner, partner.operational));
    expect(reception.status === 'refused' && reception.refusal.reason).not.toBe('keys-stale');
  });

  test.each([
    ['of another partner', (other: AskedPartner) => other.keySet({ seq: other.seq + 9 }), []],
    ['that is noise', () => 'noise', []],
  ] as const)('a key set %s is a failure like any other', async (_name, made, alerts) => {
    const [partner, other] = [await met(), await met()];
    partner.publishes(made(other));
    await look(own.exchange);
    expect(await rowOf(own.exchange, partner.issuer)).toMatchObject({
      refreshed_at: null,
      refresh_failures: 1,
      key_set_etag: null,
    });
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(alerts);
    expect(await rowOf(own.exchange, other.issuer)).toMatchObject({ key_set_seq: other.seq });
  });

  test('an older key set from its own listener is told as what it is', async () => {
    const partner = await met();
    partner.publishes(partner.keySet({ seq: partner.seq - 5 }));
    await look(own.exchange);
    expect(await rowOf(own.exchange, partner.issuer)).toMatchObject({ refresh_failures: 1, key_set_seq: partner.seq });
    expect(await openAlertsOf(own.exchange, partner.issuer)).toEqual(['key-set-rolled-back']);
  });
});

test('of several processes on one PostgreSQL exactly one asks', async () => {
  const database = await freshDatabase(inject('postgresUrl'));
  const clock = standingClock();
  const store = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  const first = await testExchange({ issuer: SELF, clock, store });
  const partner = await askedPartner(first.exchange);
  partners.push(partner);
  const { db } = first.exchange.store;
  for (let round = 0; round < 20; round += 1) {
    const at = new Date(clock());
    const claims = await Promise.all(Array.from({ length: 6 }, () => claimRefreshes(db, at, 10)));
    expect(claims.flat().map(({ issuer }) => issuer)).toEqual([partner.issuer]);
    clock.forward(60);
  }
  await first.close();
  await database.drop();
});
