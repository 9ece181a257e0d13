import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dropDelivery } from '../../src/exchange/drop.ts';
import { restrict } from '../../src/exchange/keep.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { workOffReplays } from '../../src/exchange/replay.ts';
import { createReplayServer } from '../../src/exchange/replay-server.ts';
import { resumePartner, suspendPartners } from '../../src/exchange/suspend.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import {
  deliveries,
  deliveryOf,
  type LeavingBench,
  leavingBench,
  type Pushed,
  references,
  voidedNumbers,
} from '../support/leaving.ts';
import { DAY, done } from '../support/own-keys.ts';

// What a partner is sent once more: by the signed bytes of before and by the policy of today, whatever happened between.

let bench: LeavingBench;

beforeAll(async () => {
  bench = await leavingBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const db = () => bench.exchange.store.db;
const issuer = () => bench.recipient.issuer;

async function epochNow(): Promise<string> {
  const stream = db().selectFrom('partner_stream').select('epoch').where('partner', '=', issuer());
  return (await stream.executeTakeFirstOrThrow()).epoch;
}

const ask = async (from = 1) =>
  createReplayServer(bench.exchange).grant({ issuer: issuer() }, { epoch: await epochNow(), from });

/** Grants, puts back and lets leave; gives what left. */
async function replay(from = 1): Promise<Pushed[]> {
  bench.later(11 * 60_000);
  expect(await ask(from)).toMatchObject({ status: 'granted' });
  await workOffReplays(bench.exchange);
  return bench.leave();
}

/** As if the partner had answered for everything that it took. */
async function receipted(outcome = 'accepted'): Promise<void> {
  await sql`
    update delivery set state = 'receipted', outcome = ${outcome}, receipt_jti = 'r' || jti, settled_at = now()
    where partner = ${issuer()} and state = 'sent' and event not in ('receipt', 'voided')`.execute(db());
}

const reasons = (pushed: readonly Pushed[]) =>
  pushed.filter(({ event }) => event === 'voided').map(({ payload }) => payload.reason);
const compacts = (pushed: readonly Pushed[]) => pushed.map(({ compact }) => compact);
const said = (pushed: readonly Pushed[]) => JSON.stringify(pushed.map(({ payload }) => payload));

describe('what may still be said', () => {
  test('leaves with the bytes of before and in its order, and the evidence stays', async () => {
    for (const n of [1, 2, 3]) await bench.share({ url: `https://gallery.example/${n}` });
    const before = await bench.leave();
    await receipted();
    const [first] = await deliveries(bench);
    const again = await replay();
    expect(compacts(again)).toEqual(compacts(before));
    const rows = await deliveries(bench);
    expect(rows.map(({ state, outcome }) => [state, outcome])).toEqual(Array(3).fill(['receipted', 'accepted']));
    expect(rows[0]?.sent_at).toEqual(first?.sent_at);
  });

  test('from the number on that was asked for, and without what waits anyhow', async () => {
    await bench.share();
    const [, kept] = [await bench.leave(), await bench.share({ url: 'https://gallery.example/2' })];
    await bench.leave();
    await bench.share({ url: 'https://gallery.example/3' });
    const left = await replay(2);
    expect(references(left).map(({ payload }) => payload.url)).toEqual([
      'https://gallery.example/3',
      'https://gallery.example/2',
    ]);
    expect(kept).toBeDefined();
  });

  test('leaves after everything that is fresh, and keeps no revision of the same reference waiting', async () => {
    const id = await bench.share();
    await bench.leave();
    bench.later(11 * 60_000);
    await ask();
    await workOffReplays(bench.exchange);
    await bench.revise(id, { features: ['possible-new-victim'] });
    await bench.share({ url: 'https://gallery.example/2' });
    const left = await bench.leave();
    expect(left.map(({ event }) => event)).toEqual(['revised', 'submitted', 'voided']);
    expect(references(left).map(({ payload }) => payload.url)).toEqual([
      'https://gallery.example/1',
      'https://gallery.example/2',
    ]);
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[1, 1]], ['dropped']]);
  });

  test('is decided as of the moment at which it leaves, not of that at which it was put back', async () => {
    await bench.share();
    await bench.leave();
    bench.later(11 * 60_000);
    await ask();
    await workOffReplays(bench.exchange);
    await bench.policy({ outcome: 'withhold' });
    const left = await bench.leave();
    expect(references(left)).toEqual([]);
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[1, 1]], ['policy']]);
    expect(left.map(({ event }) => event)).toContain('withdrawn');
  });

  test('is a withdrawal, a verify and a voided as much as a reference', async () => {
    const id = await bench.share();
    await bench.leave();
    await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
    const before = await bench.leave();
    const left = await replay();
    expect(compacts(left.filter(({ event }) => event === 'withdrawn'))).toEqual(compacts(before));
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[1, 1]], ['withdrawn']]);
    expect((await deliveryOf(bench, 'submitted')).state).toBe('sent');
  });

  test('that cannot be sent once more is no dead letter where there is a receipt', async () => {
    await bench.share();
    await bench.leave();
    await receipted();
    bench.later(11 * 60_000);
    await ask();
    await workOffReplays(bench.exchange);
    bench.recipient.answer = { status: 400, err: 'invalid_request' };
    await bench.leave();
    expect(await deliveryOf(bench, 'submitted')).toMatchObject({ state: 'receipted', outcome: 'accepted' });
    const dead = db().selectFrom('event').select('type').where('type', '=', 'delivery.dead');
    expect(await dead.where('partner', '=', issuer()).execute()).toEqual([]);
  });
});

