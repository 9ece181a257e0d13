import type { AlertCause } from '../../domain/alert.ts';
import { type OnTimeout, onTimeoutOf } from '../../domain/authority/notice.ts';
import { POLICE } from '../../domain/authority/party.ts';
import { caseState, faceState, isHeld } from '../../domain/authority/state.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import { refuse } from '../../domain/refusal.ts';
import { holdersOf, isVeiled, type Judgement, saveCourse, saveFace, settleStatements } from '../../store/case.ts';
import { type NewEvent, raise, recordEvents, reservePositions } from '../../store/feed.ts';
import { type KnownReference, takenMessages } from '../../store/messages.ts';
import type { Trx } from '../../store/open.ts';
import { deliveryInsert } from '../../store/outbox.ts';
import { isClosed } from '../../store/recall.ts';
import { insertAll, insertRows } from '../../store/rows.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import { laterReceipt } from '../purge.ts';
import { closeAcknowledged } from './acknowledged.ts';
import { keepClearance } from './clearance-fact.ts';
import { isOverLimit, nextDay, OVER_LIMIT, roomForHolds } from './hold-limit.ts';
import { decideHosts, decideLinkedHosts, differs } from './hosts.ts';
import { type Bench, judgeStatement } from './judge.ts';
import { type CaseLog, counted, type Entered } from './log.ts';
import { nextTurn, notesOf } from './notes.ts';
import { partiesOf, subjectOf } from './parties.ts';
import { addressNotes, courseFacts } from './same-address.ts';
import { spokenOf } from './spoken.ts';
import { tellCase, tellingOf } from './tell.ts';

/** A case that is settled in a transaction that has its reference locked, where that exists. */
export interface Settling {
  readonly snapshot: Snapshot;
  readonly log: CaseLog;
  /** The reference as this transaction leaves it. */
  readonly known:
    | (Pick<KnownReference, 'state'> & { readonly content: ReferenceContent; readonly closedByWord?: boolean })
    | undefined;
  /** Nothing can come of it any more: its data key was destroyed. */
  readonly gone?: boolean;
  readonly at: Date;
}

/**
 * Brings everything that follows from the log of a reference to where it stands now: entries that waited are judged again, the
 * word for faces, who is told what, hosts that may be told or not any more, alerts, and when to look again. Called after every
 * change of the log, and by the clock; doing it twice changes nothing.
 */
export async function settleCase(exchange: Exchange, trx: Trx, settling: Settling): Promise<void> {
  const { log, at, known } = settling;
  const fresh = new Set(log.fresh.map(({ id }) => id));
  await insertRows(trx, 'case_statement', log.fresh.splice(0));
  const veiled = await isVeiled(trx, log.name);
  const holders = known && log.name.originator === exchange.self ? await holdersOf(trx, log.name) : [];
  const room = known ? await roomForHolds(trx, settling.snapshot, log.entries, at) : new Set<Entered>();
  const moved = judgeWaiting(exchange, settling, new Map(holders.map((one) => [one.partner, one])), room);
  await settleStatements(trx, moved.map(judgementOf));
  const waiting = log.entries.filter(({ state }) => state === 'held');
  const heldUntil = Math.min(...waiting.map((entered) => lookAt(entered, at)));
  const course = { originator: log.name.originator, reference_id: log.name.id, settled_at: at };
  const changed = log.entries.filter((entered) => fresh.has(entered.id) || moved.includes(entered));
  const gone = known !== undefined && isClosed(known.state);
  const { events, noted } = spokenOf(log, changed, { veiled, gone, at });
  if (!known || gone) {
    const due_at = waiting.length > 0 ? new Date(heldUntil) : null;
    await saveCourse(trx, { ...course, face: log.course?.face ?? null, noted: [...noted], due_at });
    await tellMoved(exchange, trx, settling, moved);
    await recordEvents(trx, events);
    return;
  }
  const now = at.getTime();
  const state = caseState(
    subjectOf(log.name, known.content, partiesOf(exchange, settling.snapshot)),
    counted(log),
    now,
  );
  const timeout = timeoutOf(exchange, settling);
  const face = faceState(state);
  const stop = { held: isHeld(state), clearance: state.clearance.status };
  const stopped = await saveFace(trx, log.name, {
    face,
    ...stop,
    timeout,
    course: courseFacts(state),
    at,
  });
  // What follows from what nobody may see is told when the veil is lifted, which has this looked at again.
  const shared = veiled ? [] : await addressNotes(exchange, trx, settling, { state, face, changed });
  const notes = veiled ? [] : [...notesOf(state, timeout, now), ...shared].filter(({ key }) => !noted.includes(key));
  const turn = nextTurn(state, now);
  const due = Math.min(heldUntil, turn ?? Number.POSITIVE_INFINITY);
  const due_at = Number.isFinite(due) ? new Date(due) : null;
  const seen = veiled ? (log.course?.face ?? null) : face;
  await saveCourse(trx, { ...course, face: seen, noted: [...noted, ...notes.map(({ key }) => key)], due_at });
  await tellMoved(exchange, trx, settling, moved);
  const sendable = holders.filter(({ sends }) => sends).map(({ partner }) => partner);
  await tellCase(exchange, trx, settling, tellingOf(known.content, state, sendable));
  if (log.name.originator === exchange.self) {
    await decideHosts(exchange, trx, settling.snapshot, log.name, at);
    if (differs(stopped, stop)) await decideLinkedHosts(exchange, trx, settling.snapshot, log.name, at);
  }
  await recordEvents(trx, [...events, ...(veiled ? [] : changeEvents(settling, face, notes))]);
  await raise(trx, alertsFor(exchange, settling, notes), at);
  await keepClearance(trx, log, state);
  await closeAcknowledged(exchange, trx, log, state, at);
}

