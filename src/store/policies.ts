import type { Database, Trx } from './open.ts';

/** One version of a partner's policy. */
export function policyVersion(trx: Trx, partner: string, version: number) {
  return trx
    .selectFrom('policy')
    .selectAll()
    .where('partner', '=', partner)
    .where('version', '=', version)
    .executeTakeFirst();
}

/** The highest version that a partner's policy ever had, and the highest one in force; 0 where there is none. */
export async function policyVersions(trx: Trx, partner: string): Promise<{ last: number; active: number }> {
  const rows = await trx.selectFrom('policy').select(['version', 'state']).where('partner', '=', partner).execute();
  const highest = (of: typeof rows) => Math.max(0, ...of.map(({ version }) => version));
  return { last: highest(rows), active: highest(rows.filter(({ state }) => state === 'active')) };
}

/** Ends the versions that wait for approval: something newer stands in their place, or their author is gone. */
export async function endPendingPolicies(trx: Trx, partners: readonly string[]): Promise<void> {
  if (partners.length === 0) return;
  await trx
    .updateTable('policy')
    .set({ state: 'superseded' })
    .where('partner', 'in', [...partners])
    .where('state', '=', 'pending')
    .execute();
}

/** Ends the version in force. */
export async function endActivePolicy(trx: Trx, partner: string): Promise<void> {
  await trx
    .updateTable('policy')
    .set({ state: 'superseded' })
    .where('partner', '=', partner)
    .where('state', '=', 'active')
    .execute();
}

/** Puts a version that waited into force. */
export async function activatePolicy(
  trx: Trx,
  { partner, version, approver, at }: { partner: string; version: number; approver: string | null; at: Date },
): Promise<void> {
  await trx
    .updateTable('policy')
    .set({ state: 'active', approver, approved_at: at })
    .where('partner', '=', partner)
    .where('version', '=', version)
    .execute();
}

/** Versions of a partner's policy, newest first, below one of them. */
export function policyVersionsBelow(
  db: Database,
  partner: string,
  { limit, below }: { readonly limit: number; readonly below?: number | undefined },
) {
  const query = db
    .selectFrom('policy')
    .select(['version', 'state', 'digest', 'author', 'approver', 'created_at', 'approved_at'])
    .where('partner', '=', partner)
    .orderBy('version', 'desc')
    .limit(limit);
  return (below === undefined ? query : query.where('version', '<', below)).execute();
}