describe('what may not be said any more is covered by a voided that says why', () => {
  const ground = () => {
    const until = new Date(bench.exchange.clock() + 10 * DAY * 1000).toISOString().slice(0, 10);
    return { ground: 'legal-duty', until };
  };

  async function expectVoided(reason: string): Promise<Pushed[]> {
    const left = await replay();
    expect(references(left)).toEqual([]);
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[1, 1]], [reason]]);
    return left;
  }

  test('withdrawn', async () => {
    const id = await bench.share();
    await bench.leave();
    await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: false });
    await expectVoided('withdrawn');
  });

  test.each([
    ['withdrawn', 'withdrawn', (id: string) => withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: false })],
    [
      'restricted',
      'dropped',
      (id: string) => restrict(bench.exchange, { originator: bench.exchange.self, id }, ground()),
    ],
  ] as const)('%s after it was put back and before it left again', async (_, reason, act) => {
    const id = await bench.share();
    await bench.leave();
    await receipted();
    bench.later(11 * 60_000);
    await ask();
    await workOffReplays(bench.exchange);
    done(await act(id));
    const left = await bench.leave();
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[1, 1]], [reason]]);
    expect(references(left)).toEqual([]);
    const [row] = await deliveries(bench);
    expect([row?.state, row?.outcome, row?.priority]).toEqual(['receipted', 'accepted', 1]);
  });

  test('restricted here, which is nobody’s business', async () => {
    const id = await bench.share();
    await bench.leave();
    done(await restrict(bench.exchange, { originator: bench.exchange.self, id }, ground()));
    await expectVoided('withdrawn');
  });

  test('erased: its bytes are gone with the data key', async () => {
    const id = await bench.share();
    await bench.leave();
    await sql`update reference set state = 'expired' where id = ${id}::uuid`.execute(db());
    await sql`delete from reference_key where id = ${id}::uuid`.execute(db());
    await sql`update delivery set body = null where reference_id = ${id}::uuid`.execute(db());
    await expectVoided('expired');
  });

  test('unreadable, though nobody knows why', async () => {
    const id = await bench.share();
    await bench.leave();
    await sql`delete from reference_key where id = ${id}::uuid`.execute(db());
    await expectVoided('dropped');
  });

  test('refused by the partner before', async () => {
    await bench.share();
    await bench.leave();
    await receipted('refused');
    await expectVoided('refused');
  });

  test('overtaken by a newer revision, which comes itself', async () => {
    const id = await bench.share();
    await bench.leave();
    await bench.revise(id, { features: ['possible-new-victim'] });
    await bench.leave();
    const left = await replay();
    expect(references(left).map(({ event }) => event)).toEqual(['revised']);
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[1, 1]], ['dropped']]);
  });

  test('held by a rule of today', async () => {
    await bench.share();
    await bench.leave();
    await bench.policy({ outcome: 'hold' });
    await expectVoided('policy');
  });

  test('older than anybody takes', async () => {
    await bench.share();
    await bench.leave();
    await bench.share({ url: 'https://gallery.example/2' });
    await bench.leave();
    const old = new Date(bench.exchange.clock() - 91 * DAY * 1000);
    await sql`update delivery set created_at = ${old} where partner = ${issuer()} and n = 2`.execute(db());
    const left = await replay();
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[2, 2]], ['expired']]);
  });

  test('given up by a person, also again where the first voided was lost', async () => {
    await bench.share();
    bench.recipient.answer = { status: 429 };
    await bench.leave();
    bench.recipient.answer = { status: 202 };
    const { id } = await deliveryOf(bench, 'submitted');
    done(await dropDelivery(bench.exchange, id, 'no-longer-needed', 'the tests'));
    const first = await bench.leave();
    expect(reasons(first)).toEqual(['dropped']);
    const left = await replay();
    expect(compacts(left)).toContain(first[0]?.compact);
    expect(reasons(left)).toEqual(['dropped', 'dropped']);
  });
});

