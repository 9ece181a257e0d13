import { isoInstant } from '../domain/instant.ts';
import type { SubjectId } from '../domain/message.ts';
import { eventInsert, type NewEvent, raise, raiseFor, reservePositions } from '../store/feed.ts';
import { reissueReceipts, type StoredMessage, takenMessages } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, type NewDelivery } from '../store/outbox.ts';
import { countRefusals, type NewRow } from '../store/rows.ts';
import { messageDigest } from '../wire/digest.ts';
import type { VerifiedSet } from '../wire/open.ts';
import { refuseToken, type TokenRefusal } from '../wire/token-refusal.ts';
import type { Arrival, Verdict } from './arrival.ts';
import type { Exchange } from './context.ts';
import { enterReference, type Ledger, openLedger, sealArrival, writeLedger } from './ledger.ts';
import { noteNumbers } from './numbering.ts';
import { enterWithdrawal } from './recalled.ts';
import { settleReceipts } from './settle.ts';
import { takeAttestations } from './suspect.ts';

/** What became of one arrival: taken (202), or a second payload under a jti that was taken before. */
export type Admission = { readonly status: 'taken' } | TokenRefusal;

const HOUR = 3_600_000;
const taken: Admission = { status: 'taken' };

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
    return taken;
  });
  await admitFresh(exchange, trx, fresh, conflicts);
  await takeAttestations(exchange, trx, attestations);
  await answerAgain(exchange, trx, repeated);
  return admissions;
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

async function admitFresh(exchange: Exchange, trx: Trx, fresh: readonly Arrival[], events: NewEvent[]): Promise<void> {
  if (fresh.length === 0 && events.length === 0) return;
  const at = new Date(exchange.clock());
  const ledger = await openLedger(exchange, trx, fresh, at);
  const verdicts = new Map<Arrival, Verdict>();
  for (const arrival of fresh) {
    const verdict = judgeWithin(arrival, ledger);
    if (verdict) verdicts.set(arrival, verdict);
  }
  const settled = await settleReceipts(trx, fresh, at);
  const misnumbered = await noteNumbers(trx, fresh, at);
  events.push(...ledger.events, ...settled, ...refusedEvents(verdicts, at));
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
  await raiseFor(trx, events);
  await raise(trx, misnumbered, at);
  const codes = [...verdicts.values()].flatMap(({ outcome, refusal }) =>
    outcome === 'refused' && refusal ? [refusal.code] : [],
  );
  await countRefusals(trx, isoInstant(at.getTime()).slice(0, 10), 'push', codes);
}

/** Every message but a receipt or `voided` gets exactly one first receipt; what it says is decided here. */
function judgeWithin(arrival: Arrival, ledger: Ledger): Verdict | undefined {
  const { judged, verified } = arrival;
  switch (judged.kind) {
    case 'refused':
      return answersNothing(verified.event.name) ? undefined : { outcome: 'refused', refusal: judged.refusal };
    case 'reference':
      return enterReference(ledger, arrival, judged.reference);
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

/** A receipt for a receipt would never end. */
function answersNothing(event: string): boolean {
  return event.endsWith(':receipt') || event.endsWith(':voided');
}

function isEmergency(judged: Arrival['judged']): boolean {
  return judged.kind === 'reference' && judged.reference.urgency?.level === 'emergency';
}

function refusedEvents(verdicts: ReadonlyMap<Arrival, Verdict>, at: Date): NewEvent[] {
  return [...verdicts].flatMap(([{ verified, judged }, { outcome, refusal }]) =>
    outcome === 'refused' && refusal
      ? [
          {
            type: 'message.refused' as const,
            at,
            partner: verified.claims.iss,
            jti: verified.claims.jti,
            code: refusal.code,
            ...(isEmergency(judged) && { body: { urgency: 'emergency' } }),
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
