import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { findGaps } from '../../src/exchange/numbering.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { secondNode } from '../support/second-node.ts';

// Messages that were answered for and lost all the same, between real nodes: they come again by themselves.

const submit = async (node: TestNode, n: number): Promise<string> =>
  (await node.ask('reference.submit', { reference: inventedReference(n) })).reference.id;

const receipted = (node: TestNode, to: TestNode) =>
  eventually('everything receipted', async () => {
    const { db } = node.running.exchange.store;
    const open = db.selectFrom('delivery').select('id').where('partner', '=', to.issuer);
    const rows = await open
      .where('state', 'not in', ['receipted', 'dropped'])
      .where('event', '<>', 'receipt')
      .execute();
    return rows.length === 0;
  });

/** When each message to a node was first taken. */
async function sentTo(node: TestNode, to: TestNode) {
  const { db } = node.running.exchange.store;
  const rows = db.selectFrom('delivery').select(['jti', 'sent_at', 'receipt_jti']).where('partner', '=', to.issuer);
  return rows.where('event', '<>', 'receipt').execute();
}

/** Forgets messages of a partner that were taken, and what they brought, as a disk that lies would; the others are hours old. */
async function lose(node: TestNode, from: TestNode, numbers: readonly number[]): Promise<string> {
  const { db } = node.running.exchange.store;
  const { rows } = await sql<{ epoch: string; reference_id: string }>`
    delete from message where issuer = ${from.issuer} and n = any(${[...numbers]}::bigint[]) returning epoch, reference_id`.execute(
    db,
  );
  for (const { reference_id: id } of rows) {
    for (const table of ['reference', 'reference_key', 'reference_revision'])
      await sql`delete from ${sql.table(table)} where originator = ${from.issuer} and id = ${id}::uuid`.execute(db);
    await sql`delete from decision where originator = ${from.issuer} and id = ${id}::uuid`.execute(db);
    await sql`delete from delivery where partner = ${from.issuer} and reference_id = ${id}::uuid`.execute(db);
  }
  await sql`update message set received_at = received_at - interval '3 hours' where issuer = ${from.issuer}`.execute(
    db,
  );
  await sql`update incoming_stream set floor = 0 where partner = ${from.issuer}`.execute(db);
  return rows[0]?.epoch ?? '';
}

const numbersFrom = async (node: TestNode, from: TestNode) => {
  const { db } = node.running.exchange.store;
  const rows = await db.selectFrom('message').select(['n', 'jti']).where('issuer', '=', from.issuer).execute();
  return rows.map(({ n }) => Number(n)).sort((a, b) => a - b);
};

const openAlerts = async (node: TestNode) => (await node.ask('alert.list', {})).items.map(({ code }) => code);

/** Exactly these numbers came, each once, and nobody has to be told of anything any more. */
async function expectWhole(node: TestNode, from: TestNode, last: number): Promise<void> {
  await eventually('the stream is whole', async () => (await numbersFrom(node, from)).length >= last);
  expect(await numbersFrom(node, from)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  await eventually('no alert is open', async () => (await openAlerts(node)).length === 0);
}

describe('a node that lost messages', () => {
  let hotline: TestNode;
  let police: TestNode;
  let third: TestNode;
  beforeAll(async () => {
    [hotline, police, third] = [
      await testNode({ name: 'Hotline A' }),
      await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] }),
      await testNode({ name: 'Police C', type: 'law-enforcement', jurisdictions: ['FR'], pollOnly: true }),
    ];
    for (const one of [police, third]) {
      await befriendNode(hotline, one);
      await befriendNode(one, hotline);
    }
  });
  afterAll(() => Promise.all([hotline, police, third].map((node) => node?.remove())));

  test('asks for them, gets the same bytes again, and is left with each message once and no alert', async () => {
    const ids = [
      await submit(hotline, 1),
      await submit(hotline, 2),
      await submit(hotline, 3),
      await submit(hotline, 4),
    ];
    await receipted(hotline, police);
    const before = await sentTo(hotline, police);
    await lose(police, hotline, [2, 3]);
    expect(await numbersFrom(police, hotline)).toEqual([1, 4]);
    await findGaps(police.running.exchange);
    expect(await openAlerts(police)).toEqual(['sequence-gap']);
    await expectWhole(police, hotline, 4);
    for (const id of ids) {
      const shown = await police.ask('reference.show', { id, originator: hotline.issuer, purpose: 'referral-review' });
      expect(shown.id).toBe(id);
    }
    await receipted(hotline, police);
    expect(await sentTo(hotline, police)).toEqual(expect.arrayContaining(before));
    const asked = police.running.exchange.store.db.selectFrom('replay_request').select('state');
    await eventually('the request is done', async () => (await asked.execute())[0]?.state === 'done');
  });

  test('and only fetches what is for it asks all the same, and fetches what comes again', async () => {
    await receipted(hotline, third);
    const count = (await numbersFrom(third, hotline)).length;
    expect(count).toBeGreaterThanOrEqual(4);
    await lose(third, hotline, [1, 2]);
    await findGaps(third.running.exchange);
    await expectWhole(third, hotline, count);
  });
});

describe('two processes on one PostgreSQL at either side', () => {
  let databases: FreshDatabase[];
  let hotline: TestNode;
  let police: TestNode;
  let seconds: Awaited<ReturnType<typeof secondNode>>[];
  beforeAll(async () => {
    databases = [await freshDatabase(inject('postgresUrl')), await freshDatabase(inject('postgresUrl'))];
    hotline = await testNode({ name: 'Hotline on PostgreSQL', database: databases[0]?.url ?? '' });
    police = await testNode({
      name: 'Police on PostgreSQL',
      type: 'law-enforcement',
      database: databases[1]?.url ?? '',
    });
    seconds = [await secondNode(hotline), await secondNode(police)];
    await befriendNode(hotline, police);
    await befriendNode(police, hotline);
  });
  afterAll(async () => {
    await Promise.all(seconds.map((one) => one.close()));
    await Promise.all([hotline, police].map((node) => node?.remove()));
    await Promise.all(databases.map((one) => one.drop()));
  });

  test('ask once, work it off once, and end with each message once', async () => {
    for (let n = 1; n <= 30; n += 1) await submit(hotline, n);
    await receipted(hotline, police);
    await lose(police, hotline, [1, 7, 8, 9, 20, 29]);
    await findGaps(police.running.exchange);
    await expectWhole(police, hotline, 30);
    const { db } = hotline.running.exchange.store;
    expect(await db.selectFrom('replay').select(['from_n', 'to_n']).execute()).toEqual([{ from_n: 1, to_n: 30 }]);
  });
});
