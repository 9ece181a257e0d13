import { isoInstant } from '../domain/instant.ts';
import { EVENT_PREFIX } from '../domain/message.ts';
import { type Attested, noteAttested, undoneAmong } from '../store/attested.ts';
import { wakeCasesOf } from '../store/case.ts';
import { type NewEvent, raise, recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { dropSuspectRuns } from '../store/streams.ts';
import {
  type Doubt,
  doubtTombstones,
  markMessages,
  undoSeals,
  type Wronged,
  wrongedReferences,
} from '../store/suspect.ts';
import type { Arrival } from './arrival.ts';
import type { Exchange } from './context.ts';
import { restoreFormer } from './former.ts';
import { recountReceipts } from './settle.ts';

const WITHDRAWN = `${EVENT_PREFIX}withdrawn`;
const SUBMISSIONS: ReadonlySet<string> = new Set([`${EVENT_PREFIX}submitted`, `${EVENT_PREFIX}revised`]);
/** Feed entries that one doubt makes for references; `suspect` on each reference tells the rest. */
const MOST_TOLD = 1000;

/**
 * Marks what came from a partner by keys that were in other hands since an instant, in the transaction that learns of it and
 * has the partner's row locked (protocol, "Keys"). A mark erases nothing, and what suspect messages did is undone as far as no
 * other message stands for it: seals and purges not yet done, revisions put over good ones, outcomes of our deliveries,
 * numbers said never to come. What was erased may be brought back by its originator. The marking happens in the store,
 * before the feed is locked: it is whole or not at all, and other partners' messages do not wait for it.
 * @returns how many messages were marked.
 */
export async function markSuspect(exchange: Exchange, trx: Trx, doubt: Doubt): Promise<number> {
  const { issuer: partner, since, at } = doubt;
  const { counts, brought } = await markMessages(trx, doubt, MOST_TOLD + 1);
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  if (total === 0) return 0;
  // Before the seals: what is opened again is as its last good revision was decided.
  await restoreFormer(exchange, trx, partner, at);
  const wronged = await wrongedReferences(trx, partner);
  const erased = wronged.filter(({ state }) => state === 'purged');
  await undoSeals(
    trx,
    wronged.filter(({ state }) => state !== 'purged'),
    at,
  );
  await doubtTombstones(trx, erased, at);
  await recountReceipts(trx, partner, at);
  await dropSuspectRuns(trx, partner);
  await wakeCasesOf(trx, partner, at);
  const undone = wronged.filter(({ standing }) => standing === 0);
  await recordEvents(trx, [
    ...Object.entries(counts).map(([kid, count]): NewEvent => {
      return { type: 'message.suspect', at, partner, body: { kid, since: isoInstant(since.getTime()), count } };
    }),
    ...brought.slice(0, MOST_TOLD).map(({ originator, id }): NewEvent => {
      return { type: 'reference.suspect', at, partner, originator, reference: id };
    }),
    ...undone.slice(0, MOST_TOLD).map((one) => unsealed(one, partner, at)),
  ]);
  await raise(
    trx,
    [
      { code: 'messages-suspect', partner },
      ...erased
        .slice(0, MOST_TOLD)
        .map(({ originator, id }) => ({ code: 'purge-suspect' as const, partner, originator, subject: id })),
    ],
    at,
  );
  return total;
}

function unsealed({ originator, id, state }: Wronged, partner: string, at: Date): NewEvent {
  return { type: 'reference.unsealed', at, partner, originator, reference: id, body: { state } };
}

/** Messages taken before whose effect is to be run again, and what the feed is told of the ones that are suspect no more. */
export interface Again {
  readonly arrivals: readonly Arrival[];
  readonly events: NewEvent[];
}

const sealing: ReadonlySet<string> = new Set(['sealed', 'purged', 'retained']);
const nameOf = ({ verified }: Arrival) => `${verified.claims.iss} ${verified.claims.jti}`;

/**
 * Takes the same payloads again under another key: the mark goes. What the gates refuse today attests nothing. Given back are
 * the messages whose effect was undone meanwhile and is to be run again, among them what was erased by suspect withdrawals
 * and is said again as it was.
 */
export async function takeAttestations(
  trx: Trx,
  attestations: readonly Arrival[],
  repeated: readonly Arrival[],
  at: Date,
): Promise<Again> {
  if (repeated.length === 0) return { arrivals: [], events: [] };
  const sound = attestations.filter(({ judged }) => judged.kind !== 'refused');
  const given = sound.map(({ verified: { claims, kid } }) => ({ issuer: claims.iss, jti: claims.jti, kid }));
  const attested = await noteAttested(trx, given, at);
  const cleared = new Map(attested.map((one) => [`${one.issuer} ${one.jti}`, one]));
  const undone = await undoneAmong(trx, repeated.flatMap(broughtBy));
  const arrivals = repeated.filter((arrival) => {
    const before = cleared.get(nameOf(arrival));
    if (arrival.judged.kind === 'reference') return undone.has(nameOf(arrival));
    return before !== undefined && sound.includes(arrival) && isUndone(before);
  });
  return { arrivals: [...new Map(arrivals.map((one) => [nameOf(one), one])).values()], events: attested.map(told(at)) };
}

/** Without its key the message counted for nothing: a withdrawal sealed nothing, a receipt settled nothing. */
function isUndone({ event, outcome }: Attested): boolean {
  if (event === WITHDRAWN) return sealing.has(outcome ?? '');
  return !SUBMISSIONS.has(event);
}

function broughtBy({ verified: { claims }, judged }: Arrival) {
  const { iss: issuer, jti, sub_id: subject } = claims;
  return judged.kind === 'reference' && subject.format === 'iss_sub' ? [{ issuer, jti, id: subject.sub }] : [];
}

const told =
  (at: Date) =>
  ({ issuer, jti, originator, reference_id }: Attested): NewEvent => ({
    type: 'message.attested',
    at,
    partner: issuer,
    jti,
    ...(originator !== null && reference_id !== null && { originator, reference: reference_id }),
  });
