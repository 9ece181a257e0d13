import { Kysely, PostgresDialect } from 'kysely';
import { Client } from 'pg';
import { migrate } from '../../src/store/migrate.ts';
import type { Store } from '../../src/store/open.ts';
import type { Tables } from '../../src/store/tables.ts';
import type { Turnstile } from './turnstile.ts';

/** What a process that was killed says to whoever still waits for its store. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** One run of a node, from its start to its death. */
export interface Life {
  alive: boolean;
  /** Asked at each commit: whether the process dies at this one, before it counts or after it, and nobody learns. */
  fate(): 'lives' | 'dies-before' | 'dies-after';
  /** Told of each commit that counts. */
  committed(): void;
  /** Told once, when it dies at a commit. */
  died(): void;
}

/** A database that several nodes share, a schema each, over one connection each. */
export interface SharedDatabase {
  /** The store of a node for one of its lives. */
  storeFor(node: number, life: Life): Store;
  /** Asks as nobody in particular: for what the simulation itself wants to know. */
  ask<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Keeps what every schema says now under this name; `restore` puts it back. */
  keep(name: string, nodes?: readonly number[]): Promise<void>;
  restore(name: string, nodes?: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

export const schemaOf = (node: number): string => `n${node}`;

const INT8 = 20;
const DATE = 1082;

async function connect(url: string, schema: string): Promise<Client> {
  // One kind of plan, whatever was asked before: a seed must not depend on the seeds that ran before it.
  const settings = `-c search_path=${schema} -c plan_cache_mode=force_generic_plan -c jit=off`;
  const client = new Client({ connectionString: url, options: settings });
  client.setTypeParser(INT8, Number as never);
  client.setTypeParser(DATE, String as never);
  await client.connect();
  return client;
}

const writes = /^\s*(insert|update|delete|with\b[\s\S]*\b(insert|update|delete)\b)/i;

/** Statements that are kept prepared: long ones with as many shapes as rows would fill the memory of the server. */
const LONGEST_PREPARED = 12_000;
const MOST_PREPARED = 600;

/** A pool of one connection for one life, which may end at any commit. */
function mortalPool(client: Client, names: Map<string, string>, turnstile: Turnstile, life: Life) {
  function send(text: string, values: readonly unknown[] = []): Promise<unknown> {
    if (
      text.length > LONGEST_PREPARED ||
      (names.size >= MOST_PREPARED && !names.has(text)) ||
      !/^\s*(select|insert|update|delete|with)/i.test(text)
    )
      return turnstile.during(client.query(text, [...values]));
    const name = names.get(text) ?? `s${names.size}`;
    names.set(text, name);
    return turnstile.during(client.query({ name, text, values: [...values] }));
  }

  async function commit(text: string, values: readonly unknown[] | undefined, within: boolean): Promise<unknown> {
    const fate = life.fate();
    if (fate === 'dies-before') {
      life.alive = false;
      if (within) await send('rollback');
      life.died();
      throw new Killed();
    }
    const answer = await send(text, values);
    life.committed();
    if (fate === 'lives') return answer;
    life.alive = false;
    life.died();
    throw new Killed();
  }

  return {
    async connect() {
      if (!life.alive) throw new Killed();
      await turnstile.take();
      if (!life.alive) {
        turnstile.give();
        throw new Killed();
      }
      let within = false;
      return {
        async query(text: string, values?: readonly unknown[]) {
          if (!life.alive) throw new Killed();
          if (text === 'commit') {
            within = false;
            return commit(text, values, true);
          }
          if (text === 'rollback') within = false;
          if (text === 'begin' || text.startsWith('start transaction')) within = true;
          return !within && writes.test(text) ? commit(text, values, false) : send(text, values);
        },
        release() {
          turnstile.give();
        },
      };
    },
    end: async () => undefined,
  };
}

/** Connects to an empty database and makes the tables of so many nodes in it. */
export async function openShared(url: string, nodes: number, turnstile: Turnstile): Promise<SharedDatabase> {
  const admin = await connect(url, 'public');
  const clients: { client: Client; names: Map<string, string> }[] = [];
  const immortal: Life = { alive: true, fate: () => 'lives', committed: () => undefined, died: () => undefined };

  function storeFor(node: number, life: Life): Store {
    const { client, names } = clients[node] as (typeof clients)[number];
    const pool = mortalPool(client, names, turnstile, life);
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pool as never }) });
    return { db, kind: 'postgres', schema: schemaOf(node), close: () => db.destroy() };
  }

  async function ask<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    await turnstile.take();
    try {
      return (await turnstile.during(admin.query(text, [...values]))).rows as Row[];
    } finally {
      turnstile.give();
    }
  }

  for (let node = 0; node < nodes; node += 1) {
    await admin.query(`create schema ${schemaOf(node)}`);
    clients.push({ client: await connect(url, schemaOf(node)), names: new Map() });
    await migrate(storeFor(node, immortal));
    // Rows that nobody put in order are found where they lie, and the vacuum moves them when it likes.
    for (const table of await tablesOf(admin, schemaOf(node)))
      await admin.query(`alter table ${schemaOf(node)}.${table} set (autovacuum_enabled = false)`);
  }
  const all = clients.map((_, node) => node);
  const copies = createCopies(admin);
  // What was planned for other rows must not decide in which order these are found.
  const forget = () => Promise.all(clients.map(({ client }) => client.query('discard plans')));
  return {
    storeFor,
    ask,
    keep: (name, some = all) => copies.keep(name, some),
    async restore(name, some = all) {
      await copies.restore(name, some);
      await forget();
    },
    async close() {
      for (const { client } of clients) await client.end();
      await admin.end();
    },
  };
}

