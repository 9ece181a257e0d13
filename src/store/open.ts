import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { lockDirectory } from './lock.ts';
import type { Tables } from './tables.ts';

export type Database = Kysely<Tables>;

/** A database inside a transaction: what must not happen outside of one asks for it by type. */
export type Trx = Transaction<Tables>;

export interface Store {
  readonly db: Database;
  readonly kind: 'embedded' | 'postgres';
  /** The schema that this node's tables live in: several nodes may share one database. */
  readonly schema: string;
  /** Ends the pool and, for the embedded store, closes the engine and releases the directory. */
  close(): Promise<void>;
}

export type StoreSettings =
  | { readonly kind: 'embedded'; readonly directory: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string; readonly connections?: number };

const INT8 = 20;
const DATE = 1082;

/** Counters and positions stay far below 2^53; calendar dates stay text, so that no time zone ever moves them. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8) return Number;
    if (oid === DATE) return String;
    return pg.types.getTypeParser(oid, format as 'text');
  },
} as pg.CustomTypesConfig;

function kysely(pool: pg.Pool): Database {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * Opens the store: PostgreSQL 15 or later, or the embedded engine (PGlite) in a directory of its own. One driver and one
 * SQL for both. Refuses a directory that a live process holds; throws when the database cannot be reached.
 */
export async function openStore(settings: StoreSettings): Promise<Store | Refusal> {
  return settings.kind === 'embedded' ? openEmbedded(settings.directory) : openPostgres(settings);
}

async function openEmbedded(directory: string): Promise<Store | Refusal> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const lock = lockDirectory(join(directory, 'lock'));
  if (isRefusal(lock)) return lock;
  let engine: PGlite;
  try {
    engine = await PGlite.create({ dataDir: join(directory, 'pg') });
  } catch (failure) {
    lock.release();
    throw failure;
  }
  const pool = new pg.Pool({ ...createPgConfig(engine), max: 1, types } as pg.PoolConfig);
  const db = kysely(pool);
  return {
    db,
    kind: 'embedded',
    schema: 'public',
    async close() {
      await db.destroy();
      await engine.close();
      lock.release();
    },
  };
}

async function openPostgres(settings: { url: string; schema: string; connections?: number }): Promise<Store> {
  const pool = new pg.Pool({
    connectionString: settings.url,
    max: settings.connections ?? 10,
    connectionTimeoutMillis: 10_000,
    // Every statement here was written for this level, in transactions and alone; a server may be set to another one. What is asked
    // for lies in memory or on a solid-state disk: at the costs of a turning one, whole tables would be read for a batch of rows.
    options: `-c search_path=${settings.schema} -c default_transaction_isolation=read\\ committed -c random_page_cost=1.1`,
    application_name: 'caseref',
    types,
  });
  // A connection that breaks, idle or between two statements of a transaction (a restart of the server, a fail-over), is replaced,
  // and the next query on it fails; without these listeners it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = kysely(pool);
  try {
    await sql`create schema if not exists ${sql.id(settings.schema)}`.execute(db);
  } catch (failure) {
    await db.destroy();
    throw failure;
  }
  return { db, kind: 'postgres', schema: settings.schema, close: () => db.destroy() };
}
