import { setTimeout as sleep } from 'node:timers/promises';
import { absentCodes, unwillingCodes } from '../domain/attempt.ts';
import { hastenDeliveries } from '../store/outbox.ts';
import type { Exchange } from './context.ts';

/** What waits is let go at most this often for one partner: answers that change all the time must not undo the back-off. */
const AGAIN_MS = 60_000;
/** Deliveries that are let go in one statement. */
const STEP = 1000;
/** Rows that somebody else holds are free again within milliseconds. */
const HELD_MS = 20;
const MOST_TRIES = 50;

/** Notices that a partner is there again, so that what waits because it was not follows at once. */
export interface Returns {
  /** The circuit breaker says that the partner is not there. */
  missed(issuer: string): void;
  /** What an attempt came to that is settled, by its message and code; ends when what waited for the partner may be claimed. */
  note(issuer: string, event: string, attempt: { readonly state: string; readonly code: string | null }): Promise<void>;
}

/** Why messages waited that one that is taken lets go. */
type Reason = 'absent' | 'unwilling';
const codesOf: Readonly<Record<Reason, ReadonlySet<string>>> = { absent: absentCodes, unwilling: unwillingCodes };

/**
 * After a week without an answer each message that was tried has a pause of up to an hour of its own, and what was refused
 * because we were suspended one of a day. One message that is taken proves that these pauses have no reason any more. Kept
 * for this process: where it has not reached a partner yet, the first message that is taken counts as a return.
 */
export function createReturns(exchange: Exchange): Returns {
  const letGo = { absent: new Set<string>(), unwilling: new Set<string>() };
  const lastAt = { absent: new Map<string, number>(), unwilling: new Map<string, number>() };

  const underWay = new Set<string>();

  async function hasten(issuer: string, reason: Reason): Promise<void> {
    const at = exchange.clock();
    const name = `${reason} ${issuer}`;
    if (letGo[reason].has(issuer) || underWay.has(name)) return;
    if (at - (lastAt[reason].get(issuer) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    underWay.add(name);
    // Before it is read what waits: an outage that is noticed meanwhile counts.
    letGo[reason].add(issuer);
    try {
      await hastenAll(exchange, issuer, codesOf[reason], new Date(at));
      lastAt[reason].set(issuer, at);
    } catch (failure) {
      letGo[reason].delete(issuer);
      throw failure;
    } finally {
      underWay.delete(name);
    }
  }

  return {
    missed: (issuer) => void letGo.absent.delete(issuer),
    async note(issuer, event, { state, code }) {
      if (code !== null && unwillingCodes.has(code)) letGo.unwilling.delete(issuer);
      if (state !== 'sent') return;
      await hasten(issuer, 'absent');
      // A partner that has suspended us takes receipts and withdrawals all the same.
      if (event !== 'receipt' && event !== 'withdrawn') await hasten(issuer, 'unwilling');
    },
  };
}

/** By position, so that it ends though more fails meanwhile; what somebody else holds is asked for again. */
async function hastenAll(exchange: Exchange, partner: string, reasons: ReadonlySet<string>, now: Date): Promise<void> {
  const codes = [...reasons];
  let [after, tries] = ['0', 0];
  for (;;) {
    const { to, held } = await hastenDeliveries(exchange.store.db, { partner, codes, now, after, limit: STEP });
    if (to === undefined) return;
    if (held > 0 && tries < MOST_TRIES) {
      tries += 1;
      await sleep(HELD_MS);
    } else {
      [after, tries] = [to, 0];
    }
  }
}