describe('what says less today', () => {
  const open = { send: { disclose: { handles: 'always' } } };
  const closed = { send: { disclose: { handles: 'never' } } };
  const withHandle = { handles: [{ system: 'iccam', id: '4711' }] };

  test('never leaves in its old bytes: its number is voided, and what may be said goes under a new jti', async () => {
    await bench.policy(open);
    await bench.share(withHandle);
    const before = await bench.leave();
    expect(said(before)).toContain('4711');
    await bench.policy(closed);
    const left = await replay();
    expect(said(left)).not.toContain('4711');
    expect(references(left)).toHaveLength(1);
    expect(references(left)[0]?.jti).not.toBe(before[0]?.jti);
    expect([voidedNumbers(left), reasons(left)]).toEqual([[[1, 1]], ['policy']]);
  });

  test('is not said anew to a partner that surely has it: it would refuse the same revision with other content', async () => {
    await bench.policy(open);
    await bench.share(withHandle);
    await bench.leave();
    await receipted();
    const { jti } = await deliveryOf(bench, 'submitted');
    const message = { issuer: issuer(), jti: `r${jti}`, epoch: crypto.randomUUID(), n: 1 };
    await sql`
      insert into message (issuer, jti, digest, payload_digest, kid, event, epoch, n, received_at)
      values (${message.issuer}, ${message.jti}, 'd', 'd', 'k', 'urn:caseref:event:1:receipt', ${message.epoch}::uuid, 1, now())`.execute(
      db(),
    );
    await bench.policy(closed);
    const left = await replay();
    expect(references(left)).toEqual([]);
    expect(reasons(left)).toEqual(['policy']);
    expect(await deliveryOf(bench, 'submitted')).toMatchObject({ state: 'receipted', outcome: 'accepted' });
  });

  test('leaves nothing where the directory moved between the claim and the post', async () => {
    await bench.policy(open);
    await bench.share(withHandle);
    await bench.leave();
    bench.later(11 * 60_000);
    await ask();
    await workOffReplays(bench.exchange);
    await bench.policy(closed);
    expect(said(await bench.leave())).not.toContain('4711');
  });
});

