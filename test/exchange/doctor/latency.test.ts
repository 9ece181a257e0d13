import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { examineLatency, latencyFinding } from '../../../src/exchange/doctor/latency.ts';
import { heardSince } from '../../../src/store/checkup.ts';
import { insertRows } from '../../../src/store/rows.ts';
import { befriend, type TestExchange, testExchange } from '../../support/exchange.ts';
import { type FreshDatabase, freshDatabase } from '../../support/postgres.ts';

const partner = 'http://127.0.0.1:9441';
const other = 'http://127.0.0.1:9442';
const HOUR = 3_600_000;

let database: FreshDatabase;
let own: TestExchange;
let count = 0;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  const store = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  own = await testExchange({ issuer: 'http://127.0.0.1:9440', store });
  for (const issuer of [partner, other]) await befriend(own.exchange, issuer);
});
afterAll(async () => {
  await own.close();
  await database.drop();
});

/** A message that was sent so long ago and answered for so many times, each so long after it was sent; in milliseconds. */
async function answered(to: string, ago: number, after: readonly number[], event = 'submitted'): Promise<void> {
  count += 1;
  const jti = `message-${count}`;
  const sent = own.exchange.clock() - ago;
  const kind = { event, state: 'receipted', outcome: 'accepted', attempts: 1, priority: 1, n: count };
  const at = { next_at: new Date(sent), created_at: new Date(sent), sent_at: new Date(sent) };
  const row = { id: own.exchange.chance.uuid(), position: count, partner: to, jti, reached: true, ...kind, ...at };
  await insertRows(own.exchange.store.db, 'delivery', [row]);
  const receipts = after.map((took, index) => ({
    issuer: to,
    jti: `receipt-${count}-${index}`,
    digest: 'S256:x',
    payload_digest: 'S256:x',
    kid: 'k',
    event: 'urn:caseref:event:1:receipt',
    received_at: new Date(sent + took),
    answers: jti,
  }));
  await insertRows(own.exchange.store.db, 'message', receipts);
}

test('the median and the slowest of the last day are told for each partner, by its first receipts', async () => {
  for (const took of [1000, 2000, 3000]) await answered(partner, 2 * HOUR, [took]);
  // A withdrawal is receipted at once and again when it is erased, three days later.
  await answered(partner, 20 * HOUR, [4000, 19 * HOUR], 'withdrawn');
  await answered(partner, 2 * HOUR, [5_400_000]);
  await answered(partner, 30 * HOUR, [29 * HOUR]);
  await answered(partner, HOUR, [HOUR], 'verify');
  await answered(other, HOUR, [100]);
  expect(await examineLatency(own.exchange)).toMatchObject([
    {
      level: 'ok',
      code: 'receipt-latency',
      partner,
      message: `${partner} signed receipts for 5 messages of the last day: half of them within 3.0 s, the slowest after 90 min.`,
    },
    { level: 'ok', partner: other },
  ]);
  expect(await examineLatency(own.exchange, other)).toMatchObject([{ partner: other }]);
});

test('a receipt that came before the answer to its push was noted took no time', async () => {
  const later = 'http://127.0.0.1:9443';
  await befriend(own.exchange, later);
  await answered(later, HOUR, [-50]);
  const [finding] = await examineLatency(own.exchange, later);
  expect(finding?.message).toContain('half of them within 0.0 s');
});

test('a partner whose half takes more than ten minutes is a warning that says what to do', () => {
  const slow = { partner, count: 7, median: 700_000, slowest: 20 * HOUR };
  expect(latencyFinding(slow)).toMatchObject({
    level: 'warn',
    code: 'receipts-slow',
    next: expect.stringContaining(`caseref delivery list --state sent --partner ${partner}`),
  });
  expect(latencyFinding({ ...slow, median: 600_000 }).level).toBe('ok');
});

test('a partner counts as heard by what came of it since the instant, and by no other partner’s messages', async () => {
  const quiet = 'http://127.0.0.1:9444';
  await befriend(own.exchange, quiet);
  await answered(other, 1000, [500]);
  await answered(quiet, 3 * HOUR, [500]);
  const since = (ms: number) => heardSince(own.exchange.store.db, [other, quiet], new Date(own.exchange.clock() - ms));
  expect([...(await since(60_000))]).toEqual([other]);
  expect([...(await since(4 * HOUR))].sort()).toEqual([other, quiet]);
});
