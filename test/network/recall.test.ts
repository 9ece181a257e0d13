import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { purgeDue } from '../../src/exchange/purge.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { freshJti } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';
import { freshDatabase } from '../support/postgres.ts';

// The originator on the embedded store, the recipient on PostgreSQL; both clocks can be moved.

const DAY = 86_400_000;
let offset = 0;
const clock = () => Date.now() + offset;
let hotline: TestNode;
let police: TestNode;
let database: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  hotline = await testNode({ name: 'Hotline A', clock });
  police = await testNode({
    name: 'Police B',
    type: 'law-enforcement',
    database: database.url,
    clock,
    retainDays: 30,
  });
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
});
afterAll(async () => {
  await hotline.remove();
  await police.remove();
  await database.drop();
});

async function submit(n: number, change: Record<string, unknown> = {}): Promise<string> {
  const { reference } = await hotline.ask('reference.submit', { reference: { ...inventedReference(n), ...change } });
  return reference.id;
}

async function deliveries(id: string) {
  return (await hotline.ask('reference.show', { id })).deliveries;
}

function answered(id: string, event: string, outcome: string) {
  return eventually(`${event} is ${outcome}`, async () =>
    (await deliveries(id)).find((one) => one.event === event && one.receipt?.outcome === outcome),
  );
}

async function sharedAndAccepted(n: number, change: Record<string, unknown> = {}): Promise<string> {
  const id = await submit(n, change);
  await answered(id, 'submitted', 'accepted');
  return id;
}

function there(id: string) {
  return police.ask('reference.show', { id, originator: hotline.issuer });
}

const recall = (id: string, reason = 'sent-in-error', purge = true) =>
  hotline.ask('reference.withdraw', { id, reason, purge });

async function eventsOf(node: TestNode, type: string) {
  const { items } = await node.ask('events', { limit: 500 });
  return items.filter((item) => item.type === type);
}

/** Every row of the recipient's store that has to do with a reference, as text. */
async function stored(node: TestNode, id: string): Promise<string> {
  const { db } = node.running.exchange.store;
  const rows = await Promise.all([
    db.selectFrom('reference_key').selectAll().where('id', '=', id).execute(),
    db.selectFrom('reference_revision').selectAll().where('id', '=', id).execute(),
    db.selectFrom('reference_index').selectAll().where('id', '=', id).execute(),
    db.selectFrom('message').select(['body']).where('reference_id', '=', id).where('body', 'is not', null).execute(),
    db.selectFrom('delivery').select(['body']).where('reference_id', '=', id).where('body', 'is not', null).execute(),
  ]);
  return JSON.stringify(rows.flat());
}

