import { sql } from 'kysely';
import type { Database } from './open.ts';

/** Every partner, in the order of its issuer. */
export function partnerRows(db: Database) {
  return db.selectFrom('partner').selectAll().orderBy('issuer').execute();
}

export function partnerRow(db: Database, issuer: string) {
  return db.selectFrom('partner').selectAll().where('issuer', '=', issuer).executeTakeFirst();
}

/** One partner, locked until the transaction ends, and kept from new messages: see `holdPartners`. */
export async function lockPartner(db: Database, issuer: string) {
  await sql`select pg_advisory_xact_lock(hashtextextended(${issuer}, 2))`.execute(db);
  return db.selectFrom('partner').selectAll().where('issuer', '=', issuer).forNoKeyUpdate().executeTakeFirst();
}

/**
 * Partners, held as they are until the transaction ends: it goes on beside others like it, and beside none that has locked
 * one of them to take its keys, identity or standing away. Locks by name and not of rows: whoever locks a partner gets its turn,
 * however many messages keep coming, where share locks of a row would pass it by for as long as they overlap.
 */
export async function holdPartners(trx: Database, issuers: readonly string[]): Promise<void> {
  const ordered = [...new Set(issuers)].sort();
  await sql`
    select pg_advisory_xact_lock_shared(hashtextextended(issuer, 2)) from unnest(${ordered}::text[]) as w (issuer)`.execute(
    trx,
  );
}

/** Sets the state of partners, with the operator's reason for it. */
export async function setPartnerState(
  trx: Database,
  issuers: readonly string[],
  state: 'active' | 'suspended',
  { reason, at }: { readonly reason: string | null; readonly at: Date },
): Promise<void> {
  if (issuers.length === 0) return;
  const since = state === 'suspended' ? { suspended_at: at } : {};
  await trx
    .updateTable('partner')
    .set({ state, state_reason: reason, ...since })
    .where('issuer', 'in', issuers)
    .execute();
}

/** Keys of every partner, or of one: pinned by (issuer, kid), history included. */
export function partnerKeyRows(db: Database, issuer?: string) {
  const query = db.selectFrom('partner_key').selectAll().orderBy('issuer').orderBy('kid');
  return (issuer === undefined ? query : query.where('issuer', '=', issuer)).execute();
}

/** Policies in force. */
export function policyRows(db: Database) {
  return db.selectFrom('policy').selectAll().where('state', '=', 'active').execute();
}

/** Denies in force. */
export function denyRows(db: Database) {
  return db.selectFrom('policy_deny').selectAll().where('removed_at', 'is', null).orderBy('id').execute();
}

/** The number that moves with every change of a partner, key, policy or deny. */
export async function directoryVersion(db: Database): Promise<number> {
  const row = await db.selectFrom('node').select('directory_version').executeTakeFirst();
  return row?.directory_version ?? 0;
}

/** Marks the directory as changed; part of every transaction that changes a partner, key, policy or deny. */
export async function bumpDirectory(trx: Database): Promise<void> {
  await sql`update node set directory_version = directory_version + 1`.execute(trx);
}
