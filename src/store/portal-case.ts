import { sql } from 'kysely';
import type { Trx } from './open.ts';

interface Name {
  readonly originator: string;
  readonly id: string;
}

/** The newest revisions of a reference with their content, so many at most, newest first. */
export function revisionBodies(trx: Trx, { originator, id }: Name, limit: number) {
  return trx
    .selectFrom('reference_revision')
    .select(['revision', 'at', 'body'])
    .where('originator', '=', originator)
    .where('id', '=', id)
    .orderBy('revision', 'desc')
    .limit(limit)
    .execute();
}

/** Which message brought a revision; null for one that none brought. */
export async function broughtBy(trx: Trx, { originator, id }: Name, revision: number): Promise<string | null> {
  const row = await trx
    .selectFrom('reference_revision')
    .select('jti')
    .where('originator', '=', originator)
    .where('id', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row?.jti ?? null;
}

/** The message that brought a revision, and the receipt that this node signed for it. */
export interface Brought {
  readonly issuer: string;
  readonly jti: string;
  readonly kid: string;
  readonly digest: string;
  readonly received_at: Date;
  readonly outcome: string | null;
  readonly body: Buffer | null;
  readonly suspect: boolean;
  readonly receipt_jti: string | null;
  readonly receipt_outcome: string | null;
  readonly receipt_at: Date | null;
}

export async function messageOf(trx: Trx, issuer: string, jti: string): Promise<Brought | undefined> {
  const { rows } = await sql<Brought>`
    select m.issuer, m.jti, m.kid, m.digest, m.received_at, m.outcome, m.body,
      m.suspect_at is not null and m.attested_at is null as suspect,
      d.jti as receipt_jti, d.outcome as receipt_outcome, d.sent_at as receipt_at
    from message m left join delivery d on d.partner = m.issuer and d.answers = m.jti and d.event = 'receipt'
    where m.issuer = ${issuer} and m.jti = ${jti} order by d.position limit 1`.execute(trx);
  return rows[0];
}

/** Where an own reference went: the newest message to each partner, with what the partner answered. */
export interface Went {
  readonly partner: string;
  readonly sent_at: Date | null;
  readonly outcome: string | null;
  readonly settled_at: Date | null;
}

export async function whereItWent(trx: Trx, { originator, id }: Name): Promise<Went[]> {
  const { rows } = await sql<Went>`
    select distinct on (partner) partner, sent_at, outcome, settled_at from delivery
    where originator = ${originator} and reference_id = ${id}::uuid and event in ('submitted', 'revised') and sent_at is not null
    order by partner, position desc`.execute(trx);
  return rows;
}
