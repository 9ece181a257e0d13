import { sql } from 'kysely';
import type { Trx } from './open.ts';

/**
 * What was told under a message that goes out under another jti now: whoever answers it will name that one. The old one stays
 * among those of the statement, since the message may have left under it in a time that was lost.
 */
export async function renewTellings(
  trx: Trx,
  renewed: readonly { readonly old: string; readonly jti: string }[],
): Promise<void> {
  const rows = JSON.stringify(renewed.map(({ old, jti }) => ({ old, jti })));
  const anew = sql`jsonb_to_recordset(${rows}::jsonb) as w (old uuid, jti text) join delivery d on d.id = w.old`;
  await sql`
    update case_telling t set jti = w.jti from ${anew}
    where t.statement = d.statement and t.partner = d.partner and t.jti = d.jti`.execute(trx);
  await sql`
    update case_statement s set jtis = s.jtis || w.jtis from (
      select d.statement, array_agg(w.jti) as jtis from ${anew} where d.statement is not null group by d.statement) w
    where s.id = w.statement and s.direction = 'out'`.execute(trx);
}
