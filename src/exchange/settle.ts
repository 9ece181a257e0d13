import type { AlertCause } from '../domain/alert.ts';
import type { Receipt } from '../domain/contract.types.ts';
import { EVENT_PREFIX, type SubjectId } from '../domain/message.ts';
import { contradicts, settle } from '../domain/receipt.ts';
import { emergenciesAmong } from '../store/emergencies.ts';
import type { NewEvent } from '../store/feed.ts';
import {
  type Answerable,
  lockAnswered,
  lockMisled,
  markContradicted,
  receiptsFor,
  type Settlement,
  settleAnew,
  settleDeliveries,
} from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { noteUnknownReceipts, type UnknownReceipt } from '../store/unknown-receipts.ts';
import type { Arrival } from './arrival.ts';

type ReceiptArrival = Arrival & { judged: Extract<Arrival['judged'], { kind: 'receipt' }> };

function isReceipt(arrival: Arrival): arrival is ReceiptArrival {
  return arrival.judged.kind === 'receipt';
}

/** Why a receipt counts for nothing; a forged or misdirected one is an alert, never a state. */
function mismatch(
  { receipt, subject }: { readonly receipt: Receipt; readonly subject: SubjectId },
  message: Answerable | undefined,
): string | undefined {
  if (!message) return 'message-unknown';
  if (message.event === 'receipt' || message.event === 'voided') return 'not-receiptable';
  const digests = [message.digest, ...(message.former_digests ?? [])];
  if (!digests.includes(receipt.digest)) return 'digest-mismatch';
  if (subject.format !== 'iss_sub')
    return message.reference_id === null && subject.id === message.jti ? undefined : 'subject-mismatch';
  return subject.iss === message.originator && subject.sub === message.reference_id ? undefined : 'subject-mismatch';
}

/**
 * Settles our own messages by the receipts among these arrivals. A receipt counts only if its issuer is the audience of
 * the message and jti, digest and subject agree; later ones only move forward (protocol, "Receipts").
 * @returns the feed entries: settled, refused by the recipient, or mismatched; and what else a person must be told.
 */
export async function settleReceipts(trx: Trx, arrivals: readonly Arrival[], at: Date): Promise<Settled> {
  const receipts = arrivals.filter(isReceipt);
  if (receipts.length === 0) return { events: [], causes: [] };
  const named = receipts.map(({ verified, judged }) => ({ partner: verified.claims.iss, jti: judged.receipt.for.jti }));
  // What has no digest was never signed here, so that a receipt for it is one for a message that we never sent.
  const signed = (await lockAnswered(trx, named)).filter(({ digest }) => digest !== null);
  const messages = new Map(signed.map((row) => [`${row.partner} ${row.jti}`, row]));
  const nowhere = receipts.filter((_, index) => !messages.has(`${named[index]?.partner} ${named[index]?.jti}`));
  const explained = await noteUnknownReceipts(trx, nowhere.map(unknownReceipt), at);
  const outcomes = new Map<string, string | null>([...messages].map(([key, row]) => [key, row.outcome]));
  const settlements = new Map<string, Settlement>();
  const contradictions: Contradiction[] = [];
  const events: NewEvent[] = [];
  for (const receipt of receipts) {
    const { claims } = receipt.verified;
    const content = receipt.judged.receipt;
    const key = `${claims.iss} ${content.for.jti}`;
    const message = messages.get(key);
    if (explained.has(`${claims.iss} ${claims.jti}`)) continue;
    const wrong = mismatch({ receipt: content, subject: claims.sub_id }, message);
    if (wrong !== undefined || !message) {
      events.push({
        type: 'receipt.mismatched',
        at,
        partner: claims.iss,
        jti: claims.jti,
        ...(wrong && { code: wrong }),
      });
      continue;
    }
    if (isContradiction(message, outcomes.get(key), content.outcome))
      contradictions.push({ message, says: content.outcome });
    if (!movesOn(outcomes.get(key), content.outcome)) continue;
    outcomes.set(key, content.outcome);
    const { code = null, pointer = null } = content;
    settlements.set(message.id, { id: message.id, outcome: content.outcome, code, pointer, receipt: claims.jti });
    events.push(settledEvent(message, content.outcome, code, at));
  }
  await settleDeliveries(trx, [...settlements.values()], at);
  await markContradicted(
    trx,
    contradictions.map(({ message }) => message.id),
  );
  const told = await withUrgency(trx, events, [...settlements.values()]);
  return { events: told, causes: contradictions.flatMap(causeOf) };
}

/** What receipts leave to be told. */
interface Settled {
  readonly events: readonly NewEvent[];
  readonly causes: readonly AlertCause[];
}

