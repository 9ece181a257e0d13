import { type ReplayGrant, type ReplayRefusal, type ReplayRequest, replayLimits } from '../domain/replay.ts';
import type { Trx } from '../store/open.ts';
import { ownEpoch } from '../store/recovery.ts';
import { lastReplay } from '../store/replay.ts';
import { inTransaction, lockName } from '../store/transaction.ts';
import { type Admission, admission, type Caller } from './admit-request.ts';
import { beginReplay, oldestFor } from './begin-replay.ts';
import type { Exchange } from './context.ts';
import { noteLoss } from './lost-state.ts';

/** What a partner's wish came to. `busy`: seconds until it may ask again. */
export type ReplayAnswer =
  | { readonly status: 'granted'; readonly grant: ReplayGrant }
  | { readonly status: 'refused'; readonly refusal: ReplayRefusal }
  | { readonly status: 'busy'; readonly retryAfter: number }
  | { readonly status: 'suspended' };

export interface ReplayServer extends Admission {
  /** Grants a replay of what this caller was sent, or says why not. What is granted is worked off by `startReplay`. */
  grant(caller: Caller, request: ReplayRequest): Promise<ReplayAnswer>;
}

/** Requests a minute of one partner that are looked at; honest ones come every ten minutes. */
const PER_MINUTE = 60;
/** While one is under way nobody can say when it ends. */
const UNDER_WAY_S = 600;

/** What partners ask for that they did not get (protocol, "Endpoints"): proven like a poll, and about their own stream alone. */
export function createReplayServer(exchange: Exchange): ReplayServer {
  return {
    ...admission(exchange, {
      path: '/exchange/replay',
      perMinute: PER_MINUTE,
      refused: 'replay.refused',
      isPoll: false,
    }),
    grant: (caller, request) => inTransaction(exchange.store.db, (trx) => weigh(exchange, trx, caller.issuer, request)),
  };
}

async function weigh(exchange: Exchange, trx: Trx, partner: string, request: ReplayRequest): Promise<ReplayAnswer> {
  // One after the other, in all processes: two at once would both find that nothing is under way.
  await lockName(trx, `replay ${partner}`);
  const { partners } = await exchange.directory.within(trx);
  if (partners.get(partner)?.state !== 'active') return { status: 'suspended' };
  const refusal = await refuseCursor(exchange, trx, partner, request);
  if (refusal) return { status: 'refused', refusal };
  const retryAfter = await waitFor(exchange, trx, partner);
  return retryAfter > 0 ? { status: 'busy', retryAfter } : grant(exchange, trx, partner, request);
}

async function refuseCursor(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  { epoch, from }: ReplayRequest,
): Promise<ReplayRefusal | undefined> {
  const own = await ownEpoch(trx, partner, epoch);
  if (!own) return { err: 'cursor_in_future' };
  if (from > own.n) {
    // It has seen numbers that this store never gave: what was sent then is lost here, not there. The one after the last is
    // what somebody asks for that has everything.
    if (!own.ended && from > own.n + 1) await noteLoss(exchange, trx, { partner, because: 'counter-overtaken' });
    return { err: 'cursor_in_future' };
  }
  const oldest = (await oldestFor(exchange, trx, { partner, epoch })) ?? own.n + 1;
  return Math.max(from, 1) < oldest ? { err: 'cursor_too_old', oldest } : undefined;
}

async function waitFor(exchange: Exchange, trx: Trx, partner: string): Promise<number> {
  const last = await lastReplay(trx, partner);
  if (!last) return 0;
  const left = Math.ceil((last.asked_at.getTime() + replayLimits.everyMs - exchange.clock()) / 1000);
  return last.state === 'running' && left <= 0 ? UNDER_WAY_S : Math.max(left, 0);
}

async function grant(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  { epoch, from }: ReplayRequest,
): Promise<ReplayAnswer> {
  const own = await ownEpoch(trx, partner, epoch);
  const to = Math.min(own?.n ?? 0, Math.max(from, 1) + replayLimits.messages - 1);
  const messages = await beginReplay(exchange, trx, { partner, epoch, from, to });
  return { status: 'granted', grant: { epoch, from, to, messages } };
}