describe('limits and standing of the partner', () => {
  test('a limit of the policy holds for what comes again, and what is fresh goes first', async () => {
    for (const n of [1, 2, 3]) await bench.share({ url: `https://gallery.example/${n}` });
    await bench.leave();
    await bench.policy({ send: { perDay: 2 } });
    bench.later(DAY * 1000);
    await ask();
    await workOffReplays(bench.exchange);
    await bench.share({ url: 'https://gallery.example/4' });
    const left = await bench.leave();
    expect(references(left).map(({ payload }) => payload.url)).toEqual([
      'https://gallery.example/4',
      'https://gallery.example/1',
    ]);
    bench.later(DAY * 1000);
    expect(references(await bench.leave()).map(({ payload }) => payload.url)).toEqual([
      'https://gallery.example/2',
      'https://gallery.example/3',
    ]);
  });

  test('a suspension stops it, and it goes on after that', async () => {
    await bench.share();
    await bench.leave();
    bench.later(11 * 60_000);
    await ask();
    await suspendPartners(bench.exchange, { issuer: issuer(), reason: 'examined' });
    await workOffReplays(bench.exchange);
    expect(await bench.leave()).toEqual([]);
    expect((await deliveryOf(bench, 'submitted')).state).toBe('sent');
    expect(await ask()).toEqual({ status: 'suspended' });
    done(await resumePartner(bench.exchange, issuer()));
    await workOffReplays(bench.exchange);
    expect(references(await bench.leave())).toHaveLength(1);
  });

  test('a suspension after it was put back keeps it in the outbox', async () => {
    await bench.share();
    await bench.leave();
    bench.later(11 * 60_000);
    await ask();
    await workOffReplays(bench.exchange);
    await suspendPartners(bench.exchange, { issuer: issuer(), reason: 'examined' });
    expect(await bench.leave()).toEqual([]);
  });

  test('a removal ends it and leaves the evidence as it was', async () => {
    await bench.share();
    await bench.leave();
    await receipted();
    bench.later(11 * 60_000);
    await ask();
    await workOffReplays(bench.exchange);
    done(await removePartner(bench.exchange, { issuer: issuer(), yes: true }));
    expect(await deliveryOf(bench, 'submitted')).toMatchObject({ state: 'receipted', outcome: 'accepted' });
    await workOffReplays(bench.exchange);
    const states = db().selectFrom('replay').select('state').where('partner', '=', issuer());
    expect((await states.execute()).map(({ state }) => state)).not.toContain('running');
  });

  test('while one is under way another one has to wait, however long ago it began', async () => {
    await bench.share();
    await bench.leave();
    expect(await ask()).toMatchObject({ status: 'granted', grant: { messages: 1 } });
    bench.later(DAY * 1000);
    expect(await ask()).toEqual({ status: 'busy', retryAfter: 600 });
    await workOffReplays(bench.exchange);
    expect(await ask()).toMatchObject({ status: 'granted' });
  });
});

test('a long stream comes in steps: no more is put back than the partner takes', async () => {
  await bench.share();
  await bench.leave();
  const { id } = await deliveryOf(bench, 'submitted');
  await sql`
    insert into delivery (id, position, partner, jti, event, state, epoch, n, plain, digest, next_at, created_at, sent_at, payload, priority, kid)
    select gen_random_uuid(), 1000000 + i, partner, 'x' || i, 'verify', 'sent', epoch, 1 + i, 'a.b.c', 'S256:x', next_at, created_at, sent_at, null, 1, kid
    from delivery, generate_series(1, 11000) as i where id = ${id}::uuid`.execute(db());
  await sql`update partner_stream set n = 11001 where partner = ${issuer()}`.execute(db());
  bench.later(11 * 60_000);
  expect(await ask(2)).toMatchObject({ grant: { from: 2, to: 10_001, messages: 10_000 } });
  const waiting = async () => (await deliveries(bench)).filter(({ state }) => state === 'queued').length;
  for (const _ of [1, 2, 3]) await workOffReplays(bench.exchange);
  expect(await waiting()).toBe(500);
  await sql`update delivery set state = 'sent' where partner = ${issuer()}`.execute(db());
  await workOffReplays(bench.exchange);
  const queued = (await deliveries(bench)).filter(({ state }) => state === 'queued').map(({ n }) => n);
  expect([queued.length, Math.min(...queued.map(Number)), Math.max(...queued.map(Number))]).toEqual([500, 502, 1001]);
  await sql`delete from delivery where jti like 'x%' and partner = ${issuer()}`.execute(db());
});