async function tablesOf(admin: Client, schema: string): Promise<string[]> {
  const { rows } = await admin.query(
    `select tablename from pg_tables where schemaname = $1 and tablename not like 'kysely%' order by 1`,
    [schema],
  );
  return rows.map(({ tablename }) => tablename as string);
}

/** Copies of whole schemas, kept as tables beside them. */
function createCopies(admin: Client) {
  const filled = new Map<string, readonly string[]>();

  async function keep(name: string, nodes: readonly number[]): Promise<void> {
    for (const node of nodes) {
      const [schema, copy] = [schemaOf(node), `${schemaOf(node)}_${name}`];
      const made: string[] = [];
      await admin.query(`drop schema if exists ${copy} cascade; create schema ${copy}`);
      for (const table of await tablesOf(admin, schema)) {
        const { rows } = await admin.query(`select exists (select 1 from ${schema}.${table}) as filled`);
        if (!rows[0].filled) continue;
        await admin.query(`create table ${copy}.${table} as table ${schema}.${table}`);
        made.push(table);
      }
      filled.set(copy, made);
    }
  }

  async function restore(name: string, nodes: readonly number[]): Promise<void> {
    const schemas = nodes.map((node) => `'${schemaOf(node)}'`).join();
    const { rows } = await admin.query(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname in (${schemas}) and c.relname not like 'kysely%' and pg_relation_size(c.oid) > 0
       order by 1`,
    );
    const back = nodes.flatMap((node) => {
      const copy = `${schemaOf(node)}_${name}`;
      return (filled.get(copy) ?? []).map(
        (table) => `insert into ${schemaOf(node)}.${table} select * from ${copy}.${table}`,
      );
    });
    const emptied = rows.length === 0 ? [] : [`truncate ${rows.map((row) => row.name as string).join(', ')} cascade`];
    const orders = [
      'begin',
      `set local session_replication_role = replica`,
      ...emptied,
      ...back,
      'commit',
      'discard plans',
    ];
    await admin.query(orders.join(';\n'));
  }

  return { keep, restore };
}
