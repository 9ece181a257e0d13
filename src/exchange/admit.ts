import type { AlertCause } from '../domain/alert.ts';
import { isoInstant } from '../domain/instant.ts';
import type { SubjectId } from '../domain/message.ts';
import { settleAgain } from '../store/attested.ts';
import { eventInsert, type NewEvent, raise, raiseFor, reservePositions } from '../store/feed.ts';
import { reissueReceipts, type StoredMessage, takenMessages } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, type NewDelivery } from '../store/outbox.ts';
import { countRefusals, type NewRow } from '../store/rows.ts';
import { addTraffic } from '../store/traffic.ts';
import { messageDigest } from '../wire/digest.ts';
import type { VerifiedSet } from '../wire/open.ts';
import { refuseToken, type TokenRefusal } from '../wire/token-refusal.ts';
import type { Arrival, Verdict } from './arrival.ts';
import { alertArrivals, answerArrivals } from './arrived.ts';
import { enterStatement, settleCases } from './case/enter.ts';
import type { Exchange } from './context.ts';
import { isEmergency } from './day-quota.ts';
import { enterReference, type Ledger, openLedger, sealArrival, waitFor, writeLedger } from './ledger.ts';
import { noteNumbers } from './numbering.ts';
import { enterWithdrawal } from './recalled.ts';
import { tellSealed } from './sealed.ts';
import { settleReceipts } from './settle.ts';
import { type Again, takeAttestations } from './suspect.ts';

/** What became of one arrival: taken (202), over the day's quota (429), or a second payload under a jti that was taken before. */
export type Admission =
  | { readonly status: 'taken'; readonly repeated?: true }
  | { readonly status: 'limited'; readonly retryAfter: number }
  | TokenRefusal;

const HOUR = 3_600_000;
const taken: Admission = { status: 'taken' };
const takenBefore: Admission = { status: 'taken', repeated: true };

/** Digest of the payload alone: the same message attested again under another key has the same one. */
function payloadDigest(compact: string): string {
  return messageDigest(compact.split('.')[1] ?? '');
}

function nameOf({ verified }: Arrival): string {
  return `${verified.claims.iss} ${verified.claims.jti}`;
}

/**
 * Step 9 of the verification order for all that arrived together: message, decision, state, content of the receipt and
 * feed entries become durable in one transaction, or none of them. A message is unique by (issuer, jti): the same bytes
 * again have the same answer and no second effect.
 */
export async function admit(exchange: Exchange, trx: Trx, batch: readonly Arrival[]): Promise<Admission[]> {
  const known = await takenMessages(
    trx,
    batch.map(({ verified }) => ({ issuer: verified.claims.iss, jti: verified.claims.jti })),
  );
  const first = new Map<string, Pick<StoredMessage, 'digest' | 'payload_digest'>>(
    known.map((row) => [`${row.issuer} ${row.jti}`, row]),
  );
  const fresh: Arrival[] = [];
  const repeated: Arrival[] = [];
  const attestations: Arrival[] = [];
  const conflicts: NewEvent[] = [];
  const admissions = batch.map((arrival): Admission => {
    const before = first.get(nameOf(arrival));
    const digests = { digest: arrival.verified.digest, payload_digest: payloadDigest(arrival.verified.compact) };
    if (!before) {
      first.set(nameOf(arrival), digests);
      fresh.push(arrival);
      return taken;
    }
    if (before.payload_digest !== digests.payload_digest) {
      conflicts.push(conflict(exchange, arrival.verified, before.digest));
      return refuseToken('jti-reused');
    }
    repeated.push(arrival);
    // The same payload in another envelope: the partner says it again under another key.
    if (before.digest !== digests.digest) attestations.push(arrival);
    return takenBefore;
  });
  const again = await takeAttestations(trx, attestations, repeated, new Date(exchange.clock()));
  const waits = await admitFresh(exchange, trx, fresh, { ...again, events: [...conflicts, ...again.events] });
  await answerAgain(exchange, trx, repeated);
  return admissions.map((admission, index) => {
    // The same message twice in one batch: the second waits with the first, which it would have repeated.
    const retryAfter = waits.get(nameOf(batch[index] as Arrival));
    return retryAfter === undefined || admission.status !== 'taken' ? admission : { status: 'limited', retryAfter };
  });
}

