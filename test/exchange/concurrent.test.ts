import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { takeKeySet } from '../../src/exchange/key-sets.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { createShare } from '../../src/exchange/share.ts';
import { lockReferences } from '../../src/store/messages.ts';
import { isTokenRefusal } from '../../src/wire/token-refusal.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { eventually } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { now, testKey } from '../support/tokens.ts';

// Transactions that meet: on a real PostgreSQL, because the embedded store has one connection.

let database: FreshDatabase;
let own: TestExchange;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  own = await testExchange({
    issuer: 'http://127.0.0.1:8440',
    store: { kind: 'postgres', url: database.url, schema: 'caseref' },
  });
  await befriend(own.exchange, 'http://127.0.0.1:9440');
});
afterAll(async () => {
  await own.close();
  await database.drop();
});

const reference = (changes: Record<string, unknown> = {}) => ({
  url: 'https://gallery.example/1',
  jurisdiction: { hosting: 'NL' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
  ...changes,
});

describe('revisions of one reference at the same time', () => {
  test('one is taken and the others are told that it has changed, never that it was withdrawn', async () => {
    const revise = createRevise(own.exchange);
    const shared = await createShare(own.exchange)(reference());
    if (Array.isArray(shared)) throw new Error('refused');
    const answers = await Promise.all(
      ['source', 'content', 'unknown', 'source'].map((role) => revise(shared.id, 1, reference({ role }))),
    );
    const codes = answers.map((answer) => (Array.isArray(answer) ? answer[0]?.code : 'taken')).sort();
    expect(codes).toEqual(['precondition-failed', 'precondition-failed', 'precondition-failed', 'taken']);
  });
});

describe('a revision that waited for another one', () => {
  test('reads what the other has left, and does not take it for withdrawn', async () => {
    const { db } = own.exchange.store;
    const shared = await createShare(own.exchange)(reference({ url: 'https://gallery.example/2' }));
    if (Array.isArray(shared)) throw new Error('refused');
    const held = await createRevise(own.exchange)(shared.id, 1, reference({ url: 'https://gallery.example/2' }));
    expect(held).toMatchObject({ reference: { revision: 2 } });
    await sql`update reference set revision = 1 where id = ${shared.id}::uuid`.execute(db);
    const waiting = await db.transaction().execute(async (trx) => {
      await sql`update reference set revision = 2 where id = ${shared.id}::uuid`.execute(trx);
      const asked = db
        .transaction()
        .execute((other) => lockReferences(other, [{ originator: own.exchange.self, id: shared.id }]));
      await eventually('it waits', async () => {
        const { rows } = await sql<{ n: number }>`select count(*)::int as n from pg_locks where not granted`.execute(
          db,
        );
        return (rows[0]?.n ?? 0) > 0;
      });
      return { asked };
    });
    expect(await waiting.asked).toMatchObject([{ revision: 2, body: expect.any(Buffer) }]);
  });
});

describe('key sets of one partner at the same time', () => {
  test('leave the highest, so that a revocation is never undone by a replay', async () => {
    const key = testKey();
    const issuer = 'http://127.0.0.1:9441';
    const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
    const set = (seq: number) =>
      makeKeySet({ iss: issuer, seq, endpoints, keys: [keyEntry(testKey())], encryption: 'none' }, { key });
    const organisation = { name: 'Unit of the tests', type: 'law-enforcement', jurisdictions: ['DE'] };
    const card = makeCard({ iss: issuer, organisation, identity_key: key.jwk, key_set: set(now) }, { key });
    const added = await addPartner(own.exchange, card);
    if (isRefusal(added)) throw new Error(`refused: ${added.message}`);
    await own.exchange.store.db.updateTable('partner').set({ state: 'active' }).where('issuer', '=', issuer).execute();
    for (let round = 0; round < 10; round += 1) {
      const base = now + 1 + round * 10;
      // A process of its own each round: what one takes within a minute has an end.
      const neighbour = { ...own.exchange };
      const sets = Array.from({ length: 6 }, (_, index) => takeKeySet(neighbour, set(base + 6 - index)));
      const answers = await Promise.all(sets);
      const taken = answers.flatMap((answer) => (isTokenRefusal(answer) ? [] : [answer.seq]));
      const row = await own.exchange.store.db
        .selectFrom('partner')
        .select('key_set_seq')
        .where('issuer', '=', issuer)
        .executeTakeFirstOrThrow();
      expect(row.key_set_seq).toBe(Math.max(...taken));
    }
  });
});