interface Contradiction {
  readonly message: Answerable;
  readonly says: Receipt['outcome'];
}

/** Only what is about a reference: there is nothing to be had of a round trip. */
function isContradiction(
  { reference_id }: Answerable,
  before: string | null | undefined,
  next: Receipt['outcome'],
): boolean {
  return reference_id !== null && contradicts(outcomeOf(before), next);
}

/** A word of before that is late says that it waits for a decision, and alarms nobody; it counts all the same. */
function causeOf({ message, says }: Contradiction): AlertCause[] {
  if (says === 'held') return [];
  const { partner, reference_id: subject, originator } = message;
  if (subject === null || originator === null) return [];
  return [{ code: 'receipts-contradict', partner, subject, originator }];
}

/** What stays of a receipt for a message that this store does not know; recovering.ts looks at it. */
function unknownReceipt({ verified: { claims }, judged: { receipt } }: ReceiptArrival): UnknownReceipt {
  const subject = claims.sub_id.format === 'iss_sub' ? claims.sub_id : undefined;
  return {
    partner: claims.iss,
    jti: claims.jti,
    answers: receipt.for.jti,
    outcome: receipt.outcome,
    code: receipt.code ?? null,
    originator: subject?.iss ?? null,
    reference_id: subject?.sub ?? null,
    received_at: new Date(receipt.receivedAt),
  };
}

/** Says of an emergency that it is one where the recipient did not simply take it; nothing else is looked up. */
async function withUrgency(trx: Trx, events: NewEvent[], settlements: readonly Settlement[]): Promise<NewEvent[]> {
  const stuck = settlements.filter(({ outcome }) => outcome === 'held' || outcome === 'refused');
  const found = await emergenciesAmong(
    trx,
    stuck.map(({ id }) => id),
  );
  if (found.length === 0) return events;
  const urgent = new Set(found.map(({ partner, originator, id }) => `${partner} ${originator} ${id}`));
  return events.map((event) =>
    urgent.has(`${event.partner} ${event.originator} ${event.reference}`)
      ? { ...event, body: { ...event.body, urgency: 'emergency' } }
      : event,
  );
}

function settledEvent(message: Answerable, outcome: string, code: string | null, at: Date): NewEvent {
  return {
    type: outcome === 'refused' ? 'delivery.refused' : 'delivery.receipted',
    at,
    partner: message.partner,
    jti: message.jti,
    ...(code !== null && { code }),
    ...(message.originator !== null && { originator: message.originator }),
    ...(message.reference_id !== null && { reference: message.reference_id }),
    body: { outcome },
  };
}

function outcomeOf(stored: string | null | undefined): Receipt['outcome'] | undefined {
  return (stored ?? undefined) as Receipt['outcome'] | undefined;
}

function movesOn(before: string | null | undefined, next: Receipt['outcome']): boolean {
  const step = settle(outcomeOf(before), next);
  return step === 'first' || step === 'change';
}

const RECOUNTED = 500;

/**
 * Works out anew what a partner said of our messages where the word that counts is a suspect receipt: from the receipts that
 * stand, or as if none had come.
 */
export async function recountReceipts(trx: Trx, partner: string, at: Date): Promise<void> {
  for (;;) {
    const misled = await lockMisled(trx, partner, RECOUNTED);
    if (misled.length === 0) return;
    const receipts = await receiptsFor(
      trx,
      partner,
      misled.map(({ jti }) => jti),
    );
    const heard = Map.groupBy(receipts, ({ answers }) => answers);
    await settleAnew(
      trx,
      misled.map((message) => standing(message, heard.get(message.jti) ?? [])),
      at,
    );
  }
}

function standing(message: Answerable, receipts: readonly { jti: string; plain: string }[]) {
  const nothing = { id: message.id, outcome: null, code: null, pointer: null, receipt: null };
  return receipts.reduce<Omit<Settlement, 'outcome' | 'receipt'> & { outcome: string | null; receipt: string | null }>(
    (before, { jti, plain }) => {
      const said = readStored(plain);
      if (mismatch(said, message) !== undefined || !movesOn(before.outcome, said.receipt.outcome)) return before;
      const { outcome, code = null, pointer = null } = said.receipt;
      return { id: message.id, outcome, code, pointer, receipt: jti };
    },
    nothing,
  );
}

/** A receipt as it was verified and judged when it came. */
function readStored(plain: string): { receipt: Receipt; subject: SubjectId } {
  const payload = JSON.parse(Buffer.from(plain.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
    sub_id: SubjectId;
    events: Record<string, Receipt>;
  };
  const receipt = payload.events[`${EVENT_PREFIX}receipt`];
  if (!receipt) throw new Error('a stored receipt is none');
  return { receipt, subject: payload.sub_id };
}
