import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ForeignPartner, foreignPartner, freshJti, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { type PollSource, pollSource } from '../support/poll-source.ts';
import { freshNonce, meetAsPoller, sendPoll, signPoll } from '../support/polling.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { secondNode } from '../support/second-node.ts';

// Two of the same node on one PostgreSQL: as much as the store shares is shared, and nothing else.

type Second = Awaited<ReturnType<typeof secondNode>>;

describe('two processes that are polled', () => {
  let database: FreshDatabase;
  let node: TestNode;
  let second: Second;
  let partner: ForeignPartner;

  beforeAll(async () => {
    database = await freshDatabase(inject('postgresUrl'));
    node = await testNode({ name: 'Hotline on PostgreSQL', database: database.url });
    second = await secondNode(node);
    partner = await foreignPartner();
    await meetAsPoller(partner, node, policyFor(partner.issuer));
  });
  afterAll(async () => {
    await partner.close();
    await second.close();
    await node.remove();
    await database.drop();
  });

  const poll = async (where: string, request: object, shape = {}) => {
    const signed = signPoll(partner.issuer, partner.operational, node.issuer, {
      body: JSON.stringify(request),
      ...shape,
    });
    const { status, text } = await sendPoll(where, signed);
    return { status, sets: {}, ...(status === 200 && (JSON.parse(text) as { sets: Record<string, string> })) };
  };
  const there = () => second.running.addresses.peer;
  const now = { returnImmediately: true };
  /** A poll waits once it has its place, however long a busy machine takes to come there. */
  const isWaiting = () =>
    eventually('a poll waits', async () => {
      const { rows } = await sql`select 1 from poll_lease where kind = 'wait'`.execute(node.running.exchange.store.db);
      return rows.length > 0;
    });

  test('take a nonce once', async () => {
    const nonce = freshNonce();
    expect((await poll(node.issuer, now, { nonce })).status).toBe(200);
    expect((await poll(there(), now, { nonce })).status).toBe(401);
    const fresh = freshNonce();
    const both = await Promise.all([poll(node.issuer, now, { nonce: fresh }), poll(there(), now, { nonce: fresh })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  test('keep one long poll of a partner open', async () => {
    const waits = poll(node.issuer, {});
    let ended = false;
    void waits.then(() => {
      ended = true;
    });
    await isWaiting();
    expect((await poll(there(), {})).sets).toEqual({});
    expect(ended).toBe(false);
    await node.ask('reference.submit', { reference: inventedReference(1) });
    const { sets } = await waits;
    expect(Object.keys(sets)).toHaveLength(1);
    expect((await poll(there(), { ...now, ack: Object.keys(sets) })).status).toBe(200);
    const { items } = await node.ask('delivery.list', { partner: partner.issuer });
    expect(items.map(({ state }) => state)).toEqual(['sent']);
  });

  test('wake a poll that waits at the other one', async () => {
    const took: number[] = [];
    // It looks by itself after five seconds; a busy machine may make that of a wake once, and not three times.
    for (let n = 2; n < 5 && !took.some((ms) => ms < 3000); n += 1) {
      const waits = poll(there(), {});
      await isWaiting();
      await node.ask('reference.submit', { reference: inventedReference(n) });
      const began = performance.now();
      const { sets } = await waits;
      expect(Object.keys(sets)).toHaveLength(1);
      took.push(performance.now() - began);
      await poll(node.issuer, { ...now, ack: Object.keys(sets) });
    }
    expect(Math.min(...took)).toBeLessThan(3000);
  }, 60_000);

  test('offer each message once, however fast both are asked', async () => {
    const lines = Array.from({ length: 300 }, (_, n) => ({
      line: n + 1,
      text: JSON.stringify(inventedReference(100 + n)),
    }));
    await node.ask('reference.import', { lines });
    const got: string[] = [];
    const fetchAll = async (where: string) => {
      for (let ack: string[] = []; ; ) {
        const { status, sets } = await poll(where, { ...now, maxEvents: 20, ack });
        expect(
          status,
          node
            .logged()
            .split('\n')
            .filter((l) => /failed/.test(l))
            .slice(-3)
            .join('\n'),
        ).toBe(200);
        ack = Object.keys(sets);
        if (ack.length === 0) return;
        got.push(...ack);
      }
    };
    await Promise.all([fetchAll(node.issuer), fetchAll(there())]);
    expect(got).toHaveLength(300);
    expect(new Set(got).size).toBe(300);
    await eventually('nothing waits', async () => (await node.ask('status', {})).outbox.queued === 0);
  });
});

describe('two processes that poll', () => {
  let database: FreshDatabase;
  let node: TestNode;
  let source: PollSource;

  beforeAll(async () => {
    database = await freshDatabase(inject('postgresUrl'));
    node = await testNode({ name: 'Poll-only on PostgreSQL', database: database.url, pollOnly: true });
    source = await pollSource();
  });
  afterAll(async () => {
    await source.close();
    await node.remove();
    await database.drop();
  });

  test('ask a partner one at a time, and the other goes on when one ends', async () => {
    await source.meet(node);
    await eventually('a poll', async () => source.polls.length > 0);
    const second = await secondNode(node);
    await pause(2500);
    expect(source.most()).toBe(1);
    await node.stop();
    const before = source.polls.length;
    await eventually('a poll of the other', async () => source.polls.length > before);
    const jti = freshJti();
    source.replies.push({ sets: { [jti]: source.partner.token(node, { jti }) } });
    await eventually('an acknowledgement', async () => source.polls.some(({ request }) => request.ack?.includes(jti)));
    expect(source.most()).toBe(1);
    await second.close();
    await node.restart();
  }, 60_000);
});
