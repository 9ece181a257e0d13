import type { Selectable } from 'kysely';
import type { PortalCeremonyTable, PortalSessionTable, SessionEnd } from './liaison-tables.ts';
import type { LiaisonRow } from './liaisons.ts';
import type { Database, Trx } from './open.ts';
import { insertRows, type NewRow } from './rows.ts';

export type SessionRow = Selectable<PortalSessionTable>;
export type CeremonyRow = Selectable<PortalCeremonyTable>;

export async function insertSession(trx: Trx, row: NewRow): Promise<void> {
  await insertRows(trx, 'portal_session', [row]);
}

/** The session that a liaison began last. */
export function lastSession(trx: Trx, liaison: string): Promise<SessionRow | undefined> {
  const own = trx.selectFrom('portal_session').selectAll().where('liaison', '=', liaison);
  return own.orderBy('begun_at', 'desc').limit(1).executeTakeFirst();
}

/** A session with the accreditation that it hangs on, as both are now. */
export async function sessionRow(
  db: Database,
  digest: Buffer,
): Promise<{ readonly session: SessionRow; readonly liaison: LiaisonRow } | undefined> {
  const session = await db.selectFrom('portal_session').selectAll().where('digest', '=', digest).executeTakeFirst();
  if (!session) return undefined;
  const liaison = await db
    .selectFrom('liaison')
    .selectAll()
    .where('id', '=', session.liaison)
    .executeTakeFirstOrThrow();
  return { session, liaison };
}

export async function noteSessionSeen(db: Database, id: string, at: Date): Promise<void> {
  await db
    .updateTable('portal_session')
    .set({ seen_at: at })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .execute();
}

/** Ends one session, and says whether it was open. */
export async function endSessionRow(
  db: Database,
  id: string,
  { at, why }: { readonly at: Date; readonly why: SessionEnd },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('portal_session')
    .set({ ended_at: at, why })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends every open session of a liaison, and gives their number. */
export async function endSessionRows(
  db: Database,
  liaison: string,
  { at, why }: { readonly at: Date; readonly why: SessionEnd },
): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('portal_session')
    .set({ ended_at: at, why })
    .where('liaison', '=', liaison)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Notes the first attempt after the end of a session; true only for that one. */
export async function noteSessionRefused(trx: Trx, id: string, at: Date): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('portal_session')
    .set({ refused_at: at })
    .where('id', '=', id)
    .where('refused_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** An open session of a liaison, which nobody else ends until the transaction does. */
export function openSession(trx: Trx, id: string, liaison: string): Promise<SessionRow | undefined> {
  return trx
    .selectFrom('portal_session')
    .selectAll()
    .where('id', '=', id)
    .where('liaison', '=', liaison)
    .where('ended_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
}

/** Gives a session that was locked open another secret, and notes that its liaison signed in anew: nobody goes on with the old one. */
export async function exchangeSecret(
  trx: Trx,
  id: string,
  {
    unit,
    jurisdictions,
    digest,
    at,
  }: { readonly unit: string; readonly jurisdictions: readonly string[]; readonly digest: Buffer; readonly at: Date },
): Promise<undefined> {
  await trx
    .updateTable('portal_session')
    .set({ digest, unit, jurisdictions: [...jurisdictions], stepped_up_at: at, seen_at: at })
    .where('id', '=', id)
    .execute();
}

export async function insertCeremony(db: Database, row: NewRow): Promise<void> {
  await insertRows(db, 'portal_ceremony', [row]);
}

export function openCeremony(db: Database, digest: Buffer, at: Date): Promise<CeremonyRow | undefined> {
  return db
    .selectFrom('portal_ceremony')
    .selectAll()
    .where('digest', '=', digest)
    .where('used_at', 'is', null)
    .where('ends_at', '>', at)
    .executeTakeFirst();
}

/** Uses a ceremony up: of two who try at the same time one gets it. */
export function useCeremony(db: Database, digest: Buffer, at: Date): Promise<CeremonyRow | undefined> {
  return db
    .updateTable('portal_ceremony')
    .set({ used_at: at })
    .where('digest', '=', digest)
    .where('used_at', 'is', null)
    .where('ends_at', '>', at)
    .returningAll()
    .executeTakeFirst();
}

/** Forgets ceremonies that were over at an instant. */
export async function forgetCeremonies(db: Database, before: Date): Promise<void> {
  await db.deleteFrom('portal_ceremony').where('ends_at', '<=', before).execute();
}
