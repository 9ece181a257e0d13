import { type Insertable, sql, type Updateable } from 'kysely';
import type { Database, Trx } from './open.ts';
import { insertRows } from './rows.ts';
import type { PartnerReplacementTable, PartnerTable } from './trust-tables.ts';

/** The card with another identity key that waits for an issuer. */
export function replacementOf(db: Database, issuer: string) {
  return db.selectFrom('partner_replacement').selectAll().where('issuer', '=', issuer).executeTakeFirst();
}

/** Keeps a card until its fingerprint is confirmed, in the place of one that waited before. */
export async function keepReplacement(trx: Trx, row: Insertable<PartnerReplacementTable>): Promise<void> {
  await dropReplacement(trx, row.issuer);
  await insertRows(trx, 'partner_replacement', [{ ...row }]);
}

export async function dropReplacement(trx: Trx, issuer: string): Promise<void> {
  await trx.deleteFrom('partner_replacement').where('issuer', '=', issuer).execute();
}

/** Who has this identity key, or waits to have it confirmed: partners that were removed included. */
export async function issuersByIdentity(db: Database, kid: string): Promise<string[]> {
  const { rows } = await sql<{ issuer: string }>`
    select issuer from partner where identity_kid = ${kid}
    union select issuer from partner_replacement where identity_kid = ${kid} order by issuer`.execute(db);
  return rows.map((row) => row.issuer);
}

/** Whose messages this key signs or opens: an identity key must do neither. */
export async function issuersByKey(db: Database, kid: string): Promise<string[]> {
  const rows = await db.selectFrom('partner_key').select('issuer').where('kid', '=', kid).orderBy('issuer').execute();
  return rows.map((row) => row.issuer);
}

/** Whether this was the issuer's identity key once and was replaced: the feed is the history of that. */
export async function wasReplaced(db: Database, issuer: string, kid: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from event where type = 'partner.replaced' and partner = ${issuer} and body ->> 'replaced' = ${kid}
    limit 1`.execute(db);
  return rows.length > 0;
}

/**
 * Ends the keys that an identity had published, but those that its successor publishes too. They stay as history, revoked
 * from the instant at which the identity may have been lost. Gives every key that signed messages until now.
 */
export async function endFormerKeys(
  trx: Trx,
  former: { readonly issuer: string; readonly kept: readonly string[]; readonly at: Date; readonly since: Date },
): Promise<string[]> {
  const { issuer, at, since } = former;
  const seconds = (instant: Date) => Math.floor(instant.getTime() / 1000);
  await sql`
    update partner_key set exp = least(exp, ${seconds(at)}::bigint),
      revoked_at = greatest(coalesce(nbf, 0), ${seconds(since)}::bigint), revoked_reason = 'identity-replaced',
      revocation_seen_at = ${at}
    where issuer = ${issuer} and revoked_at is null and kid <> all(${[...former.kept]}::text[])`.execute(trx);
  const rows = await trx
    .selectFrom('partner_key')
    .select('kid')
    .where('issuer', '=', issuer)
    .where('use', '=', 'sig')
    .execute();
  return rows.map((row) => row.kid);
}

type Documents = 'coverage' | 'contact' | 'identity_jwk' | 'endpoints';
const documents: ReadonlySet<string> = new Set<Documents>(['coverage', 'contact', 'identity_jwk', 'endpoints']);

/** Columns of a partner that an introduction or a newer card fills; documents as plain values. */
export type PartnerChange = Omit<Updateable<PartnerTable>, Documents> & Partial<Record<Documents, unknown>>;

/** Writes what a card or an operator says of a partner. */
export async function writePartner(trx: Trx, issuer: string, change: PartnerChange): Promise<void> {
  const encode = ([column, value]: [string, unknown]) =>
    documents.has(column) && value !== null ? [column, JSON.stringify(value)] : [column, value];
  const encoded = Object.entries(change).map(encode);
  const row = Object.fromEntries(encoded) as Updateable<PartnerTable>;
  await trx.updateTable('partner').set(row).where('issuer', '=', issuer).execute();
}
