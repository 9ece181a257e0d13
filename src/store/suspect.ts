import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';

const WITHDRAWN = 'urn:caseref:event:1:withdrawn';

/** Messages of one partner, by the keys that signed them, that came after an instant. Instants as Date. */
export interface Doubt {
  readonly issuer: string;
  readonly kids: readonly string[];
  /** From when the keys may have been in other hands. */
  readonly since: Date;
  /** When we learned of it. */
  readonly at: Date;
}

export interface DoubtedMessage {
  readonly jti: string;
  readonly kid: string;
  readonly event: string;
  readonly originator: string | null;
  readonly reference_id: string | null;
}

/** Marks messages as suspect, those attested by a key that is doubted now included. Gives those that were not marked before. */
export async function markMessages(trx: Trx, { issuer, kids, since, at }: Doubt): Promise<DoubtedMessage[]> {
  const lost = [...kids];
  const { rows } = await sql<DoubtedMessage>`
    update message set suspect_at = ${at}, attested_at = null, attested_kid = null
    where issuer = ${issuer} and received_at > ${since}
      and ((kid = any(${lost}::text[]) and suspect_at is null and attested_at is null)
        or (attested_kid = any(${lost}::text[]) and attested_at > ${since}))
    returning jti, kid, event, originator, reference_id`.execute(trx);
  return rows;
}

interface Name {
  readonly originator: string;
  readonly id: string;
}

export interface Wronged extends Name {
  readonly state: string;
  /** What policy or a person had decided on it; null where it never came. */
  readonly effect: string | null;
}

/**
 * References that were sealed or erased by withdrawals none of which can be relied on any more, locked. What an operator
 * erased by order is not among them.
 */
export async function wrongedReferences(trx: Trx, names: readonly Name[]): Promise<Wronged[]> {
  if (names.length === 0) return [];
  const wanted = JSON.stringify(names.map(({ originator, id }) => ({ originator, id })));
  const { rows } = await sql<Wronged>`
    select r.originator, r.id, r.state, d.effect
    from jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)
    join reference r on r.originator = w.originator and r.id = w.id and r.direction = 'in'
    left join decision d on d.originator = r.originator and d.id = r.id and d.partner = r.originator and d.direction = 'in'
    where r.state in ('sealed', 'restricted', 'purged')
      and not exists (
        select 1 from message m where m.originator = r.originator and m.reference_id = r.id and m.event = ${WITHDRAWN}
          and m.outcome in ('sealed', 'purged', 'retained') and (m.suspect_at is null or m.attested_at is not null))
      and (r.state <> 'purged' or not exists (
        select 1 from event e where e.type = 'reference.erased' and e.originator = r.originator and e.reference_id = r.id))
    order by r.originator, r.id for update of r`.execute(trx);
  return rows;
}

/** Opens sealed references again as they were before; what an operator keeps restricted stays so, without its erasure. */
export async function unsealReferences(trx: Trx, wronged: readonly Wronged[], at: Date): Promise<void> {
  if (wronged.length === 0) return;
  const rows = wronged.map(({ originator, id, effect }) => ({
    originator,
    id,
    state: effect === 'hold' ? 'held' : 'open',
  }));
  await sql`
    update reference r set state = case when r.state = 'restricted' then r.state else w.state end,
      sealed_at = null, purge_after = null, withdrawn_reason = null, updated_at = ${at}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as w (originator text, id uuid, state text)
    where r.originator = w.originator and r.id = w.id`.execute(trx);
}

/**
 * Forgets that references were erased, so that their originator can send them again: the tombstone, what was decided, and
 * the messages that brought them, which would otherwise count as taken.
 */
export async function liftTombstones(trx: Trx, names: readonly Name[]): Promise<void> {
  if (names.length === 0) return;
  const wanted = JSON.stringify(names.map(({ originator, id }) => ({ originator, id })));
  const named = sql`jsonb_to_recordset(${wanted}::jsonb) as w (originator text, id uuid)`;
  await sql`delete from reference r using ${named} where r.originator = w.originator and r.id = w.id and r.state = 'purged'`.execute(
    trx,
  );
  await sql`delete from decision d using ${named} where d.originator = w.originator and d.id = w.id`.execute(trx);
  await sql`
    delete from message m using ${named} where m.originator = w.originator and m.reference_id = w.id
      and m.event in ('urn:caseref:event:1:submitted', 'urn:caseref:event:1:revised')`.execute(trx);
}

export interface Attestation {
  readonly issuer: string;
  readonly jti: string;
  readonly kid: string;
}

export interface Attested extends DoubtedMessage {
  readonly issuer: string;
  readonly outcome: string | null;
  readonly suspect_at: Date | null;
}

/** Notes that the same payload came again under another key; gives what that is true of. */
export async function noteAttested(trx: Trx, given: readonly Attestation[], at: Date): Promise<Attested[]> {
  if (given.length === 0) return [];
  const { rows } = await sql<Attested>`
    update message m set attested_at = ${at}, attested_kid = w.kid
    from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as w (issuer text, jti text, kid text)
    where m.issuer = w.issuer and m.jti = w.jti and m.kid <> w.kid and m.attested_at is null
    returning m.issuer, m.jti, m.kid, m.event, m.originator, m.reference_id, m.outcome, m.suspect_at`.execute(trx);
  return rows;
}

/** Gives withdrawals the outcome that sealing anew makes. */
export async function resetOutcome(trx: Trx, messages: readonly { issuer: string; jti: string }[]): Promise<void> {
  if (messages.length === 0) return;
  await sql`
    update message m set outcome = 'sealed'
    from jsonb_to_recordset(${JSON.stringify(messages.map(({ issuer, jti }) => ({ issuer, jti })))}::jsonb) as w (issuer text, jti text)
    where m.issuer = w.issuer and m.jti = w.jti`.execute(trx);
}

/** Messages of a partner that are suspect and not attested, newest first, and how many there are. */
export async function suspectMessages(db: Database, issuer: string, limit: number) {
  const query = db
    .selectFrom('message')
    .where('issuer', '=', issuer)
    .where('suspect_at', 'is not', null)
    .where('attested_at', 'is', null);
  const counted = await query.select((s) => s.fn.countAll<number>().as('n')).executeTakeFirst();
  const rows = await query
    .select(['jti', 'event', 'kid', 'received_at', 'suspect_at', 'originator', 'reference_id'])
    .orderBy('received_at', 'desc')
    .orderBy('jti')
    .limit(limit)
    .execute();
  return { count: Number(counted?.n ?? 0), rows };
}
