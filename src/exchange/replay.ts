import type { Voided } from '../domain/contract.types.ts';
import { replayLimits } from '../domain/replay.ts';
import type { Trx } from '../store/open.ts';
import { closedReason } from '../store/recall.ts';
import {
  askForRetried,
  askForStopped,
  countReplayed,
  lockReplay,
  lockStretch,
  moveReplay,
  partnerSince,
  putBack,
  type Stretch,
} from '../store/replay.ts';
import type { ReplayTable } from '../store/replay-tables.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { coverNumbers, type Uncovered } from './cover.ts';
import { replayUnasked } from './replay-unasked.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 1000;
/** Messages of one step; nothing of their content is read here. */
const STEP = 500;

/**
 * Works off what was granted: puts messages back into the outbox in the order of their numbers, and covers by a signed
 * `voided` what does not come again. Each step is a transaction, and the next begins when the partner has taken most of the
 * last, so that the outbox does not fill with what was sent before. What is put back leaves after everything else, and only
 * as the policy of that moment lets it: see `decideAgain`.
 */
export async function workOffReplays(exchange: Exchange): Promise<void> {
  await replayUnasked(exchange);
  const looked: string[] = [];
  for (;;) {
    const id = await inTransaction(exchange.store.db, (trx) => step(exchange, trx, looked));
    if (id === undefined) return;
    looked.push(id);
  }
}

async function step(exchange: Exchange, trx: Trx, not: readonly string[]): Promise<string | undefined> {
  // The row is locked as long as this lasts: a process that dies leaves it as it was.
  const replay = await lockReplay(trx, not);
  if (!replay) return undefined;
  const to = await advance(exchange, trx, replay);
  await moveReplay(trx, replay.id, { ...to, at: new Date(exchange.clock()) });
  if (to.next > replay.next_n) exchange.wake.outbox();
  return replay.id;
}

async function advance(
  exchange: Exchange,
  trx: Trx,
  replay: ReplayTable,
): Promise<{ readonly next: number; readonly state: ReplayTable['state'] }> {
  const { partner, next_n: from, to_n: to } = replay;
  const standing = (await exchange.directory.within(trx)).partners.get(partner)?.state;
  const since = await partnerSince(trx, partner);
  // Whoever asked was removed, and may have been introduced anew since: that is another stream.
  if (!standing || !since || since > replay.asked_at) return { next: from, state: 'ended' };
  if (standing !== 'active' || (await countReplayed(trx, partner)) >= STEP) return { next: from, state: 'running' };
  const found = await lockStretch(trx, replay, { from, to, limit: STEP });
  const last = found.length < STEP ? to : (found.at(-1)?.n ?? to);
  const at = new Date(exchange.clock());
  const earliest = Math.max(at.getTime() - replayLimits.horizonMs, since.getTime() - 1);
  const fates = found.map((one) => ({ one, fate: fateOf(one, earliest) }));
  await putBack(
    trx,
    fates.filter(({ fate }) => fate === 'again').map(({ one }) => one.id),
    at,
  );
  const waiting = fates.filter(({ fate }) => fate === 'waits').map(({ one }) => one.id);
  await askForStopped(trx, partner, waiting, at);
  await askForRetried(trx, waiting);
  const covered = fates.flatMap(({ one, fate }) =>
    fate === 'again' || fate === 'waits' ? [] : [{ n: one.n, reason: fate }],
  );
  await coverNumbers(exchange, trx, replay, [...covered, ...absent(found, from, last)], at);
  return { next: last + 1, state: last >= to ? 'done' : 'running' };
}

/** Numbers that were given and of which nothing is known any more. */
function absent(found: readonly Stretch[], from: number, to: number): Uncovered[] {
  const known = new Set(found.map(({ n }) => n));
  const missing: Uncovered[] = [];
  for (let n = from; n <= to; n += 1) if (!known.has(n)) missing.push({ n, reason: 'dropped' });
  return missing;
}

/** Why messages were ended before they left, as a partner is told of it; all else was dropped. */
const ended: Readonly<Record<string, Voided['reason']>> = {
  withdrawn: 'withdrawn',
  restricted: 'withdrawn',
  expired: 'expired',
  policy: 'policy',
};

/** Whether a message comes `again`, `waits` in the outbox as it is, or why its number is covered instead. */
function fateOf(one: Stretch, earliest: number): 'again' | 'waits' | Voided['reason'] {
  if (one.state === 'queued') return 'waits';
  if (one.state === 'dropped') return ended[one.last_code ?? ''] ?? 'dropped';
  if (one.outcome === 'refused') return 'refused';
  if (one.closed_by_word) return 'waits';
  const closed = closedReason(one.reference_state);
  if (closed) return closed;
  if (one.created_at.getTime() <= earliest) return 'expired';
  return one.superseded || !one.kept ? 'dropped' : 'again';
}

/** Works off what is granted, now and every second, in whichever process comes first. */
export function startReplay(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'replay.failed' }, () => workOffReplays(exchange));
}
