import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import {
  hasDead,
  hastenAll,
  type Letter,
  lockLetter,
  lockLetters,
  requeue,
  waitingFor,
} from '../store/dead-letters.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { closedAmong } from '../store/recall.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';

const BATCH = 500;

export function isDeliveryId(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}

/** Puts a delivery that waits, is overdue or was given up back to the front of the outbox, with the same signed bytes. */
export async function retryDelivery(
  exchange: Exchange,
  id: string,
): Promise<{ id: string; state: 'queued' } | Refusal> {
  if (!isDeliveryId(id)) return refuse('delivery-unknown');
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const letter = await lockLetter(trx, id);
    if (!letter) return refuse('delivery-unknown');
    if (letter.state === 'receipted' || letter.state === 'dropped') {
      return refuse(
        'state-conflict',
        '',
        `The delivery is ${letter.state}; there is nothing to send.`,
        'Look at it: caseref delivery list.',
      );
    }
    const [going] = await sendable(trx, [letter]);
    if (!going) return refuse('reference-withdrawn');
    await sendAgain(trx, [going], new Date(exchange.clock()));
    return { id, state: 'queued' as const, partner: letter.partner };
  });
  if (isRefusal(answer)) return answer;
  exchange.transport.tryNow(answer.partner);
  exchange.wake.outbox();
  return { id, state: answer.state };
}

/** What became of all dead, overdue or waiting messages of a partner. */
export interface RetriedAll {
  readonly partner: string;
  /** How many go now. */
  readonly queued: number;
  /** How many wait after that, those that go now too, and when the first of them is due. */
  readonly waiting: number;
  readonly nextAt?: string;
  /** They stay as they are: their reference was withdrawn, restricted or erased. */
  readonly left: number;
}

/**
 * Puts every message of a partner that was given up, or has no receipt in time, back into the outbox, in its order there; what
 * waits there for a pause of its own goes now. A pause of the line ends: a person says that the partner is there. Each batch is a transaction of its own: an interruption leaves the rest to be asked for once more.
 */
export async function retryAll(
  exchange: Exchange,
  partner: string,
  state: 'dead' | 'overdue' | 'queued',
): Promise<RetriedAll | Refusal> {
  const { partners } = await exchange.directory.within(exchange.store.db);
  if (!partners.has(partner)) return unknownPartner(partner);
  const { queued, left } =
    state === 'queued'
      ? { queued: await hasten(exchange, partner), left: 0 }
      : await againAll(exchange, partner, state);
  exchange.transport.tryNow(partner);
  exchange.wake.outbox();
  const { count, due } = await waitingFor(exchange.store.db, partner);
  return { partner, queued, waiting: count, ...(due && { nextAt: isoInstant(due.getTime()) }), left };
}

function hasten(exchange: Exchange, partner: string): Promise<number> {
  return inTransaction(exchange.store.db, (trx) => hastenAll(trx, partner, new Date(exchange.clock())));
}

async function againAll(
  exchange: Exchange,
  partner: string,
  state: 'dead' | 'overdue',
): Promise<{ readonly queued: number; readonly left: number }> {
  let [queued, left, after] = [0, 0, 0];
  for (;;) {
    const from = after;
    const batch = await inTransaction(exchange.store.db, async (trx) => {
      const letters = await lockLetters(trx, { partner, state, after: from }, BATCH);
      const going = await sendable(trx, letters);
      await sendAgain(trx, going, new Date(exchange.clock()));
      return { found: letters.length, going: going.length, last: letters.at(-1)?.position ?? from };
    });
    queued += batch.going;
    left += batch.found - batch.going;
    after = batch.last;
    exchange.wake.outbox();
    if (batch.found < BATCH) return { queued, left };
  }
}

async function sendAgain(trx: Trx, letters: readonly Letter[], at: Date): Promise<void> {
  await requeue(
    trx,
    letters.map(({ id }) => id),
    at,
  );
  await recordEvents(
    trx,
    letters.map(({ partner, jti }) => ({ type: 'delivery.retried', at, partner, jti })),
  );
  for (const partner of new Set(letters.map((one) => one.partner))) await endDeadLetters(trx, partner, at);
}

/** Closes the alert of a partner's dead letters once there is none any more. */
export async function endDeadLetters(trx: Trx, partner: string, at: Date): Promise<void> {
  if (!(await hasDead(trx, partner))) await endAlert(trx, 'dead-letter', partner, at);
}

/** A reference that was withdrawn, restricted or erased leaves no more, whatever waited about it; nor do bytes that are gone. */
async function sendable<One extends Letter>(trx: Trx, letters: readonly One[]): Promise<One[]> {
  const named = letters.flatMap(({ event, originator, reference_id: id }) =>
    originator !== null && id !== null && (event === 'submitted' || event === 'revised') ? [{ originator, id }] : [],
  );
  const closed = new Set((await closedAmong(trx, named)).map(({ originator, id }) => `${originator} ${id}`));
  return letters.filter(({ event, originator, reference_id, digest, body, plain }) => {
    if (digest !== null && body === null && plain === null) return false;
    const carries = event === 'submitted' || event === 'revised';
    return !(carries && closed.has(`${originator} ${reference_id}`));
  });
}
