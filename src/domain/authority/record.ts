import type { Issuer } from '../contract.types.ts';
import { isPoliceHandle } from '../handle.ts';
import { type Refusal, refuse } from '../refusal.ts';
import { LONGEST_HOLD, LONGEST_SUM, sumOfHolds } from './hold.ts';
import { isOutcomeAction, tellsHost } from './outcome.ts';
import { isPolice, type Party, type PartyOf, POLICE } from './party.ts';
import { refuseNonHolder, speaksAsHolder } from './pen.ts';
import { refuseHandover } from './record-handover.ts';
import { type CaseState, isHeld } from './state.ts';
import { deskOf, SKEW, type Statement, type StatementOf, sameDesk } from './statement.ts';

/** What a statement is judged by beside the state of its reference. */
export interface RecordFacts {
  readonly originator: Issuer;
  /** What is recorded of organisations, of this node too. */
  readonly partyOf: PartyOf;
  /** Whether this node's own operators or clients say it. */
  readonly own: boolean;
  /** Whether the speaker originated the reference or was sent it. */
  readonly isHolder: boolean;
  readonly withdrawn: boolean;
  /** Of an own statement with `toldBy`: whether a second person confirmed it, or nobody has to (four eyes not enforced). */
  readonly confirmed: boolean;
}

/**
 * Whether a statement may be recorded: nothing, or why not. Pure and total. `handover-pending` from a partner is no refusal for good: what
 * it waits for may be on its way, so it is held and judged again with every event of the reference. A report of fact is refused
 * neither for a hold nor for finality.
 */
export function mayRecord(statement: Statement, state: CaseState, facts: RecordFacts): Refusal | undefined {
  const party = facts.partyOf(statement.by);
  return (
    refuseAtAll(statement, facts) ??
    refuseAhead(statement) ??
    refuseByEvent(statement, { state, facts, party }) ??
    refuseHandles(statement, party)
  );
}

/**
 * Whether the originator may relay a statement to this node: only the originator relays, never its own words, and never to
 * `self` what `self` said. Who may say what was judged there; the state judges it again.
 */
export function mayRelay(
  sender: Issuer,
  { by }: Pick<Statement, 'by'>,
  facts: Pick<RecordFacts, 'originator' | 'withdrawn'> & { readonly self: Issuer },
): Refusal | undefined {
  if (sender !== facts.originator) return refuse('not-originator');
  if (facts.withdrawn) return refuse('reference-withdrawn');
  if (by === facts.originator || by === facts.self) {
    const message = 'What is relayed was said by neither of the two.';
    return refuse('schema-invalid', '/by', message, 'Send one’s own words as an event of their own.');
  }
  return undefined;
}

interface Judging {
  readonly state: CaseState;
  readonly facts: RecordFacts;
  readonly party: Party | undefined;
}

function refuseAtAll({ payload }: Statement, facts: RecordFacts): Refusal | undefined {
  if (facts.withdrawn) return refuse('reference-withdrawn');
  // Whether a reference exists is not told to somebody who was never sent it.
  if (!facts.isHolder) return refuse('reference-unknown');
  if (payload.toldBy === undefined || !facts.own || facts.confirmed) return undefined;
  const message = 'What another party told is recorded by one operator and confirmed by a second.';
  return refuse('operator-required', '/toldBy', message);
}

function refuseAhead({ payload, said }: Statement): Refusal | undefined {
  if (!('at' in payload) || Date.parse(payload.at) <= said + SKEW) return undefined;
  const message = 'The instant lies after the one at which it was said.';
  return refuse('schema-invalid', '/at', message, 'Give the instant at which it happened.');
}

function refuseByEvent(statement: Statement, judging: Judging): Refusal | undefined {
  switch (statement.event) {
    case 'assessed':
      return refuseAssessed(statement);
    case 'acted':
      return refuseActed(statement, judging);
    case 'handover':
      return refuseHandover(statement, judging.state.pen, judging.facts);
    case 'hold':
      return refuseHold(statement, judging);
    case 'clearance':
      return refuseClearance(statement, judging);
    default:
      return refuseAnswer(statement, judging);
  }
}

/** Nobody puts words into another's mouth: what others say is relayed, or told. */
function refuseAssessed({ by, payload }: StatementOf<'assessed'>): Refusal | undefined {
  if (payload.by === undefined || payload.by === by) return undefined;
  const message = 'An assessment is the claim of the one who sends it.';
  return refuse('schema-invalid', '/by', message, 'Leave the member out, or name yourself.');
}

function refuseActed(act: StatementOf<'acted'>, { state, facts, party }: Judging): Refusal | undefined {
  const { standing, action, toldBy } = act.payload;
  // What a partner has done is a fact, whatever held it; what our own people are about to do, or anybody proposes, can wait.
  // But a proposal binds nobody, and its refusal would tell of a hold to those who are not to know of it: theirs is taken.
  const waits = facts.own ? standing !== 'observed' : standing === 'proposed' && knowsWhy(state, act, party);
  if (tellsHost(action) && waits) {
    const stopped = refuseTellingHost(state);
    if (stopped) return stopped;
  }
  if (standing !== 'final') return undefined;
  const speaks = toldBy === undefined && speaksAsHolder(state.pen, act.by, act.said);
  if (!speaks) return refuseNonHolder(state.pen, act.by, '/standing');
  if (!isOutcomeAction(action)) return undefined;
  if (state.pen.holders.length > 1) return refuse('pen-conflict', '/standing');
  // What was said before the outcome that stands has only arrived after it.
  return state.outcome !== undefined && act.said >= state.outcome.said ? refuse('already-final', '/action') : undefined;
}

