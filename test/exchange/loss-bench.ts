import { sql } from 'kysely';
import { expect, inject } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { browseEvents } from '../../src/exchange/browse.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { type Loss, noteLoss } from '../../src/exchange/lost-state.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { recover } from '../../src/exchange/recovering.ts';
import { createShare } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { claimDeliveries } from '../../src/store/outbox.ts';
import { openReadyStore } from '../../src/store/ready.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { befriend, testExchange } from '../support/exchange.ts';
import { freshJti, policyFor, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase } from '../support/postgres.ts';
import { honestClaims, type Json, makeToken, now, operational, self, sender } from '../support/tokens.ts';

interface Clock {
  now: number;
}

const about = (id: string, iss = sender): Json => ({ format: 'iss_sub', iss, sub: id });

/** What the partner says, numbered in one epoch. */
function voice(exchange: Exchange, clock: Clock) {
  const first = crypto.randomUUID();
  let theirs = first;
  let n = 0;

  async function say(event: string, payload: Json, subject: Json | undefined): Promise<string> {
    clock.now += 1000;
    n += 1;
    const jti = freshJti();
    const claims = honestClaims({
      jti,
      iat: Math.floor(clock.now / 1000),
      sub_id: subject ?? { format: 'opaque', id: jti },
      'urn:caseref:seq': { epoch: theirs, n },
      events: { [`urn:caseref:event:1:${event}`]: payload },
    });
    expect(await createReceive(exchange)(Buffer.from(makeToken({ payload: claims })))).toEqual({ status: 'taken' });
    return jti;
  }

  const content = (id: string, change: Json) => wireReference({ url: `https://host.example/${id}`, ...change });
  return {
    /** The epoch of its numbers, as long as nothing else is said. */
    theirs: first,
    /** What it says next has the number after this one, in this epoch. */
    countFrom(number: number, epoch = theirs): void {
      [n, theirs] = [number, epoch];
    },
    /** It says of numbers that they will never come. */
    voided: (epoch: string, ...ranges: readonly (readonly [number, number])[]) =>
      say('voided', { epoch, ranges, reason: 'dropped' }, undefined),
    /** It submits a reference; the id. */
    async arrive(change: Json = {}): Promise<string> {
      const id = crypto.randomUUID();
      await say('submitted', content(id, change), about(id));
      return id;
    },
    revise: (id: string, change: Json) =>
      say('revised', { ...content(id, change), supersedes: `S256:${'A'.repeat(43)}` }, about(id)),
    withdraw: (id: string, change: Json = {}) =>
      say('withdrawn', { reason: 'sent-in-error', purge: true, ...change }, about(id)),
    /** It says something about a reference, its own or ours; the jti. */
    speak: (event: string, payload: Json, id: string, originator = sender) =>
      say(event, payload, about(id, originator)),
    /** It answers a message that may exist or not; `about` is our reference that the message was about. */
    receipt(answers: string, given: { outcome?: string; about?: string; receivedAt?: number } = {}) {
      const { outcome = 'accepted', about: id, receivedAt = clock.now } = given;
      const receipt = {
        for: { jti: answers },
        digest: `S256:${'B'.repeat(43)}`,
        receivedAt: new Date(receivedAt).toISOString().replace(/\.\d+/, ''),
        outcome,
        ...(outcome === 'purged' && { backupsUntil: '2026-12-30T00:00:00Z' }),
      };
      return say('receipt', receipt, id === undefined ? { format: 'opaque', id: answers } : about(id, self));
    },
  };
}

