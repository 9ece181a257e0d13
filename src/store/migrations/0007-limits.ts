import { type Kysely, sql } from 'kysely';

/**
 * What passed between us and a partner within the current window of each limit: one row a limit, so that a quota holds
 * across processes and restarts and is asked for at the cost of one row, however much passed.
 */
const statements = [
  `create table traffic (
     partner text not null, kind text not null, since timestamptz not null, n bigint not null,
     primary key (partner, kind))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
