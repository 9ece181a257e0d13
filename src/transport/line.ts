import { PARTNER_AWAY, type PostOutcome } from '../domain/attempt.ts';
import { createBreaker, type Place } from './breaker.ts';
import type { PollOutcome } from './post-poll.ts';

type Outcome = PostOutcome | PollOutcome;
interface Away {
  readonly status: 'unreachable';
  readonly code: typeof PARTNER_AWAY;
}

/** The gate that every post to a partner passes, whoever posts: messages, attestations, key sets, polls, requests for a replay. */
export interface Lines {
  /**
   * Posts unless the partner's circuit breaker is open or its probe is under way, and moves the breaker by the answer;
   * `partner-away` where nothing was posted. A post that was broken off moves nothing.
   */
  through<Answer extends Outcome>(
    to: { readonly partner: string; readonly signal?: AbortSignal },
    post: () => Promise<Answer>,
    terms?: Terms,
  ): Promise<Answer | Away>;
  allowance(partner: string, now: number): number;
  tryNow(partner: string): void;
  shutUntil(partner: string, now: number): number | undefined;
}

interface Terms {
  /** Goes while the breaker is open too, and after the probe that is under way: a revoked key is told whoever was silent. */
  readonly always?: boolean;
  /** A 429 is about this request, and says nothing of the partner. */
  readonly ownQuota?: boolean;
}

export function createLines(clock: () => number): Lines {
  const breaker = createBreaker();

  async function enter(partner: string, always: boolean): Promise<Place | undefined> {
    for (;;) {
      const place = breaker.enter(partner, clock(), always);
      if (place || !always) return place;
      await breaker.probed(partner);
    }
  }

  /** An answer of any kind proves that somebody is there; only silence and overload open the breaker. */
  function note(partner: string, outcome: Outcome, ownQuota: boolean): void {
    if (isTroubled(outcome, ownQuota)) breaker.failed(partner, clock(), askedBy(outcome));
    else breaker.succeeded(partner);
  }

  return {
    async through({ partner, signal }, post, { always = false, ownQuota = false } = {}) {
      const place = await enter(partner, always);
      if (!place) return { status: 'unreachable', code: PARTNER_AWAY };
      try {
        const outcome = await post();
        if (!signal?.aborted) note(partner, outcome, ownQuota);
        return outcome;
      } finally {
        place.leave();
      }
    },
    allowance: (partner, now) => breaker.allowance(partner, now),
    tryNow: (partner) => breaker.tryNow(partner),
    shutUntil: (partner, now) => breaker.shutUntil(partner, now),
  };
}

function isTroubled(outcome: Outcome, ownQuota: boolean): boolean {
  if (outcome.status === 'refused') return outcome.http >= 500 || (outcome.http === 429 && !ownQuota);
  return outcome.status === 'unreachable';
}

/** How long the partner wants to be left alone, in milliseconds: said with the two statuses that mean so. */
function askedBy(outcome: Outcome): number {
  if (outcome.status !== 'refused' || (outcome.http !== 429 && outcome.http !== 503)) return 0;
  return outcome.retryAfterMs ?? 0;
}
