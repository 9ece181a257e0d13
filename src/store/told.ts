import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';

/** What a partner answered to one of our key sets. */
export interface ToldAnswer {
  readonly issuer: string;
  readonly seq: number;
  readonly at: Date;
  /** Why it did not take the key set; absent where it did. */
  readonly code?: string | undefined;
}

/**
 * Notes what a partner answered to our key set. Gives whether this is the first one under the identity of today that it
 * took, where our identity was replaced.
 */
export async function noteTold(trx: Trx, { issuer, seq, at, code }: ToldAnswer): Promise<boolean> {
  if (code !== undefined) {
    await sql`update partner set told_code = ${code}, told_at = ${at} where issuer = ${issuer}`.execute(trx);
    return false;
  }
  const { rows } = await sql<{ first: boolean }>`
    with before as materialized (select issuer, told_seq from partner where issuer = ${issuer} for no key update)
    update partner p set told_seq = greatest(p.told_seq, ${seq}), told_code = null, told_at = ${at}
    from before b, node n where p.issuer = b.issuer
    returning n.identity_seq > 0 and ${seq} >= n.identity_seq and coalesce(b.told_seq, 0) < n.identity_seq as first`.execute(
    trx,
  );
  return rows[0]?.first === true;
}

/**
 * Takes partners that have taken no key set under the identity of today, and were told none since an instant; with `each`,
 * those too that have not taken the newest.
 */
export async function claimUntaught(db: Database, at: Date, since: Date, each: boolean): Promise<string[]> {
  const { rows } = await sql<{ issuer: string }>`
    update partner p set told_at = ${at} from node n
    where p.state in ('active', 'suspended') and coalesce(p.told_seq, 0) < case when ${each}::boolean then greatest(n.key_set_seq, n.identity_seq) else n.identity_seq end
      and (p.told_at is null or p.told_at <= ${since})
    returning p.issuer`.execute(db);
  return rows.map(({ issuer }) => issuer);
}

/** From which key set on, and since when, our identity is the one of today; `taken`: how many partners took one since. */
export async function identityStanding(db: Database) {
  const node = await db.selectFrom('node').select(['identity_seq', 'identity_at']).executeTakeFirstOrThrow();
  const taken = await db
    .selectFrom('partner')
    .select((s) => s.fn.countAll<number>().as('n'))
    .where('state', '<>', 'removed')
    .where('told_seq', '>=', node.identity_seq)
    .executeTakeFirst();
  return { seq: node.identity_seq, at: node.identity_at, taken: Number(taken?.n ?? 0) };
}

/** The next key set will be the first one under another identity. */
export async function noteIdentity(trx: Trx, at: Date): Promise<void> {
  await sql`update node set identity_seq = key_set_seq + 1, identity_at = ${at}`.execute(trx);
}

/** The key set `seq` is the first one under another identity, unless that was noted after the `last` one. */
export async function noteFirstUnder(
  trx: Trx,
  { seq, last, at }: { readonly seq: number; readonly last: number; readonly at: Date },
): Promise<void> {
  await sql`update node set identity_seq = ${seq}, identity_at = ${at} where identity_seq <= ${last}`.execute(trx);
}