/** Two payloads under one jti: both digests are kept, so that either side can be shown what it signed. */
function conflict(exchange: Exchange, { claims, digest }: VerifiedSet, before: string): NewEvent {
  const at = new Date(exchange.clock());
  return { type: 'message.conflict', at, partner: claims.iss, jti: claims.jti, body: { digests: [before, digest] } };
}

async function answerAgain(exchange: Exchange, trx: Trx, repeated: readonly Arrival[]): Promise<void> {
  const now = exchange.clock();
  const answered = repeated.map(({ verified }) => ({ partner: verified.claims.iss, jti: verified.claims.jti }));
  await reissueReceipts(trx, answered, new Date(now), new Date(now - HOUR));
}

/**
 * Takes what is new, and runs the effect of messages `again` that were taken before and undone. Gives the names of what was
 * not taken, with the seconds until there is room for it: nothing of it is kept.
 */
async function admitFresh(
  exchange: Exchange,
  trx: Trx,
  came: readonly Arrival[],
  { arrivals: again, events: before }: Again,
): Promise<ReadonlyMap<string, number>> {
  const waits = new Map<string, number>();
  if (came.length === 0 && before.length === 0 && again.length === 0) return waits;
  const at = new Date(exchange.clock());
  const ledger = await openLedger(exchange, trx, [...again, ...came], at);
  const redone = again.map((arrival) => [arrival, judgeAgain(arrival, ledger)] as const);
  const verdicts = new Map<Arrival, Verdict>();
  for (const arrival of came) {
    const wait = waitFor(ledger, arrival);
    const verdict = wait > 0 ? undefined : judgeWithin(arrival, ledger);
    if (wait > 0) waits.set(nameOf(arrival), wait);
    if (verdict) verdicts.set(arrival, verdict);
  }
  const fresh = came.filter((arrival) => !waits.has(nameOf(arrival)));
  const settled = await settleReceipts(trx, [...again, ...fresh], at);
  const misnumbered = await noteNumbers(trx, fresh, at, again);
  const arrived = await answerArrivals(trx, ledger);
  const events = [...before, ...arrived.events, ...settled.events, ...refusedEvents(verdicts, at)];
  let position = await reservePositions(trx, ledger.rows.references.length + verdicts.size + events.length);
  for (const row of ledger.rows.references) Object.assign(row, { position: position++ });
  const receipts = [...verdicts].map(([arrival, verdict]) =>
    receiptDelivery(exchange, arrival, verdict, position++, at),
  );
  const messages = fresh.map((arrival) => messageRow(arrival, verdicts.get(arrival), sealArrival(ledger, arrival), at));
  await writeLedger(trx, ledger, [
    { table: 'message', rows: messages },
    { table: 'held_withdrawal', rows: ledger.held },
    deliveryInsert(receipts),
    eventInsert(events, position),
  ]);
  await settleAgain(
    trx,
    redone.flatMap(([arrival, verdict]) =>
      verdict && verdict.outcome !== 'refused' ? [messageRow(arrival, verdict, sealArrival(ledger, arrival), at)] : [],
    ),
  );
  // Counted first: what waits for a limit asks how much of it is left.
  await addTraffic(trx, ledger.quota.taken());
  await settleCases(exchange, trx, ledger);
  await tellSealed(exchange, trx, [...ledger.seals.values()], at);
  await raiseFor(trx, events);
  await alertArrivals(trx, ledger, arrived);
  await raise(trx, [...misnumbered, ...settled.causes, ...overQuota(came, waits)], at);
  const codes = [...verdicts.values()].flatMap(({ outcome, refusal }) =>
    outcome === 'refused' && refusal ? [refusal.code] : [],
  );
  await countRefusals(trx, isoInstant(at.getTime()).slice(0, 10), 'push', codes);
  return waits;
}

/** Whose messages were put off: what nobody here sees is told to a person at least. */
function overQuota(came: readonly Arrival[], waits: ReadonlyMap<string, number>): AlertCause[] {
  const late = came.filter((arrival) => waits.has(nameOf(arrival)));
  const partners = new Set(late.map(({ verified }) => verified.claims.iss));
  return [...partners].map((partner) => ({ code: 'quota-exceeded', partner }));
}

