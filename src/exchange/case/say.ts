import { checkCaseEvent } from '../../domain/authority/check.ts';
import { mayRecord } from '../../domain/authority/record.ts';
import { caseState } from '../../domain/authority/state.ts';
import type { Payloads, Statement } from '../../domain/authority/statement.ts';
import { guard } from '../../domain/guard.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { CaseEventName } from '../../domain/message.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { holdersOf, isVeiled } from '../../store/case.ts';
import type { Trx } from '../../store/open.ts';
import { isClosed } from '../../store/recall.ts';
import { inTransaction } from '../../store/transaction.ts';
import { documentDigest } from '../../wire/approval.ts';
import { checkSchema } from '../../wire/schema.ts';
import { type ActStanding, beginAct, type Draft, isDraft, repeatAct, type Signing, type Weighed } from '../acts.ts';
import type { Exchange } from '../context.ts';
import type { Idempotency } from '../idempotency.ts';
import { refuseUnlisted } from '../units.ts';
import { deadlineFor } from './deadline.ts';
import { type LinkedStatement, lockLinked, sayLinked } from './linked.ts';
import { counted, isFull } from './log.ts';
import { refuseUnheardOffer, withOffer } from './offer.ts';
import { once } from './once.ts';
import { partiesOf, subjectOf } from './parties.ts';
import { type Recipient, recipientsOf } from './recipients.ts';
import { openCase } from './round.ts';
import type { Settling } from './settle.ts';
import { refuseUnheard, takeOwn } from './take.ts';

/** The act of recording what a party without a node told. */
export const TOLD_BY = 'case.told-by';

/** What this node's own people say about a reference, their own or a partner's. */
export interface OwnStatement {
  readonly originator: string;
  readonly id: string;
  readonly event: CaseEventName;
  readonly payload: unknown;
  /** The operator who records what another party told. */
  readonly signing?: Signing | undefined;
  /** Digest of what another operator recorded for the same reference and waits, where this is to take its place. */
  readonly insteadOf?: string | undefined;
  /**
   * Whether a report of fact (removed, unavailable, online, reappeared) is said of the other references to the same address
   * too, as observed. Absent: no.
   */
  readonly alsoLinked?: boolean | undefined;
  /** The client's key for a call that may be made again. */
  readonly idempotency?: Idempotency | undefined;
}

/**
 * What was recorded. `told`: the partners that it is on its way to; `pending`: a second person has to confirm it first. Who signed,
 * and whether that was enforced, is said of what another party told.
 */
export interface Recorded extends Partial<ActStanding> {
  readonly originator: string;
  readonly id: string;
  readonly event: CaseEventName;
  readonly said: string;
  readonly told: readonly string[];
  /** Everybody who has the reference, with why somebody is not told. */
  readonly recipients: readonly Recipient[];
  /** The other references to the same address of which the same was said, as observed. */
  readonly linked?: readonly LinkedStatement[];
  readonly pending?: true;
  /** True when an idempotency key gave the stored answer and nothing was done anew. */
  readonly replayed?: true;
}

/**
 * Records a statement of this node and sends it to whom it concerns: to the originator of a partner's reference, to the other
 * holders of an own one, under their policies. What a party without a node told is recorded by one operator and confirmed by a
 * second, who gives the same command. Every refusal comes with its pointer.
 */
export async function recordStatement(exchange: Exchange, own: OwnStatement): Promise<Recorded | Draft | Refusal[]> {
  const guarded = guard(own.payload, { form: 'event' });
  if (guarded) return [guarded];
  if (typeof own.payload !== 'object' || own.payload === null || Array.isArray(own.payload))
    return [refuse('schema-invalid', '', 'The body is not an object.')];
  const answer = await inTransaction(exchange.store.db, (trx) =>
    once(
      exchange,
      trx,
      own,
      () => sayWithin(exchange, trx, own),
      (said) => !isDraft(said),
    ),
  );
  exchange.wake.outbox();
  return answer;
}

