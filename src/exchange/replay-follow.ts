import { replayLimits } from '../domain/replay.ts';
import { raise, reservePositions } from '../store/feed.ts';
import {
  firstMissingOf,
  hadCome,
  hasArrived,
  hasOpenGap,
  highestNumber,
  isUnfilled,
  loseAbove,
  noteGaps,
  openGaps,
} from '../store/gaps.ts';
import type { Trx } from '../store/open.ts';
import {
  isWanted,
  lockGranted,
  lockUnaskable,
  moveRequest,
  openSince,
  putWanted,
  unasked,
} from '../store/replay-requests.ts';
import type { GapTable, ReplayRequestTable } from '../store/replay-tables.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';

/** Gaps, requests and streams that are looked at in one round. */
const MOST = 200;
const HOUR = 3_600_000;
/** So long what was granted may take before the rest is asked for anew; twice as long each time, a day at most. */
export const PATIENCE_MS = HOUR;
const LONGEST_MS = 24 * HOUR;

/** Sees what has become of gaps and of what partners granted, and wants what nobody has asked for. In any process at any time. */
export async function followReplays(exchange: Exchange): Promise<void> {
  await closeGaps(exchange);
  await inTransaction(exchange.store.db, async (trx) => {
    for (const request of await lockGranted(trx, MOST)) await follow(exchange, trx, request);
    const at = new Date(exchange.clock());
    for (const request of await lockUnaskable(trx, MOST))
      if (await isNeedless(trx, request)) await moveRequest(trx, request.id, { state: 'done', code: null, at });
    for (const stream of await unasked(trx, MOST)) await putWanted(trx, { ...stream, cause: 'gap', at });
  });
}

async function closeGaps(exchange: Exchange): Promise<void> {
  const open = await openGaps(exchange.store.db, MOST);
  if (open.length === 0) return;
  await inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const looked: (GapTable & { why: GapTable['why'] })[] = [];
    for (const gap of open) looked.push({ ...gap, why: await closing(trx, gap) });
    await noteGaps(trx, looked, at);
    const closed = new Set(looked.filter(({ why }) => why !== null).map(({ partner }) => partner));
    for (const partner of closed) await endWhenFilled(trx, partner, at);
  });
}

async function closing(trx: Trx, gap: GapTable): Promise<'arrived' | 'voided' | null> {
  const { first, last } = gap;
  if ((await firstMissingOf(trx, gap, { from: first, to: last })) <= last) return null;
  return (await hasArrived(trx, gap, first, last)) ? 'arrived' : 'voided';
}

/** The alert goes with the last hole, unless numbers were lost for good since it was raised. */
async function endWhenFilled(trx: Trx, partner: string, at: Date): Promise<void> {
  const since = await openSince(trx, 'sequence-gap', partner);
  if (!since) return;
  // Under the lock that raising takes: a hole that is told of at this moment is seen here, or opens the alert anew.
  await reservePositions(trx, 0);
  if (!(await isUnfilled(trx, partner, since))) await endAlert(trx, 'sequence-gap', partner, at);
}

/** Nobody is asked, and nothing is missing any more: what else there is to learn from an answer, nobody will tell. */
async function isNeedless(trx: Trx, request: ReplayRequestTable): Promise<boolean> {
  const to = await highestNumber(trx, request);
  if ((await firstMissingOf(trx, request, { from: request.from_n, to })) > to) return true;
  return request.cause === 'gap' && !(await hasOpenGap(trx, request));
}

/**
 * A partner grants all that it ever gave, but for what does not fit into one replay. What is missing above that, below a number
 * that had come before, was given in a time that the partner has lost: nobody can send it again, and a person is told.
 */
async function giveUpAbove(trx: Trx, request: ReplayRequestTable, to: number, at: Date): Promise<void> {
  const { partner, epoch, from_n: from, asked_at: asked } = request;
  if (to - from + 1 >= replayLimits.messages || !asked) return;
  if (!(await hadCome(trx, request, { above: to, before: asked }))) return;
  if ((await loseAbove(trx, request, to, at)) > 0)
    await raise(trx, [{ code: 'partner-state-lost', partner, subject: epoch }], at);
}

async function follow(
  exchange: Exchange,
  trx: Trx,
  request: ReplayRequestTable & { readonly askable: boolean },
): Promise<void> {
  const { id, partner, epoch, from_n: from, cause, grants, askable } = request;
  const to = request.to_n ?? from;
  const at = new Date(exchange.clock());
  const missing = await firstMissingOf(trx, request, { from, to });
  if (missing > to) {
    await moveRequest(trx, id, { state: 'done', code: null, at });
    if (askable) await giveUpAbove(trx, request, to, at);
    // As much as fits into one replay: there may be more.
    if (askable && cause === 'state' && to - from + 1 >= replayLimits.messages)
      await putWanted(trx, { partner, epoch, from: to + 1, cause, at });
    return;
  }
  // What is wanted once more meanwhile is asked for as soon as this one may end: of a stream one is granted at a time.
  const again = await isWanted(trx, request);
  const patience = again ? PATIENCE_MS : Math.min(PATIENCE_MS * 2 ** Math.min(Math.max(grants, 1) - 1, 10), LONGEST_MS);
  if (at.getTime() - (request.asked_at?.getTime() ?? 0) < patience) return;
  const lost = at.getTime() - request.created_at.getTime() > replayLimits.horizonMs;
  // Whoever cannot be asked sends it by itself, when it comes to it.
  if (!askable && !lost) return;
  if (lost || again) {
    await moveRequest(trx, id, { state: 'refused', code: 'incomplete', at });
    if (!lost) await putWanted(trx, { partner, epoch, from: missing, cause, at });
    return;
  }
  await moveRequest(trx, id, { state: 'wanted', code: 'incomplete', at, nextAt: at, from: missing, to: null });
}
