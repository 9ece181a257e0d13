import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createRevise } from '../../src/exchange/revise.ts';
import { policyFor, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { type MoodyPartner, meetMoody, moodyPartner } from '../support/moody-partner.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { secondNode } from '../support/second-node.ts';

// A database whose server was set to another isolation than the one that every statement here was written for.

let database: FreshDatabase;
let node: TestNode;
let second: Awaited<ReturnType<typeof secondNode>>;
let moody: MoodyPartner;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  node = await testNode({ name: 'Hotline on PostgreSQL', database: database.url });
  const name = new URL(database.url).pathname.slice(1);
  await sql`alter database ${sql.id(name)} set default_transaction_isolation = 'repeatable read'`.execute(
    node.running.exchange.store.db,
  );
  // Only connections that are made from now on have it.
  await node.restart();
  second = await secondNode(node);
  moody = await moodyPartner();
  await meetMoody(moody, node, policyFor(moody.issuer));
}, 60_000);
afterAll(async () => {
  await second.close();
  await moody.close();
  await node.remove();
  await database.drop();
});

const failures = () =>
  node
    .logged()
    .split('\n')
    .filter((line) => /"level":[56]0/.test(line));

describe('a server that is set to repeatable read', () => {
  test('gives this node the isolation that it asks for, inside a transaction and outside', async () => {
    const { db } = node.running.exchange.store;
    const level = sql<{ level: string }>`select current_setting('transaction_isolation') as level`;
    expect((await level.execute(db)).rows).toEqual([{ level: 'read committed' }]);
    const inside = await db.transaction().execute((trx) => level.execute(trx));
    expect(inside.rows).toEqual([{ level: 'read committed' }]);
  });

  test('loses nothing that two processes send at the same time, and numbers it without holes', async () => {
    const lines = (from: number) =>
      Array.from({ length: 150 }, (_, n) => ({ line: n + 1, text: JSON.stringify(inventedReference(from + n)) }));
    const results = await Promise.all([
      node.ask('reference.import', { lines: lines(1) }),
      second.running.operations['reference.import']({ lines: lines(1000) }),
    ]);
    expect(JSON.stringify(results)).not.toContain('"code"');
    await eventually('all of it', async () => moody.taken.length >= 300);
    const seqs = moody.pushed.map(({ claims }) => (claims['urn:caseref:seq'] as { n: number }).n);
    expect([...new Set(seqs)].sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(failures()).toEqual([]);
  });

  test('loses nothing that comes in at both processes at the same time, duplicates and revisions of one reference included', async () => {
    const sub = crypto.randomUUID();
    const sub_id = { format: 'iss_sub', iss: moody.issuer, sub };
    const supersedes = `S256:${'A'.repeat(43)}`;
    const tokens = Array.from({ length: 40 }, (_, n) => {
      const [event, more] = n === 0 ? ['submitted', {}] : ['revised', { supersedes }];
      const events = { [`urn:caseref:event:1:${event}`]: wireReference({ revision: n + 1, ...more }) };
      return moody.partner.token(node, { sub_id, events });
    });
    const doors = [node.issuer, second.running.addresses.peer];
    const posts = tokens.flatMap((token) => doors.map((issuer) => moody.partner.push({ issuer }, token)));
    const answers = await Promise.all(posts);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const shown = await node.ask('reference.show', { id: sub, originator: moody.issuer });
    expect(shown).toMatchObject({ revision: 40, state: 'open' });
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from message where issuer = ${moody.issuer}`.execute(node.running.exchange.store.db);
    expect(rows).toEqual([{ n: 40 }]);
    expect(failures()).toEqual([]);
  });

  test('tells one of two revisions at the same time that the reference has changed, and fails neither', async () => {
    const { reference } = await node.ask('reference.submit', { reference: inventedReference(5000) });
    const revise = [node.running, second.running].map(({ exchange }) => createRevise(exchange));
    const answers = await Promise.all(
      revise.map((one, n) =>
        one(reference.id, 1, { ...inventedReference(5000), role: n === 0 ? 'source' : 'content' }),
      ),
    );
    const codes = answers.map((answer) => (Array.isArray(answer) ? answer[0]?.code : 'taken')).sort();
    expect(codes).toEqual(['precondition-failed', 'taken']);
  });
});
