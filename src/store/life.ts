import { sql } from 'kysely';
import type { Database, Trx } from './open.ts';

/** How far a store has come: what only grows while nothing is lost. */
export interface Progress {
  /** Between two losses of the store this stays the same. */
  readonly life: string;
  /** The highest position of the feed and the outbox. */
  readonly position: number;
  /** Number of the published key set; a witness of an earlier release does not say it. */
  readonly keySet?: number;
  /** For each partner: the epoch that our numbers run in, and the highest that was given. */
  readonly streams: Readonly<Record<string, { readonly epoch: string; readonly n: number }>>;
}

/** Reads what is committed at this moment. */
export async function readProgress(db: Database): Promise<Progress> {
  const life = await db.selectFrom('store_life').select('id').orderBy('position', 'desc').executeTakeFirstOrThrow();
  const counter = await db.selectFrom('feed_counter').select('position').executeTakeFirstOrThrow();
  const node = await db.selectFrom('node').select('key_set_seq').executeTakeFirst();
  const streams = await db.selectFrom('partner_stream').selectAll().execute();
  return {
    life: life.id,
    position: counter.position,
    keySet: node?.key_set_seq ?? 0,
    streams: Object.fromEntries(streams.map(({ partner, epoch, n }) => [partner, { epoch, n }])),
  };
}

/** Whether this store has lived through that life. */
export async function hasLived(db: Database, life: string): Promise<boolean> {
  const row = await db.selectFrom('store_life').select('id').where('id', '=', life).executeTakeFirst();
  return row !== undefined;
}

/**
 * Begins another life after a loss, above every position that clients of the feed may have seen in the one before: a cursor
 * that one of them kept must not pass over what comes now.
 */
export async function beginLife(
  trx: Trx,
  life: { readonly id: string; readonly at: Date; readonly above: number },
): Promise<void> {
  const { rows } = await sql<{ position: number }>`
    update feed_counter set position = greatest(position, ${life.above}) returning position`.execute(trx);
  await sql`
    insert into store_life (id, began_at, position) values (${life.id}::uuid, ${life.at}, ${rows[0]?.position ?? 0} + 1)`.execute(
    trx,
  );
}

/**
 * Remembers that partners may have a newer key set of ours than this store: `seen` is the number that was published last, one
 * more than ours where nobody knows. A number above that of the key set itself says so until another one is published.
 */
export async function noteKeySetLoss(trx: Trx, seen: number | undefined): Promise<void> {
  await sql`update node set key_set_seq = greatest(key_set_seq, coalesce(${seen ?? null}::bigint, key_set_seq + 1))`.execute(
    trx,
  );
}

/** The life that began with a loss of which not every partner has been marked yet. */
export function unsettledLife(db: Database) {
  return db
    .selectFrom('store_life')
    .selectAll()
    .where('settled_at', 'is', null)
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function settleLives(trx: Trx, at: Date): Promise<void> {
  await trx.updateTable('store_life').set({ settled_at: at }).where('settled_at', 'is', null).execute();
}
