import { sql } from 'kysely';
import type { Trx } from './open.ts';
import type { NewRow } from './rows.ts';

/** The same payload under another key. */
export interface Attestation {
  readonly issuer: string;
  readonly jti: string;
  readonly kid: string;
}

/** A message that was suspect until now, as it stood. */
export interface Attested {
  readonly issuer: string;
  readonly jti: string;
  readonly event: string;
  readonly originator: string | null;
  readonly reference_id: string | null;
  readonly outcome: string | null;
}

/**
 * Keeps every attestation, doubt or no doubt: which key was lost may become known in any order. Gives the messages that were
 * suspect before.
 */
export async function noteAttested(trx: Trx, given: readonly Attestation[], at: Date): Promise<Attested[]> {
  if (given.length === 0) return [];
  const said = sql`jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as w (issuer text, jti text, kid text)`;
  await sql`
    insert into message_attestation (issuer, jti, kid, at) select distinct w.issuer, w.jti, w.kid, ${at}::timestamptz
    from ${said} join message m on m.issuer = w.issuer and m.jti = w.jti and m.kid <> w.kid
    on conflict do nothing`.execute(trx);
  const { rows } = await sql<Attested & { suspect: boolean }>`
    update message m set attested_at = ${at}, attested_kid = w.kid from ${said}
    where m.issuer = w.issuer and m.jti = w.jti and m.kid <> w.kid and m.attested_at is null
    returning m.issuer, m.jti, m.event, m.originator, m.reference_id, m.outcome, m.suspect_at is not null as suspect`.execute(
    trx,
  );
  return rows.filter(({ suspect }) => suspect);
}

/**
 * Of these messages, by "issuer jti", those that brought what is not there any more: a tombstone in doubt stands in its place,
 * or it was set aside as suspect and another revision stands there.
 */
export async function undoneAmong(
  trx: Trx,
  given: readonly { issuer: string; jti: string; id: string }[],
): Promise<Set<string>> {
  if (given.length === 0) return new Set();
  const { rows } = await sql<{ name: string }>`
    select w.issuer || ' ' || w.jti as name
    from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as w (issuer text, jti text, id uuid)
    where exists (
        select 1 from reference r where r.originator = w.issuer and r.id = w.id and r.doubted_at is not null)
      or exists (select 1 from doubted_revision v join message m on m.issuer = v.originator and m.jti = v.jti
        where v.originator = w.issuer and v.id = w.id and v.jti = w.jti and m.attested_at is not null)`.execute(trx);
  return new Set(rows.map(({ name }) => name));
}

/** Writes what became of messages whose effect was run again, and forgets what had been set aside of them and stands now. */
export async function settleAgain(trx: Trx, messages: readonly NewRow[]): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map((row) => ({
    ...row,
    body: row.body instanceof Uint8Array ? `\\x${Buffer.from(row.body).toString('hex')}` : null,
  }));
  await sql`
    update message m set outcome = s.outcome, code = s.code, pointer = s.pointer, reason = coalesce(s.reason, m.reason),
      purge_after = coalesce(s.purge_after, m.purge_after), body = coalesce(s.body, m.body)
    from jsonb_populate_recordset(null::message, ${JSON.stringify(rows)}::jsonb) as s
    where m.issuer = s.issuer and m.jti = s.jti`.execute(trx);
  await sql`
    delete from doubted_revision d using reference_revision v
    where v.originator = d.originator and v.id = d.id and v.jti = d.jti
      and d.jti = any(${rows.map((row) => String((row as NewRow).jti))}::text[])`.execute(trx);
}
