import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { takeKeySet } from '../../src/exchange/key-sets.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, policyFor, wireReference } from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { honestClaims, honestHeader, makeToken, now, type TestKey, testKey } from '../support/tokens.ts';
import { type AskedPartner, askedPartner, standingClock } from './asked-partner.ts';

// A revocation and messages at the same time, on PostgreSQL: none escapes the mark, and nobody else waits for it.

const clock = standingClock();
let database: FreshDatabase;
let own: TestExchange;
beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  const store = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  own = await testExchange({ issuer: 'http://127.0.0.1:9', clock, store });
});
afterAll(async () => {
  await own.close();
  await database.drop();
});

function submission({ issuer }: AskedPartner, key: TestKey, jti = freshJti()): Buffer {
  const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
  const events = { 'urn:caseref:event:1:submitted': wireReference({}) };
  const aud = own.exchange.self;
  const payload = honestClaims({ iss: issuer, aud, iat: Math.floor(clock() / 1000), jti, sub_id, events });
  return Buffer.from(makeToken({ key, header: honestHeader(key), payload }));
}

const revoked = (key: TestKey, revoked_at: number) => keyEntry(key, { revoked: { revoked_at, reason: 'compromised' } });

/** Waits until so many transactions wait for a lock of another one. */
async function untilWaiting(count: number): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`.execute(own.exchange.store.db);
    if ((rows[0]?.n ?? 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a message that is being admitted while the revocation of its key is taken does not escape the mark', async () => {
  const lost = testKey();
  const partner = await askedPartner(own.exchange, { keys: [keyEntry(lost)] });
  await setPolicy(own.exchange, partner.issuer, policyFor(partner.issuer));
  clock.forward(3600);
  const { db } = own.exchange.store;
  const jti = freshJti();
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  const { promise: held, resolve: isHeld } = Promise.withResolvers<void>();
  // Any transaction that writes to the feed at this moment: what is admitted waits for it, verified already.
  const other = db.transaction().execute(async (trx) => {
    await sql`update feed_counter set position = position`.execute(trx);
    isHeld();
    await hold;
  });
  await held;
  const receiving = createReceive(own.exchange)(submission(partner, lost, jti));
  await untilWaiting(1);
  const keys = [revoked(lost, now)];
  const taking = takeKeySet(own.exchange, partner.keySet({ seq: partner.seq + 5, keys }));
  await untilWaiting(2);
  release();
  await other;
  expect(await receiving).toEqual({ status: 'taken' });
  expect(await taking).toMatchObject({ isNew: true });
  const row = await db.selectFrom('message').select('suspect_at').where('jti', '=', jti).executeTakeFirstOrThrow();
  expect(row.suspect_at).toEqual(new Date(clock()));
  await partner.close();
});

test('a message by a key whose revocation is being taken is refused', async () => {
  const lost = testKey();
  const partner = await askedPartner(own.exchange, { keys: [keyEntry(lost)] });
  await setPolicy(own.exchange, partner.issuer, policyFor(partner.issuer));
  const receive = createReceive(own.exchange);
  expect(await receive(submission(partner, lost))).toEqual({ status: 'taken' });
  const { db } = own.exchange.store;
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  const { promise: held, resolve: isHeld } = Promise.withResolvers<void>();
  const other = db.transaction().execute(async (trx) => {
    await sql`update feed_counter set position = position`.execute(trx);
    isHeld();
    await hold;
  });
  await held;
  const taking = takeKeySet(own.exchange, partner.keySet({ seq: partner.seq + 5, keys: [revoked(lost, now)] }));
  await untilWaiting(1);
  const receiving = receive(submission(partner, lost));
  await untilWaiting(2);
  release();
  await Promise.all([other, taking]);
  expect(await receiving).toMatchObject({ status: 'refused', refusal: { err: 'invalid_key' } });
  await partner.close();
});

const MANY = 100_000;

test('a revocation that reaches far back in a busy partner is told once and stops nobody else', {
  timeout: 120_000,
}, async () => {
  const [lost, honest] = [testKey(), testKey()];
  const bad = await askedPartner(own.exchange, { keys: [keyEntry(lost)] });
  const good = await askedPartner(own.exchange, { keys: [keyEntry(honest)] });
  await setPolicy(own.exchange, good.issuer, policyFor(good.issuer));
  const { db } = own.exchange.store;
  await sql`
    insert into message (issuer, jti, digest, payload_digest, kid, event, originator, reference_id, outcome, received_at)
    select ${bad.issuer}, 'j' || g, 'S256:' || g, 'S256:' || g, ${lost.kid}, 'urn:caseref:event:1:submitted', ${bad.issuer},
      gen_random_uuid(), 'accepted', ${new Date(clock())}
    from generate_series(1, ${MANY}) g`.execute(db);
  clock.forward(3600);
  const receive = createReceive(own.exchange);
  await receive(submission(good, honest));
  let isDone = false;
  const taking = takeKeySet(own.exchange, bad.keySet({ seq: bad.seq + 1, keys: [revoked(lost, now - 3000)] })).finally(
    () => {
      isDone = true;
    },
  );
  let worst = 0;
  while (!isDone) {
    const start = performance.now();
    expect(await receive(submission(good, honest))).toEqual({ status: 'taken' });
    worst = Math.max(worst, performance.now() - start);
  }
  expect(await taking).toMatchObject({ isNew: true });
  expect(worst).toBeLessThan(2000);
  const told = await db
    .selectFrom('event')
    .select(['type', 'body'])
    .where('partner', '=', bad.issuer)
    .where('type', 'in', ['message.suspect', 'reference.suspect'])
    .execute();
  expect(told.filter(({ type }) => type === 'reference.suspect')).toHaveLength(1000);
  expect(told.filter(({ type }) => type === 'message.suspect').map(({ body }) => body?.count)).toEqual([MANY]);
  await Promise.all([bad.close(), good.close()]);
});