/** Whether a partner was told what the host is not to be told for, or said it itself. */
function knowsWhy(
  { pen, held, clearance }: CaseState,
  { by, said }: Pick<Statement, 'by' | 'said'>,
  party: Party | undefined,
): boolean {
  if (speaksAsHolder(pen, by, said) || held.some(({ binding, desk }) => binding && desk.by === by)) return true;
  if (clearance.status === 'open') return party?.type === POLICE;
  return clearance.answeredBy?.by === by;
}

function refuseTellingHost(state: CaseState): Refusal | undefined {
  const done = 'what has been done already is recorded as observed (--observed).';
  if (isHeld(state)) return refuse('hold-active', '/action', undefined, `Call the desk named in the hold; ${done}`);
  const { status } = state.clearance;
  if (status !== 'open' && status !== 'refused') return undefined;
  const [message, next] =
    status === 'open'
      ? ['Clearance was asked and is not given yet.', 'Wait for the answer, or call the desk that was asked']
      : ['Clearance was refused.', 'Call the desk that refused it'];
  return refuse('hold-active', '/action', message, `${next}; ${done}`);
}

function refuseHold(hold: StatementOf<'hold'>, { state, facts, party }: Judging): Refusal | undefined {
  if (party?.mayHold !== true || !spokenByPolice(hold, party)) {
    if (!facts.own) return refuse('hold-not-competent');
    const next = 'Have a desk of law enforcement say it, or record what it told: toldBy (--told-by UNIT).';
    return refuse('hold-not-competent', '', 'Only law enforcement places holds.', next);
  }
  const desk = deskOf(hold);
  const own = state.holds.filter((one) => one.desk.by === hold.by);
  if (hold.payload.step === 'lifted') {
    // From a partner it may have overtaken the hold that it ends.
    const nothing = facts.own && !state.held.some((one) => sameDesk(one.desk, desk));
    if (!nothing) return undefined;
    const next = 'Look which desk placed what: caseref reference show ID.';
    return refuse('state-conflict', '/step', 'No hold of this desk is in force.', next);
  }
  const until = Date.parse(hold.payload.until ?? '');
  if (!(until > hold.said)) return refuse('schema-invalid', '/until', 'The hold has ended before it began.');
  if (until > hold.said + LONGEST_HOLD + SKEW) {
    const message = 'A hold ends 30 days after it was placed at the latest.';
    return refuse('schema-invalid', '/until', message, 'Place it for 30 days, and again when they are over.');
  }
  const reach = Math.max(hold.said, ...own.map((one) => one.until));
  return sumOfHolds(own, hold.by) + Math.max(0, until - reach) <= LONGEST_SUM + SKEW ? undefined : refuseSum();
}

/** The refusal of a hold beyond what the holds of one organisation may last in sum. */
export function refuseSum(): Refusal {
  const message = 'The holds of one organisation on one reference last 90 days in sum at the most.';
  return refuse('schema-invalid', '/until', message, 'Ask the originator, which decides what happens next.');
}

function spokenByPolice({ relayed, payload }: Statement, party: Party | undefined): boolean {
  return isPolice({ party, relayed, toldBy: payload.toldBy });
}

function refuseClearance(clearance: StatementOf<'clearance'>, { state, facts, party }: Judging): Refusal | undefined {
  const { by, payload, said } = clearance;
  if (payload.step !== 'requested') {
    if (spokenByPolice(clearance, party)) return undefined;
    return refuse('not-competent', '/step', 'Clearance is given or refused by law enforcement.');
  }
  if (by !== facts.originator && !speaksAsHolder(state.pen, by, said)) return refuseNonHolder(state.pen, by, '/step');
  if (!(Date.parse(payload.deadline ?? '') > said))
    return refuse('schema-invalid', '/deadline', 'The deadline lies before the request.');
  // Two who ask at the same time are both heard.
  if (!facts.own || state.clearance.status !== 'open') return undefined;
  return refuse('state-conflict', '/step', 'Clearance has been asked already.', 'Wait for the answer or its deadline.');
}

const byPoliceOnly: ReadonlySet<string> = new Set(['investigation-opened', 'victim-safeguarded']);

function refuseAnswer(
  statement: StatementOf<'acknowledged'> | StatementOf<'feedback'>,
  { facts, party }: Judging,
): Refusal | undefined {
  // What a desk without a node answers by telephone is kept by who called it, and told to nobody.
  const told = facts.own && statement.payload.toldBy !== undefined;
  if (statement.by === facts.originator && !told) {
    const message = 'A recipient says this, to the originator.';
    return refuse('not-competent', '', message, 'Leave it to those who were sent the reference.');
  }
  if (!('code' in statement.payload) || !byPoliceOnly.has(statement.payload.code)) return undefined;
  if (spokenByPolice(statement, party)) return undefined;
  return refuse('not-competent', '/code', 'Only law enforcement says this.');
}

/** Case numbers of police systems are set by police. */
function refuseHandles({ event, payload }: Statement, party: Party | undefined): Refusal | undefined {
  if (event !== 'acknowledged' || payload.ownReference === undefined || party?.type === POLICE) return undefined;
  if (!isPoliceHandle(payload.ownReference.system)) return undefined;
  return refuse('handle-invalid', '/ownReference/system', 'Numbers of police systems are set by police.');
}
