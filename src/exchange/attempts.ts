import type { AlertCause } from '../domain/alert.ts';
import { afterAttempt, mayHaveArrived, type PostOutcome } from '../domain/attempt.ts';
import { emergenciesAmong } from '../store/emergencies.ts';
import { type NewEvent, raise, recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { type Attempt, type Claimed, settleAttempts } from '../store/outbox.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { wantRefresh } from './refresh.ts';
import type { Unsealed } from './seal.ts';
import type { NoWay } from './way.ts';

/** What an attempt came to. */
export interface Settled {
  readonly attempt: Attempt;
  readonly event?: NewEvent | undefined;
  /** What a person must be told because of it. */
  readonly cause?: AlertCause | undefined;
  /** The event of a message that was posted. */
  readonly posted?: string;
}

/** Our own keys: one alert, however many partners wait. */
const ofOurs: ReadonlySet<NoWay> = new Set(['key-unpublished', 'key-ended']);

/** Nothing leaves plain because a key is missing: it is tried again as if the partner were away. */
export function postpone(
  exchange: Exchange,
  partner: PartnerEntry,
  delivery: Claimed,
  lease: string,
  code: NoWay,
): Settled {
  const { issuer } = partner.facts;
  if (code === 'encryption-key-missing') wantRefresh(exchange, issuer);
  return {
    ...settledBy(exchange, issuer, delivery, lease, { status: 'unreachable', code }),
    cause: ofOurs.has(code) ? { code } : { code, partner: issuer },
  };
}

/** What cannot be signed is a defect of ours: a person sees it among the dead letters, and the others go on. */
export function giveUp(
  exchange: Exchange,
  partner: PartnerEntry,
  { delivery, failure }: Unsealed,
  lease: string,
): Settled {
  const { issuer } = partner.facts;
  const now = exchange.clock();
  exchange.log.failure('delivery.unsealed', failure, { partner: issuer, jti: delivery.jti });
  const attempt: Attempt = { id: delivery.id, lease, state: 'dead', code: 'internal', nextAt: new Date(now) };
  return { attempt, event: delivery.receipted ? undefined : deadEvent(delivery, issuer, 'internal', now) };
}

export function settledBy(
  exchange: Exchange,
  issuer: string,
  delivery: Claimed & { readonly keyLost?: boolean },
  lease: string,
  outcome: PostOutcome,
): Settled {
  const now = exchange.clock();
  const step = afterAttempt(
    outcome,
    {
      attempts: delivery.attempts,
      ageMs: now - bornAt(delivery),
      everlasting: delivery.event === 'withdrawn',
      lastCode: delivery.last_code,
      keyLost: delivery.keyLost ?? false,
    },
    exchange.chance.fraction(),
  );
  exchange.metrics.sent(step.state === 'sent' ? 'accepted' : outcome.status);
  const attempt: Attempt = {
    id: delivery.id,
    lease,
    state: step.state,
    code: step.code,
    nextAt: new Date(now + step.delayMs),
    reached: mayHaveArrived(outcome),
  };
  // What has a receipt is no dead letter, though it could not be sent once more.
  const isDead = step.state === 'dead' && !delivery.receipted;
  return { attempt, event: isDead ? deadEvent(delivery, issuer, step.code, now) : undefined };
}

/** Since when it is tried: a person who sends it once more, or a duplicate that asks for its receipt, begins its time anew. */
function bornAt({ created_at, reissued_at, retried_at }: Claimed): number {
  return Math.max((reissued_at ?? created_at).getTime(), retried_at?.getTime() ?? 0);
}

function deadEvent(delivery: Claimed, partner: string, code: string | null, now: number): NewEvent {
  return {
    type: 'delivery.dead',
    at: new Date(now),
    partner,
    jti: delivery.jti,
    ...(code !== null && { code }),
    ...(delivery.originator !== null && { originator: delivery.originator }),
    ...(delivery.reference_id !== null && { reference: delivery.reference_id }),
  };
}

/** An emergency that did not get through at the first try is told at once: the other tries take minutes. */
async function undelivered(trx: Trx, attempts: readonly Attempt[]): Promise<AlertCause[]> {
  const failed = attempts.filter(({ state }) => state !== 'sent').map(({ id }) => id);
  const emergencies = await emergenciesAmong(trx, failed);
  return emergencies.map(({ partner, originator, id }) => ({
    code: 'emergency-undelivered',
    partner,
    originator,
    subject: id,
  }));
}

export async function settleBatch(exchange: Exchange, batch: readonly Settled[]): Promise<undefined[]> {
  const attempts = batch.map((one) => one.attempt);
  const events = batch.map((one) => one.event).filter((event) => event !== undefined);
  await inTransaction(exchange.store.db, async (trx) => {
    await settleAttempts(trx, attempts, new Date(exchange.clock()));
    await recordEvents(trx, events);
    const causes = batch.map(({ cause }) => cause).filter((cause) => cause !== undefined);
    await raise(trx, [...(await undelivered(trx, attempts)), ...causes], new Date(exchange.clock()));
  });
  exchange.metrics.grouped('settle', batch.length);
  return batch.map(() => undefined);
}
