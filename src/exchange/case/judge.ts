import type { Pen } from '../../domain/authority/pen.ts';
import { refuseRewriting } from '../../domain/authority/pen-kept.ts';
import { mayRecord, mayRelay, refuseSum } from '../../domain/authority/record.ts';
import { type CaseState, type CaseSubject, caseState } from '../../domain/authority/state.ts';
import type { Statement } from '../../domain/authority/statement.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { SentTo } from '../../store/case.ts';
import { isClosed } from '../../store/recall.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import { isHeldTooLong } from './hold-time.ts';
import { type CaseLog, counted } from './log.ts';
import { partiesOf, subjectOf } from './parties.ts';

/** How long something waits for what it speaks of, in milliseconds. */
export const HELD_FOR = 48 * 3_600_000;

/** A reference as far as statements about it are judged; undefined where it has not come. */
export type Known =
  | { readonly state: string; readonly content: ReferenceContent; readonly closedByWord?: boolean }
  | undefined;

/** What a statement is judged in. */
export interface Bench {
  readonly exchange: Exchange;
  readonly snapshot: Snapshot;
  readonly now: number;
  /** Whom we sent an own reference, and whether we asked to give it up: of that one nothing more is taken. */
  readonly holders: ReadonlyMap<string, Pick<SentTo, 'recalled'>>;
  /** Whether something that the same sender said before may still be on its way. */
  readonly overtakes: boolean;
  /** Where the case stood when it was looked at last: hundreds may wait in a log, and each is judged in it. */
  last?: { readonly length: number; readonly state: CaseState };
}

/** The step of the protocol's list at which a statement stands: taken, waiting, or refused. */
export type Judged = { readonly kind: 'taken' } | { readonly kind: 'held' | 'refused'; readonly refusal: Refusal };

const held = (refusal: Refusal): Judged => ({ kind: 'held', refusal });

/** Refusals that something said before can undo: a reappearance, a hand-over, a return. */
const undone: ReadonlySet<string> = new Set(['not-assignee', 'already-final', 'pen-conflict', 'state-conflict']);

/**
 * Judges what a partner says. What it speaks of may be on its way: an unknown reference and an unfinished hand-over are waited for,
 * and so is whatever the numbers of its sender show to be missing before it.
 * Whether a reference exists is not told to somebody who was never sent it.
 */
export function judgeStatement(
  bench: Bench,
  log: CaseLog,
  { sender, statement }: { readonly sender: string; readonly statement: Statement },
  known: Known,
): Judged {
  const { exchange, snapshot, now, holders, overtakes } = bench;
  const { originator } = log.name;
  const stranger = refuseStranger(exchange.self, sender, originator, statement);
  if (stranger) return { kind: 'refused', refusal: stranger };
  if (!known) return held(refuse('reference-unknown'));
  // The operator may show it again: a hold must not be lost by the word of another partner.
  if (known.closedByWord) return held(refuse('reference-unknown'));
  const withdrawn = isClosed(known.state) || holders.get(sender)?.recalled === true;
  if (statement.relayed) {
    const refusal = mayRelay(sender, statement, { originator, self: exchange.self, withdrawn });
    return refusal ? { kind: 'refused', refusal } : { kind: 'taken' };
  }
  const partyOf = partiesOf(exchange, snapshot);
  const isHolder = exchange.self !== originator || holders.has(sender);
  if (!isHolder) return held(refuse('reference-unknown'));
  const said = counted(log);
  const state = stateOf(bench, said, () => subjectOf(log.name, known.content, partyOf));
  if (isThird(exchange.self, sender, originator) && !hasPartIn(state.pen, sender))
    return held(refuse('reference-unknown'));
  const facts = { originator, partyOf, own: false, isHolder, withdrawn, confirmed: true };
  const refusal =
    mayRecord(statement, state, facts) ??
    refuseRewriting(statement, { log: said, originator, pen: state.pen, now }) ??
    (isHeldTooLong(log, statement, now) ? refuseSum() : undefined);
  if (!refusal) return { kind: 'taken' };
  // Elsewhere than at the originator, what gave the speaker the pen may not have been told yet.
  const early = refusal.code === 'not-assignee' && isThird(exchange.self, sender, originator);
  const waits = refusal.code === 'handover-pending' || early || (overtakes && undone.has(refusal.code));
  return waits ? held(refusal) : { kind: 'refused', refusal };
}

/** What counts of a log only grows while it is looked at. */
function stateOf(bench: Bench, said: readonly Statement[], subject: () => CaseSubject): CaseState {
  if (bench.last?.length !== said.length)
    bench.last = { length: said.length, state: caseState(subject(), said, bench.now) };
  return bench.last.state;
}

/** Whether neither this node nor the sender originated the reference. */
function isThird(self: string, sender: string, originator: string): boolean {
  return self !== originator && sender !== originator;
}

/** Whether an organisation ever had the pen, or was offered it: who had not may not even know that the reference is here. */
function hasPartIn({ spans, offers }: Pen, issuer: string): boolean {
  return spans.some(({ holder }) => holder === issuer) || offers.some(({ to }) => to === issuer);
}

/** Everybody but the originator sends to the originator; the giver of a hand-over also to the one who gets the pen. */
function refuseStranger(self: string, sender: string, originator: string, statement: Statement): Refusal | undefined {
  if (!isThird(self, sender, originator)) return undefined;
  if (statement.relayed || statement.event !== 'handover') return refuse('not-originator');
  const { step, to } = statement.payload;
  const toUs = (step === 'offered' && to === self) || (step === 'confirmed' && (to === undefined || to === self));
  return toUs ? undefined : refuse('not-originator');
}
