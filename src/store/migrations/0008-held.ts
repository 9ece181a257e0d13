import { type Kysely, sql } from 'kysely';

/**
 * Two queues that are looked at often and are nearly always short: messages whose receipt may still move on, and what was
 * decided while a partner was not active, which is decided again when it is.
 */
const statements = [
  `create index message_unsettled on message (originator, reference_id) where outcome in ('held', 'sealed', 'retained')`,
  `create index decision_while_away on decision (partner, id)
     where direction = 'out' and decided_by is null and trace @> '[{"id":"partner-state","matched":true}]'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