async function sayWithin(exchange: Exchange, trx: Trx, own: OwnStatement): Promise<Recorded | Draft | Refusal[]> {
  const name = { originator: own.originator, id: own.id };
  const at = new Date(exchange.clock());
  const eyes = await eyesFor(trx, own);
  const linked = await lockLinked(exchange, trx, own);
  const settling = await openCase(exchange, trx, name, at);
  const { log, known, snapshot } = settling;
  if (!known) return [refuse(settling.gone ? 'reference-withdrawn' : 'not-found')];
  // What nobody may see now is as what was taken back: the refusals below would tell what was said about it.
  if (isClosed(known.state) || (await isVeiled(trx, name))) return [refuse('reference-withdrawn')];
  const unheard =
    own.originator === exchange.self
      ? undefined
      : refuseUnheard(snapshot, own.originator, {
          ...{ event: own.event, content: known.content, now: at.getTime() },
        });
  if (unheard) return [unheard];
  const partyOf = partiesOf(exchange, snapshot);
  const state = caseState(subjectOf(name, known.content, partyOf), counted(log), at.getTime());
  const payload = await withDeadline(exchange, trx, settling, withOffer(exchange, log, state, own), own.event);
  if (own.event === 'handover' && payload.step === 'accepted' && !('accepts' in payload)) {
    const message = 'No offer to this node waits for an answer.';
    return [refuse('state-conflict', '/step', message, 'Look at the case: the offer was answered, or has lapsed.')];
  }
  const malformed = checkSchema(own.event, payload);
  if (malformed.length > 0) return [...malformed];
  const wrong = checkCaseEvent(own.event, payload as unknown as Payloads[typeof own.event], 'listed', snapshot.codes);
  if (wrong.length > 0) return wrong;
  const unlisted = await refuseUnlisted(trx, payload);
  if (unlisted) return [unlisted];
  const unheardOf = await refuseUnheardOffer(exchange, trx, settling, { event: own.event, payload });
  if (unheardOf) return [unheardOf];
  const said = Math.floor(at.getTime() / 1000) * 1000;
  const statement = {
    event: own.event,
    payload,
    by: exchange.self,
    jtis: [],
    said,
    relayed: false,
  } as unknown as Statement;
  const facts = { originator: own.originator, partyOf, own: true, isHolder: true, withdrawn: isClosed(known.state) };
  const refusal = mayRecord(statement, state, { ...facts, confirmed: true });
  if (refusal) return [refusal];
  if (isFull(log, statement, { sender: exchange.self, self: exchange.self }))
    return [refuse('too-large', '', 'The log of this reference is full.')];
  const weighed = eyes && (await confirmTold(exchange, trx, own, eyes));
  if (isRefusal(weighed)) return [weighed];
  if (weighed && isDraft(weighed)) return weighed;
  await weighed?.record();
  const about = { ...name, event: own.event, said: isoInstant(said), ...weighed?.standing };
  if (weighed && !weighed.effective) return { ...about, told: [], recipients: [], pending: true };
  const told = await takeOwn(exchange, trx, settling, statement, at);
  const answer = { ...about, told, recipients: await recipientsOf(exchange, trx, name, told) };
  return statement.event === 'acted' && linked.length > 0
    ? { ...answer, linked: await sayLinked(exchange, trx, linked, statement, at) }
    : answer;
}

/** The lock of all acts goes first, where a second person may have to confirm. */
async function eyesFor(trx: Trx, { payload }: OwnStatement) {
  return 'toldBy' in (payload as object) ? beginAct(trx) : undefined;
}

/** What another party told counts when two people say that it did; the same words in the same command, whenever the second gives it. */
async function confirmTold(
  exchange: Exchange,
  trx: Trx,
  { originator, id, event, payload, signing, insteadOf }: OwnStatement,
  eyes: NonNullable<Awaited<ReturnType<typeof eyesFor>>>,
): Promise<Weighed | Draft | Refusal> {
  if (eyes.enforced && !signing) {
    const message = 'What another party told is recorded by one operator and confirmed by a second.';
    return refuse('operator-required', '/toldBy', message);
  }
  // Of what was told only a digest waits: names of units and case numbers stand nowhere in the clear.
  const words = documentDigest(payload as Record<string, unknown>);
  const document = { originator, id, event, words };
  const act = { kind: TOLD_BY, subject: `${originator} ${id}`, document };
  return repeatAct(exchange, trx, { ...act, eyes, signing, insteadOf });
}

/** A request for clearance has a deadline, by the hours of the desks that are asked where nobody names one. */
async function withDeadline(
  exchange: Exchange,
  trx: Trx,
  { snapshot, log, at }: Settling,
  payload: Readonly<Record<string, unknown>>,
  event: CaseEventName,
) {
  if (event !== 'clearance' || payload.step !== 'requested' || payload.deadline !== undefined) return payload;
  const sentTo = (await holdersOf(trx, log.name)).map(({ partner }) => partner);
  return { ...payload, deadline: deadlineFor(exchange, snapshot, log.name, { sentTo, asked: at.getTime() }) };
}
