import { replayLimits } from '../domain/replay.ts';
import { SKEW_MS } from '../domain/skew.ts';
import { reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { ownEpoch } from '../store/recovery.ts';
import { countReplayed, firstEpochs, lastReplay, type NewEpoch, newEpochs, ownStreams } from '../store/replay.ts';
import type { ReplayTable } from '../store/replay-tables.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction, lockName } from '../store/transaction.ts';
import { beginReplay, oldestFor } from './begin-replay.ts';
import type { Exchange } from './context.ts';
import { newNotice } from './queue.ts';

const DAY = 86_400_000;
/** Receipts that were on their way when a partner first spoke have come by then. */
const ANSWERED_MS = 10 * 60_000;

/**
 * A partner that begins a new epoch may have lost what it was sent, and cannot say so where we publish no address to be asked
 * at: it gets our streams again without having asked. Where it can ask, it asks for the streams that it knows; an epoch of ours
 * that began and ended in the time that it lost it cannot name, so those that have ended come unasked. Once a day at most; a
 * second new epoch waits for the next day, since whoever makes epochs must not make us send all the time.
 */
export async function replayUnasked(exchange: Exchange): Promise<void> {
  const since = new Date(exchange.clock() - replayLimits.horizonMs);
  const begun = [...(await newEpochs(exchange.store.db, since)), ...(await strangers(exchange))];
  for (const partner of begun) await inTransaction(exchange.store.db, (trx) => goOn(exchange, trx, partner));
}

/** Whoever was put back before it had said anything begins no new epoch that could be noticed; who can ask us asks. */
async function strangers({ settings, store, clock }: Exchange): Promise<NewEpoch[]> {
  if (!settings.pollOnly) return [];
  return firstEpochs(store.db, new Date(clock() - 7 * DAY), new Date(clock() - ANSWERED_MS));
}

/** Begins the next of the epochs that are to come again, the oldest first; nothing where one is under way. */
async function goOn(exchange: Exchange, trx: Trx, { partner, at }: NewEpoch): Promise<void> {
  await lockName(trx, `replay ${partner}`);
  const last = await lastReplay(trx, partner);
  if (last?.state === 'running') return;
  const begun = last !== undefined && last.asked_at >= at;
  if (last && !begun && exchange.clock() - last.asked_at.getTime() < DAY) return;
  // Of an epoch nothing comes again before all of the older ones has left: whoever waits may go by that.
  if ((await countReplayed(trx, partner)) > 0) return;
  const next = await nextStretch(exchange, trx, partner, at);
  if (!next) return;
  if (last && begun) await sayEnd(exchange, trx, last);
  // Another process may have heard of the epoch in what is the future here.
  const heard = Math.min(at.getTime(), exchange.clock() + SKEW_MS);
  // Never before the epoch that it answers, nor beside the replay before it: both are told by this instant.
  const askedAt = new Date(Math.max(exchange.clock(), heard, begun ? last.asked_at.getTime() + 1 : 0));
  await beginReplay(exchange, trx, { partner, ...next, askedAt }, 'new-epoch');
}

/**
 * Says where an ended epoch of ours ends, once all of it has left: no number after its last one will come. What was sent under
 * such numbers in a time that is lost here cannot be said again; whoever has it keeps it.
 */
async function sayEnd(exchange: Exchange, trx: Trx, { partner, epoch }: ReplayTable): Promise<void> {
  const own = await ownEpoch(trx, partner, epoch);
  if (!own?.ended) return;
  const at = new Date(exchange.clock());
  const payload = { epoch, ranges: [[own.n + 1, own.n + replayLimits.endMark]], reason: 'dropped' };
  const position = await reservePositions(trx, 1);
  const notice = newNotice(exchange, { partner, event: 'voided', payload, position, at });
  await insertAll(trx, [deliveryInsert([{ ...notice, priority: 1 }])]);
}

/**
 * The oldest epoch that was not replayed since, as far as the newest 10,000 numbers of all of them reach. One of which nothing is
 * kept has its turn as well where nobody can ask us: that it ended is still to be said.
 */
async function nextStretch(exchange: Exchange, trx: Trx, partner: string, since: Date) {
  const ended = new Date(exchange.clock() - replayLimits.horizonMs);
  let left: number = replayLimits.messages;
  let next: { readonly epoch: string; readonly from: number; readonly to: number } | undefined;
  for (const { epoch, n, replayed } of await ownStreams(trx, partner, { since, ended })) {
    const oldest =
      (await oldestFor(exchange, trx, { partner, epoch })) ?? (exchange.settings.pollOnly ? n + 1 : undefined);
    if (oldest === undefined || left <= 0) continue;
    if (!exchange.settings.pollOnly && !(await ownEpoch(trx, partner, epoch))?.ended) continue;
    const from = Math.max(oldest, n - left + 1);
    left -= n - from + 1;
    if (!replayed) next = { epoch, from, to: n };
  }
  return next;
}