describe('a withdrawal', () => {
  test('seals at once on both sides, out of list, search and duplicates, and its receipt says so', async () => {
    const id = await sharedAndAccepted(1);
    expect(await recall(id)).toMatchObject({ recipients: [{ partner: police.issuer, state: 'asked' }] });
    await answered(id, 'withdrawn', 'sealed');
    for (const node of [hotline, police]) {
      const { items } = await node.ask('reference.list', { limit: 500 });
      expect(items.map((item) => item.id)).not.toContain(id);
    }
    const shown = await there(id);
    expect(shown).toMatchObject({ state: 'sealed' });
    expect(shown).not.toHaveProperty('url');
    expect(shown).not.toHaveProperty('category');
    const { duplicates } = await hotline.ask('reference.submit', { reference: inventedReference(1) });
    expect(duplicates.map((one) => one.id)).not.toContain(id);
  });

  test('is followed by erasure after the delay of the policy, and by a receipt that tells until when backups hold it', async () => {
    const id = await sharedAndAccepted(2);
    await recall(id);
    await answered(id, 'withdrawn', 'sealed');
    await purgeDue(police.running.exchange);
    expect(await stored(police, id)).not.toBe('[]');
    offset += 3 * DAY + 1000;
    await Promise.all([purgeDue(police.running.exchange), purgeDue(hotline.running.exchange)]);
    expect(await stored(police, id)).toBe('[]');
    expect(await stored(hotline, id)).toBe('[]');
    await answered(id, 'withdrawn', 'purged');
    expect(await there(id)).toMatchObject({ state: 'purged' });
    const proof = await deliveries(id);
    expect(proof.map(({ event, receipt }) => [event, receipt?.outcome])).toEqual([
      ['withdrawn', 'purged'],
      ['submitted', 'accepted'],
    ]);
  });

  test('for a legal reason is followed by erasure at once', async () => {
    const id = await sharedAndAccepted(3);
    await recall(id, 'legal');
    await eventually('the reference is sealed there', async () => (await there(id)).state !== 'open');
    await purgeDue(police.running.exchange);
    await answered(id, 'withdrawn', 'purged');
    expect(await stored(police, id)).toBe('[]');
  });

  test('without purge is settled by being sealed', async () => {
    const id = await sharedAndAccepted(4);
    await recall(id, 'wrong-assessment', false);
    await answered(id, 'withdrawn', 'sealed');
    offset += 8 * DAY;
    await purgeDue(police.running.exchange);
    expect(await there(id)).toMatchObject({ state: 'sealed' });
    expect(await stored(police, id)).not.toBe('[]');
  });

  test('is made once, and a later revision of the reference is refused', async () => {
    const id = await sharedAndAccepted(5);
    await recall(id);
    expect(await recall(id)).toMatchObject({ recipients: [{ partner: police.issuer, state: 'asked-before' }] });
    const revised = await createRevise(hotline.running.exchange)(id, 1, inventedReference(5));
    expect(revised).toMatchObject([{ code: 'reference-withdrawn' }]);
  });

  test('cancels what has not left, and nobody is told of a reference that never came', async () => {
    await police.stop();
    const id = await submit(6);
    await eventually('an attempt', async () => (await deliveries(id))[0]?.attempts);
    const { recipients } = await recall(id);
    expect(recipients).toHaveLength(1);
    await police.restart();
    await hotline.running.exchange.wake.outbox();
    await eventually('nothing of it came', async () => {
      const states = (await deliveries(id)).filter(({ event }) => event === 'submitted').map(({ state }) => state);
      return states.every((state) => state === 'dropped');
    });
    const { items } = await police.ask('reference.list', { limit: 500 });
    expect(items.map((item) => item.id)).not.toContain(id);
  });

  test('by API answers 202 with a row for each recipient, and refuses a reason that is no code', async () => {
    const id = await sharedAndAccepted(7);
    const { token } = await hotline.ask('client.create', { name: 'Intake', scopes: ['references:write'] });
    const post = (body: unknown) =>
      fetch(`${hotline.running.addresses.api}/v1/references/${id}/withdrawal`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const wrong = await post({ reason: 'because', purge: true });
    expect([wrong.status, ((await wrong.json()) as { errors: unknown[] }).errors[0]]).toMatchObject([
      422,
      { code: 'code-unknown', pointer: '/reason' },
    ]);
    const done = await post({ reason: 'duplicate', purge: true });
    expect([done.status, await done.json()]).toMatchObject([
      202,
      { id, recipients: [{ partner: police.issuer, state: 'asked' }] },
    ]);
  });
});

describe('at the recipient', () => {
  test('a withdrawal of something unknown is answered purged, and a later arrival is refused', async () => {
    const id = randomUUID();
    const { exchange } = hotline.running;
    const at = new Date(clock());
    const queue = (event: 'withdrawn', payload: Record<string, unknown>) => ({
      id: randomUUID(),
      partner: police.issuer,
      jti: freshJti(),
      event,
      originator: hotline.issuer,
      reference_id: id,
      payload: JSON.stringify(payload),
      state: 'queued' as const,
      priority: 0,
      next_at: at,
      created_at: at,
      attempts: 0,
      position: -clock(),
    });
    await exchange.store.db
      .insertInto('delivery')
      .values(queue('withdrawn', { reason: 'legal', purge: true }))
      .execute();
    exchange.wake.outbox();
    const receipt = await eventually('a receipt', async () => {
      const { items } = await hotline.ask('delivery.list', { limit: 500 });
      return items.find((one) => one.reference?.id === id)?.receipt ?? undefined;
    });
    expect(receipt).toMatchObject({ outcome: 'purged' });
    const submitted = await hotline.ask('reference.submit', { reference: { ...inventedReference(8), id } });
    expect(submitted.reference.id).toBe(id);
    const late = await answered(id, 'submitted', 'refused');
    expect(late.receipt).toMatchObject({ code: 'reference-withdrawn' });
  });

  test('a duty to keep is answered retained with its ground, and with purged when its day has passed', async () => {
    const id = await sharedAndAccepted(9);
    await recall(id);
    await answered(id, 'withdrawn', 'sealed');
    const until = new Date(clock() + 20 * DAY).toISOString().slice(0, 10);
    await police.ask('reference.restrict', { id, originator: hotline.issuer, ground: 'evidence', until });
    const kept = await answered(id, 'withdrawn', 'retained');
    expect(kept.receipt).toMatchObject({ code: 'evidence' });
    offset += 10 * DAY;
    await purgeDue(police.running.exchange);
    expect(await there(id)).toMatchObject({ state: 'restricted' });
    offset += 12 * DAY;
    await purgeDue(police.running.exchange);
    await answered(id, 'withdrawn', 'purged');
    expect(await stored(police, id)).toBe('[]');
  });

  test('withdrawals over the limit are held, neither sealed nor erased, until one decision releases the batch', async () => {
    const document = openPolicy(hotline.issuer) as { receive: Record<string, unknown> };
    document.receive.withdrawalsPerHour = 1;
    offset += DAY;
    await police.ask('policy.set', { issuer: hotline.issuer, document });
    const report = randomUUID();
    const ids = await Promise.all([10, 11, 12].map((n) => sharedAndAccepted(n, { report })));
    const { batch } = await hotline.ask('reference.withdraw.report', { report, reason: 'appeal-upheld', purge: true });
    const outcomes = async () => (await Promise.all(ids.map(there))).map(({ state }) => state).sort();
    await eventually('all three are answered', async () => {
      const receipts = await Promise.all(
        ids.map(async (id) => (await deliveries(id)).find(({ event }) => event === 'withdrawn')?.receipt),
      );
      return receipts.every(Boolean);
    });
    expect(await outcomes()).toEqual(['open', 'open', 'sealed']);
    const { withdrawals } = await police.ask('reference.held', {});
    expect(withdrawals).toHaveLength(2);
    expect(
      await police.ask('reference.decide.withdrawals', { partner: hotline.issuer, batch, then: 'accept' }),
    ).toEqual({ decided: 2 });
    expect(await outcomes()).toEqual(['sealed', 'sealed', 'sealed']);
    await Promise.all(ids.map((id) => answered(id, 'withdrawn', 'sealed')));
  });

  test('an order of an authority erases at once', async () => {
    const id = await sharedAndAccepted(13);
    await police.ask('reference.erase', { id, originator: hotline.issuer, order: 'AG-2026/0815' });
    expect(await stored(police, id)).toBe('[]');
    expect(await eventsOf(police, 'reference.erased')).toMatchObject([{ reference: { id } }]);
  });

  test('a reference expires at the lowest of its own date and the ceiling of the node', async () => {
    const own = await sharedAndAccepted(14, { retainUntil: new Date(clock() + 2 * DAY).toISOString().slice(0, 10) });
    const ceiling = await sharedAndAccepted(15);
    offset += 4 * DAY;
    await purgeDue(police.running.exchange);
    expect([(await there(own)).state, (await there(ceiling)).state]).toEqual(['expired', 'open']);
    offset += 31 * DAY;
    await purgeDue(police.running.exchange);
    expect((await there(ceiling)).state).toBe('expired');
    expect(await stored(police, ceiling)).toBe('[]');
  });
});

describe('a held decision', () => {
  test('is released by a person and then leaves, although a rule says hold', async () => {
    const document = openPolicy(police.issuer) as { send: { rules: unknown[] } };
    document.send.rules = [{ id: 'by-hand', when: { category: ['*'] }, then: 'hold' }];
    await hotline.ask('policy.set', { issuer: police.issuer, document });
    const [first, second] = [await submit(20), await submit(21)];
    const held = await hotline.ask('reference.held', { rule: 'by-hand' });
    expect(held.items.map((item) => item.id)).toEqual(expect.arrayContaining([first, second]));
    expect(await hotline.ask('reference.decide', { id: first, partner: police.issuer, then: 'send' })).toMatchObject({
      decided: 1,
    });
    await answered(first, 'submitted', 'accepted');
    await hotline.ask('reference.decide', { id: second, partner: police.issuer, then: 'withhold' });
    expect((await deliveries(second)).length).toBe(0);
    const { decisions } = await hotline.ask('reference.show', { id: first });
    expect(decisions[0]).toMatchObject({ effect: 'send', decidedBy: 'operator' });
  });

  test('of what came in is accepted or refused by a person, and the originator gets that receipt', async () => {
    await hotline.ask('policy.set', { issuer: police.issuer, document: openPolicy(police.issuer) });
    const document = openPolicy(hotline.issuer) as { receive: { rules: unknown[] } };
    document.receive.rules = [{ id: 'look-first', when: { category: ['*'] }, then: 'hold' }];
    await police.ask('policy.set', { issuer: hotline.issuer, document });
    const [first, second] = [await submit(22), await submit(23)];
    await answered(first, 'submitted', 'held');
    await answered(second, 'submitted', 'held');
    await police.ask('reference.decide', { id: first, originator: hotline.issuer, then: 'accept' });
    await police.ask('reference.decide', { id: second, originator: hotline.issuer, then: 'refuse' });
    await answered(first, 'submitted', 'accepted');
    await answered(second, 'submitted', 'refused');
    expect(await there(first)).toMatchObject({ state: 'open' });
    expect(await stored(police, second)).toBe('[]');
  });
});

test('a revision that a partner may not have any more asks it to give the reference up', async () => {
  await police.ask('policy.set', { issuer: hotline.issuer, document: openPolicy(hotline.issuer) });
  const id = await sharedAndAccepted(30);
  const document = openPolicy(police.issuer) as { send: { rules: unknown[] } };
  document.send.rules = [{ id: 'not-grooming', when: { category: ['csam'] }, then: 'send' }];
  await hotline.ask('policy.set', { issuer: police.issuer, document });
  await createRevise(hotline.running.exchange)(id, 1, { ...inventedReference(30), category: 'grooming' });
  const recalled = await eventually('a withdrawal', async () =>
    (await deliveries(id)).find(({ event, receipt }) => event === 'withdrawn' && receipt),
  );
  expect(['sealed', 'held']).toContain(recalled.receipt?.outcome);
});
