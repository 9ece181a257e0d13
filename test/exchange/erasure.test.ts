import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { eraseByOrder } from '../../src/exchange/keep.ts';
import { ownerOf } from '../../src/exchange/record.ts';
import { createShare } from '../../src/exchange/share.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase } from '../support/postgres.ts';

// What somebody could do with a dump of every table and the node's own keys, before and after an erasure.

let node: TestExchange;
let database: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  const store = { kind: 'postgres', url: database.url, schema: 'caseref' } as const;
  node = await testExchange({ issuer: 'http://127.0.0.1:8440', store });
  await befriend(node.exchange, 'http://127.0.0.1:9440');
});
afterAll(async () => {
  await node.close();
  await database.drop();
});

/** Every byte string in every table. */
async function dump(): Promise<Buffer[]> {
  const { db } = node.exchange.store;
  const tables = await db.introspection.getTables();
  const found: Buffer[] = [];
  for (const { name, schema } of tables) {
    if (schema !== 'caseref') continue;
    const rows = await db
      .selectFrom(name as 'reference_key')
      .selectAll()
      .execute();
    for (const row of rows) found.push(...Object.values(row).filter((value) => Buffer.isBuffer(value)));
  }
  return found;
}

/** The byte strings of a dump that open as the data key of this reference. */
function keysAmong(bytes: readonly Buffer[], id: string): number {
  const owner = ownerOf({ originator: node.exchange.self, id });
  const opens = (value: Buffer) => {
    try {
      node.exchange.vault.unwrap(value, owner);
      return true;
    } catch {
      return false;
    }
  };
  return bytes.filter(opens).length;
}

test('a dump of every table opens with the keys of the node, and not after the erasure', async () => {
  const shared = await createShare(node.exchange)(inventedReference(1));
  if (Array.isArray(shared)) throw new Error('it was refused');
  const { id } = shared as Exclude<typeof shared, readonly unknown[]>;
  expect(keysAmong(await dump(), id)).toBe(1);
  const before = (await dump()).length;
  const erased = await eraseByOrder(node.exchange, { originator: node.exchange.self, id }, 'AG-2026/0815');
  expect(erased).toMatchObject({ state: 'purged' });
  const after = await dump();
  expect(keysAmong(after, id)).toBe(0);
  // The key, the content and the three blind indexes are gone; nothing took their place.
  expect(before - after.length).toBe(5);
});

test('the log still proves that it was there and that it was erased by an order', async () => {
  const { db } = node.exchange.store;
  const events = await db
    .selectFrom('event')
    .select(['type', 'body'])
    .where('reference_id', 'is not', null)
    .orderBy('position')
    .execute();
  expect(events.map(({ type }) => type)).toEqual(['reference.shared', 'reference.withdrawn', 'reference.erased']);
  expect(events.at(-1)?.body).toEqual({ order: 'AG-2026/0815' });
  const [row] = await db.selectFrom('reference').selectAll().execute();
  expect(row).toMatchObject({ state: 'purged', revision: 1, category: 'unknown', hosting: null, jurisdictions: [] });
});
