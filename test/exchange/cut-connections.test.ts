import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// A database server that ends connections, as at a restart or a fail-over. An error that nobody listens to would end the process.

let database: FreshDatabase;
let store: Store;
let server: Store;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  [store, server] = [await opened(), await opened()];
});
afterAll(async () => {
  await store.close();
  await server.close();
  await database.drop();
});

async function opened(): Promise<Store> {
  const one = await openStore({ kind: 'postgres', url: database.url, schema: 'caseref' });
  if (isRefusal(one)) throw new Error(one.message);
  return one;
}

const mine = sql<{ pid: number }>`select pg_backend_pid() as pid`;

async function cut(pid: number | undefined): Promise<void> {
  await sql`select pg_terminate_backend(${pid}::int, 5000)`.execute(server.db);
}

test('a connection that is ended between two statements of a transaction fails that transaction and nothing else', async () => {
  const broken = inTransaction(store.db, async (trx) => {
    const { rows } = await mine.execute(trx);
    await cut(rows[0]?.pid);
    await mine.execute(trx);
  });
  await expect(broken).rejects.toThrow();
  await expect(mine.execute(store.db)).resolves.toBeDefined();
});

test('one that is ended while it is idle is replaced', async () => {
  const { rows } = await mine.execute(store.db);
  await cut(rows[0]?.pid);
  await expect
    .poll(() =>
      mine.execute(store.db).then(
        () => 'answers',
        () => 'fails',
      ),
    )
    .toBe('answers');
});
