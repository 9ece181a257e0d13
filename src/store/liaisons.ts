import type { Selectable } from 'kysely';
import type { LiaisonTable } from './liaison-tables.ts';
import type { Database, Trx } from './open.ts';
import { insertRows, type NewRow } from './rows.ts';

export type LiaisonRow = Selectable<LiaisonTable>;

export function liaisonRow(db: Database, id: string): Promise<LiaisonRow | undefined> {
  return db.selectFrom('liaison').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The accreditation, which nobody else changes until the transaction ends. */
export function lockLiaison(trx: Trx, id: string): Promise<LiaisonRow | undefined> {
  return trx.selectFrom('liaison').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
}

/** The accreditation of whom an identity provider names. */
export function liaisonOfSubject(db: Database, issuer: string, subject: string): Promise<LiaisonRow | undefined> {
  return db
    .selectFrom('liaison')
    .selectAll()
    .where('subject_issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
}

/** Every accreditation there is or was, by its end. */
export function liaisonRows(db: Database): Promise<LiaisonRow[]> {
  return db.selectFrom('liaison').selectAll().orderBy('until_on').orderBy('id').execute();
}

/** Active accreditations that were not used since. */
export function unusedLiaisons(db: Database, since: Date) {
  return db.selectFrom('liaison').select('id').where('state', '=', 'active').where('used_at', '<=', since).execute();
}

export async function insertLiaison(trx: Trx, row: NewRow): Promise<void> {
  await insertRows(trx, 'liaison', [row]);
}

export async function updateLiaison(trx: Database, id: string, changes: Partial<LiaisonRow>): Promise<void> {
  await trx.updateTable('liaison').set(changes).where('id', '=', id).execute();
}

export async function insertInvitation(trx: Trx, row: NewRow): Promise<void> {
  await insertRows(trx, 'liaison_invitation', [row]);
}

/** An invitation that was neither used nor taken back nor is over. */
export function openInvitation(db: Database, digest: Buffer, at: Date) {
  return db
    .selectFrom('liaison_invitation')
    .select('liaison')
    .where('digest', '=', digest)
    .where('used_at', 'is', null)
    .where('revoked_at', 'is', null)
    .where('ends_at', '>', at)
    .executeTakeFirst();
}

/** Uses an open invitation up, and gives whose it is; of two who try at the same time one gets it. */
export function useInvitation(trx: Trx, digest: Buffer, at: Date) {
  return trx
    .updateTable('liaison_invitation')
    .set({ used_at: at })
    .where('digest', '=', digest)
    .where('used_at', 'is', null)
    .where('revoked_at', 'is', null)
    .where('ends_at', '>', at)
    .returning('liaison')
    .executeTakeFirst();
}

/** Takes back every invitation of a liaison that was not used. */
export async function revokeInvitations(trx: Trx, liaison: string, at: Date): Promise<void> {
  await trx
    .updateTable('liaison_invitation')
    .set({ revoked_at: at })
    .where('liaison', '=', liaison)
    .where('used_at', 'is', null)
    .where('revoked_at', 'is', null)
    .execute();
}

export async function insertPasskey(trx: Trx, row: NewRow): Promise<void> {
  await insertRows(trx, 'liaison_passkey', [row]);
}

/** A passkey that was not revoked. */
export function passkeyRow(db: Database, id: Buffer) {
  return db
    .selectFrom('liaison_passkey')
    .selectAll()
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
}

/** Whether there is or was a passkey of this id: one that was revoked is not enrolled again. */
export async function isPasskeyKnown(db: Database, id: Buffer): Promise<boolean> {
  return (await db.selectFrom('liaison_passkey').select('id').where('id', '=', id).executeTakeFirst()) !== undefined;
}

export function passkeysOf(db: Database, liaison: string) {
  return db
    .selectFrom('liaison_passkey')
    .selectAll()
    .where('liaison', '=', liaison)
    .where('revoked_at', 'is', null)
    .orderBy('created_at')
    .execute();
}

export async function notePasskeyUse(
  trx: Trx,
  id: Buffer,
  use: { readonly counter: number; readonly backed_up: boolean; readonly used_at: Date },
): Promise<void> {
  await trx.updateTable('liaison_passkey').set(use).where('id', '=', id).execute();
}

export async function revokePasskeys(trx: Trx, liaison: string, at: Date): Promise<void> {
  await trx
    .updateTable('liaison_passkey')
    .set({ revoked_at: at })
    .where('liaison', '=', liaison)
    .where('revoked_at', 'is', null)
    .execute();
}