/** When something that waits is to be looked at again, in milliseconds since 1970. */
function lookAt({ row, state, code }: Entered, at: Date): number {
  const end = row.held_until?.getTime() ?? at.getTime();
  return isOverLimit({ state, code }) ? Math.min(end, nextDay(at.getTime())) : end;
}

/** Judges what waits until nothing more moves: what one entry brings may be what another waits for. `room`: see `roomForHolds`. */
function judgeWaiting(
  exchange: Exchange,
  settling: Settling,
  holders: Bench['holders'],
  room: ReadonlySet<Entered>,
): Entered[] {
  const { snapshot, log, known, at, gone } = settling;
  const moved: Entered[] = [];
  const now = at.getTime();
  // What waits does so until its time is over: what it waits for is often not about numbers at all.
  const bench = { exchange, snapshot, now, holders, overtakes: true };
  for (let again = true; again; ) {
    again = false;
    for (const entered of log.entries) {
      const { state, statement, row } = entered;
      // A lost key may have signed what waits: it waits until somebody says it again, or its time is over.
      if (state !== 'held') continue;
      const verdict =
        gone || !statement
          ? { kind: 'refused' as const, refusal: refuse('reference-withdrawn') }
          : row.suspect
            ? { kind: 'held' as const, refusal: refuse('key-suspect') }
            : isOverLimit(entered) && !room.has(entered)
              ? { kind: 'held' as const, refusal: refuse(OVER_LIMIT) }
              : judgeStatement(bench, log, { sender: row.sender, statement }, known);
      const over = row.held_until !== null && now >= row.held_until.getTime();
      if (verdict.kind === 'held' && !over) continue;
      entered.state = verdict.kind === 'taken' ? 'taken' : 'refused';
      entered.code = verdict.kind === 'taken' ? null : verdict.refusal.code;
      moved.push(entered);
      again = true;
    }
  }
  return moved;
}

function judgementOf({ id, state, code }: Entered): Judgement {
  return { id, state, code, pointer: null };
}

/** What waited and was judged now: a later receipt for its sender. */
async function tellMoved(
  exchange: Exchange,
  trx: Trx,
  { log, at }: Settling,
  moved: readonly Entered[],
): Promise<void> {
  if (moved.length === 0) return;
  const named = moved.map(({ row }) => ({ issuer: row.sender, jti: row.carrier as string }));
  const digests = new Map((await takenMessages(trx, named)).map((row) => [`${row.issuer} ${row.jti}`, row.digest]));
  let position = await reservePositions(trx, moved.length);
  const receipts = moved.map(({ row, state, code }) => {
    const outcome = state === 'taken' ? { outcome: 'accepted' } : { outcome: 'refused', ...(code && { code }) };
    const message = { issuer: row.sender, jti: row.carrier as string };
    const digest = digests.get(`${message.issuer} ${message.jti}`) as string;
    return laterReceipt(
      exchange,
      { ...log.name, ...message, digest, received_at: row.received_at },
      outcome,
      position++,
      at,
    );
  });
  await insertAll(trx, [deliveryInsert(receipts)]);
}

function changeEvents({ log, at }: Settling, face: string, notes: ReturnType<typeof notesOf>): NewEvent[] {
  const about = { at, originator: log.name.originator, reference: log.name.id };
  const former = log.course?.face ?? 'open';
  return [
    ...(former === face ? [] : [{ type: 'case.changed' as const, ...about, body: { state: face, former } }]),
    ...notes.map(({ code, detail }) => ({
      type: 'case.noted' as const,
      ...about,
      code,
      ...(detail && { body: detail }),
    })),
  ];
}

function alertsFor({ self }: Exchange, { log }: Settling, notes: ReturnType<typeof notesOf>): AlertCause[] {
  const { originator, id: subject } = log.name;
  const about = { originator, subject, ...(originator !== self && { partner: originator }) };
  return notes.flatMap(({ alert }) => (alert ? [{ code: alert, ...about }] : []));
}

/** Of several desks that may be asked the most cautious one counts. */
export function timeoutOf(
  { self }: Exchange,
  { snapshot, log }: Pick<Settling, 'snapshot'> & { readonly log: Pick<CaseLog, 'name'> },
): OnTimeout {
  const police = [...snapshot.partners.values()].filter(({ facts }) => facts.type === POLICE);
  const wanted = log.name.originator === self ? police.map(({ policy }) => onTimeoutOf(policy)) : [];
  if (wanted.includes('wait')) return 'wait';
  return wanted.length > 0 && wanted.every((one) => one === 'notify') ? 'notify' : 'escalate';
}