/** What the node does when it is told to, without its workers. */
function deeds(exchange: Exchange, clock: Clock) {
  const { db } = exchange.store;
  const share = createShare(exchange);
  return {
    /** We share a reference with the partner; the id. */
    async share(n: number): Promise<string> {
      const answer = await share({ ...inventedReference(n), category: 'csam' });
      if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
      return (answer as Shared).id;
    },
    /** Everything that may go to the partner a second from now. */
    async claim() {
      const { version: basis } = await exchange.directory.within(db);
      const at = clock.now + 1000;
      const lease = { lease: crypto.randomUUID(), leaseUntil: new Date(at + 30_000) };
      const claim = { partner: sender, suspended: false, basis, limit: 1000, now: new Date(at), ...lease };
      return inTransaction(db, (trx) => claimDeliveries(trx, claim));
    },
    lose: (because: Loss['because'] = 'store-restored') =>
      inTransaction(db, (trx) => noteLoss(exchange, trx, { partner: sender, because })),
    recover: () => recover(exchange),
    /** The round trip is answered, and everything that was asked for is through. */
    async everythingCame(): Promise<void> {
      const answered = { state: 'receipted', outcome: 'accepted' } as const;
      await db.updateTable('delivery').set(answered).where('event', '=', 'verify').execute();
      await recover(exchange);
      await db.updateTable('replay_request').set({ state: 'done' }).execute();
      await recover(exchange);
    },
  };
}

/** What the store says afterwards. */
function views(exchange: Exchange) {
  const { db } = exchange.store;
  return {
    stream: () => db.selectFrom('partner_stream').selectAll().where('partner', '=', sender).executeTakeFirstOrThrow(),
    recoveries: () => db.selectFrom('recovery').selectAll().orderBy('at').execute(),
    async alerts(): Promise<string[]> {
      const rows = await db.selectFrom('alert').select('code').where('acknowledged_at', 'is', null).execute();
      return rows.map(({ code }) => code).sort();
    },
    async state(id: string): Promise<string> {
      const row = await db.selectFrom('reference').select('state').where('id', '=', id).executeTakeFirstOrThrow();
      return row.state;
    },
    async events(type: string) {
      const page = await browseEvents(exchange, { limit: 500 });
      return isRefusal(page) ? [] : page.items.filter((one) => one.type === type);
    },
    replays: () =>
      db
        .selectFrom('replay_request')
        .select(['epoch', 'from_n', 'to_n', 'state', 'code', 'asked_at'])
        .orderBy('created_at')
        .orderBy('from_n')
        .execute(),
    deliveries: () =>
      db
        .selectFrom('delivery')
        .select(['id', 'jti', 'event', 'state', 'epoch', 'n', 'last_code', 'payload', 'reference_id'])
        .orderBy('position')
        .execute(),
  };
}

let template: Promise<string> | undefined;

/** A database with every table, made once for all benches of a file and gone with the server. */
async function makeTemplate(): Promise<string> {
  const { url } = await freshDatabase(inject('postgresUrl'));
  const store = await openReadyStore({ kind: 'postgres', url, schema: 'caseref' });
  if (isRefusal(store)) throw new Error(store.message);
  await store.close();
  return new URL(url).pathname.slice(1);
}

/** A node on PostgreSQL whose state gets lost, with one partner that is under the test's hand, and a clock that can be moved. */
export async function lossBench(policy: Json = {}) {
  const clock: Clock = { now: now * 1000 };
  template ??= makeTemplate();
  const database = await freshDatabase(inject('postgresUrl'), await template);
  const store = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  const { exchange, close } = await testExchange({ issuer: self, clock: () => clock.now, store });
  await befriend(exchange, sender, policyFor(sender, policy), operational);
  const published = JSON.stringify({ replay: `${sender}/exchange/replay` });
  await sql`update partner set endpoints = endpoints || ${published}::jsonb`.execute(exchange.store.db);
  return {
    exchange,
    db: exchange.store.db,
    later(ms: number): void {
      clock.now += ms;
    },
    /** From now on the partner publishes no address at all: it only polls. */
    async onlyPolls(): Promise<void> {
      await sql`update partner set endpoints = '{}'`.execute(exchange.store.db);
    },
    ...voice(exchange, clock),
    ...deeds(exchange, clock),
    ...views(exchange),
    async close(): Promise<void> {
      await close();
      await database.drop();
    },
  };
}

export type LossBench = Awaited<ReturnType<typeof lossBench>>;