/** Every message but a receipt or `voided` gets exactly one first receipt; what it says is decided here. */
function judgeWithin(arrival: Arrival, ledger: Ledger): Verdict | undefined {
  const { judged, verified } = arrival;
  switch (judged.kind) {
    case 'refused':
      return answersNothing(verified.event.name) ? undefined : { outcome: 'refused', refusal: judged.refusal };
    case 'reference':
      return enterReference(ledger, arrival, judged.reference);
    case 'statement':
      return enterStatement(ledger, arrival, judged.opened);
    case 'withdrawn':
      return enterWithdrawal(ledger, arrival, judged.content);
    case 'verify':
      return { outcome: 'accepted' };
    case 'receipt':
      return undefined;
    case 'voided':
      ledger.events.push({
        type: 'message.voided',
        at: ledger.at,
        partner: verified.claims.iss,
        jti: verified.claims.jti,
      });
      return undefined;
  }
}

/** The effect of a message that was undone while its key was in doubt; its receipt was given, its place is kept. */
function judgeAgain(arrival: Arrival, ledger: Ledger): Verdict | undefined {
  const { judged } = arrival;
  if (judged.kind === 'reference') return enterReference(ledger, arrival, judged.reference);
  return judged.kind === 'withdrawn' ? enterWithdrawal(ledger, arrival, judged.content, true) : undefined;
}

/** A receipt for a receipt would never end. */
function answersNothing(event: string): boolean {
  return event.endsWith(':receipt') || event.endsWith(':voided');
}

function refusedEvents(verdicts: ReadonlyMap<Arrival, Verdict>, at: Date): NewEvent[] {
  return [...verdicts].flatMap(([arrival, { outcome, refusal }]) =>
    outcome === 'refused' && refusal
      ? [
          {
            type: 'message.refused' as const,
            at,
            partner: arrival.verified.claims.iss,
            jti: arrival.verified.claims.jti,
            code: refusal.code,
            ...(isEmergency(arrival) && { body: { urgency: 'emergency' } }),
          },
        ]
      : [],
  );
}

function subjectColumns(subject: SubjectId): { originator: string | null; reference_id: string | null } {
  return subject.format === 'iss_sub'
    ? { originator: subject.iss, reference_id: subject.sub }
    : { originator: null, reference_id: null };
}

/** What is kept of a message: of a refused one only its identity, digest, code and pointer. */
function messageRow(
  { verified, judged }: Arrival,
  verdict: Verdict | undefined,
  body: Uint8Array | null,
  at: Date,
): NewRow {
  const { claims } = verified;
  const refusal = verdict?.refusal ?? (judged.kind === 'refused' ? judged.refusal : undefined);
  return {
    issuer: claims.iss,
    jti: claims.jti,
    digest: verified.digest,
    payload_digest: payloadDigest(verified.compact),
    kid: verified.kid,
    event: verified.event.name,
    epoch: claims['urn:caseref:seq']?.epoch ?? null,
    n: claims['urn:caseref:seq']?.n ?? null,
    ...(verdict?.outcome === 'refused' ? { originator: null, reference_id: null } : subjectColumns(claims.sub_id)),
    outcome: verdict?.outcome ?? null,
    code: refusal?.code ?? null,
    pointer: refusal?.pointer ?? null,
    body,
    plain: judged.kind === 'receipt' ? verified.compact : null,
    received_at: at,
    revision: judged.kind === 'reference' ? judged.reference.revision : null,
    reason: verdict?.recall?.reason ?? null,
    purge_after: verdict?.recall?.purgeAfter ?? null,
    answers: judged.kind === 'receipt' ? judged.receipt.for.jti : null,
  };
}

function receiptDelivery(
  exchange: Exchange,
  { verified }: Arrival,
  { outcome, refusal, kept, backupsUntil }: Verdict,
  position: number,
  at: Date,
): NewDelivery {
  const { claims, digest } = verified;
  const content = {
    for: { jti: claims.jti },
    digest,
    receivedAt: isoInstant(at.getTime()),
    outcome,
    ...(refusal && { code: refusal.code, ...(refusal.pointer !== '' && { pointer: refusal.pointer }) }),
    ...kept,
    ...(backupsUntil !== undefined && { backupsUntil }),
  };
  return {
    id: exchange.chance.uuid(),
    position,
    partner: claims.iss,
    jti: exchange.chance.jti(),
    event: 'receipt',
    ...subjectColumns(claims.sub_id),
    revision: null,
    priority: 1,
    payload: { subject: claims.sub_id, content },
    answers: claims.jti,
    at,
  };
}
