import type { CaseState } from '../../domain/authority/state.ts';
import { deskOf, type Statement, sameDesk } from '../../domain/authority/statement.ts';
import type { Issuer } from '../../domain/contract.types.ts';
import { isoInstant } from '../../domain/instant.ts';
import { isIndustryForm } from '../../domain/policy/industry.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import type { Sent } from '../../store/case-shown.ts';
import type { TimelineEntry, TimelineEvent } from './case-view.ts';
import type { CaseLog, Entered } from './log.ts';
import type { Beside } from './shown.ts';
import { type Spoken, voiceOf } from './voices.ts';

/** What a timeline is made of beside what was said. */
export interface Told {
  readonly log: CaseLog;
  readonly spoken: readonly Spoken[];
  readonly state: CaseState;
  readonly content: ReferenceContent;
  readonly revisions: readonly { readonly revision: number; readonly at: Date }[];
  readonly sent: readonly Sent[];
}

type Dated = TimelineEntry & { readonly ms: number };

/**
 * Everything that happened to a reference, in the order in which it happened and not in which it came: what was said, what waits
 * or was refused, and what became of it by itself.
 */
export function timelineOf(given: Told, beside: Beside): TimelineEntry[] {
  const entries = [...ofReference(given, beside), ...ofLog(given, beside), ...byItself(given)];
  return entries.sort((a, b) => a.ms - b.ms).map(({ ms: _, ...entry }) => entry);
}

/** To the second, which is all that anybody says: what happened in the same one stays in the order below. */
function entry(event: TimelineEvent, instant: number, more: Partial<TimelineEntry> = {}): Dated {
  const ms = Math.floor(instant / 1000) * 1000;
  return { ms, at: isoInstant(ms), event, status: 'taken', ...more };
}

function ofReference({ content, revisions, sent }: Told, { originator }: Beside): Dated[] {
  const { receivedAt, observedAt } = isIndustryForm(content) ? {} : content;
  return [
    ...(receivedAt === undefined ? [] : [entry('report-received', Date.parse(receivedAt), { by: originator })]),
    ...(observedAt === undefined ? [] : [entry('seen-online', Date.parse(observedAt), { by: originator })]),
    ...revisions.map(({ revision, at }, index) =>
      entry(index === 0 ? 'submitted' : 'revised', at.getTime(), { by: originator, revision }),
    ),
    ...sent.map(({ partner, sent_at }) => entry('sent', sent_at.getTime(), { by: originator, to: partner })),
  ];
}

function ofLog({ log, spoken }: Told, beside: Beside): Dated[] {
  const taken = new Set(spoken.flatMap(({ entries }) => entries));
  const others = log.entries.filter((entered) => !taken.has(entered));
  return [
    ...spoken.map(({ statement, entries }) => ofStatement(statement, entries, beside)),
    ...others.flatMap((entered) => ofOther(entered, beside)),
  ];
}

function ofStatement(statement: Statement, entries: readonly Entered[], { told, lists }: Beside): Dated {
  const heard = [...new Set(entries.flatMap(({ id }) => told.get(id) ?? []))].sort();
  const { toldBy: _, ...content } = statement.payload;
  return entry(statement.event, happened(statement), {
    ...voiceOf(statement, entries, lists),
    content,
    ...(heard.length > 0 && { told: heard }),
  });
}

/** What does not count: it waits, was refused, or nobody answers for its key any more. Erased is erased. */
function ofOther(entered: Entered, beside: Beside): Dated[] {
  const { row, state, code, statement } = entered;
  const status = state === 'held' ? 'waiting' : state === 'refused' ? 'refused' : 'suspect';
  const why = code === null ? {} : { code };
  if (statement) return [{ ...ofStatement(statement, [entered], beside), status, ...why }];
  if (status !== 'refused') return [];
  const said = row.said_at.getTime();
  const heard = { said: isoInstant(said), receivedAt: isoInstant(row.received_at.getTime()) };
  return [entry(row.event as TimelineEvent, said, { status, ...why, by: row.speaker as Issuer, ...heard })];
}

/** Nothing happened after it was said. */
function happened({ event, payload, said }: Statement): number {
  return event === 'acted' || event === 'acknowledged' ? Math.min(Date.parse(payload.at), said) : said;
}

/** Ends that nobody said. */
function byItself({ state, spoken }: Told): Dated[] {
  const { holds, held, pen, clearance } = state;
  const lifts = spoken.flatMap(({ statement }) => (statement.event === 'hold' ? [statement] : []));
  const lifted = (hold: (typeof holds)[number]) =>
    lifts.some(
      (lift) => lift.payload.step === 'lifted' && lift.said === hold.until && sameDesk(deskOf(lift), hold.desk),
    );
  const { status, deadline } = clearance;
  return [
    ...holds
      .filter((hold) => !held.includes(hold) && !lifted(hold))
      .map(({ desk, until }) => entry('hold-ended', until, { by: desk.by })),
    ...pen.offers
      .filter((offer) => offer.state === 'lapsed')
      .map(({ giver, to, until }) => entry('handover-lapsed', until, { by: giver, to })),
    ...(status === 'timed-out' && deadline !== undefined ? [entry('clearance-timed-out', deadline)] : []),
  ];
}
