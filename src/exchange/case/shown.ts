import { acknowledgement } from '../../domain/authority/emergency.ts';
import type { HoldSpan } from '../../domain/authority/hold.ts';
import { type HostNotice, hostNoticeOf, type OnTimeout } from '../../domain/authority/notice.ts';
import type { CaseState } from '../../domain/authority/state.ts';
import { type Desk, deskOf, sameDesk } from '../../domain/authority/statement.ts';
import type { CodeLists } from '../../domain/code-lists.ts';
import type { Assessment, Contact, Issuer, Marking, Urgency } from '../../domain/contract.types.ts';
import { isoInstant } from '../../domain/instant.ts';
import type {
  ShownAcknowledgement,
  ShownAction,
  ShownAssessment,
  ShownClearance,
  ShownDesk,
  ShownFeedback,
  ShownHold,
  ShownNotice,
  ShownPen,
  ShownUrgency,
} from './case-view.ts';
import { stronger } from './notice.ts';
import { type Spoken, spokenOfEvent, unknownIn, voiceOf } from './voices.ts';

/** What else a case is shown with. */
export interface Beside {
  readonly self: Issuer;
  readonly originator: Issuer;
  readonly contacts: ReadonlyMap<Issuer, Contact>;
  /** Whom this node told which entry of the log, by the entry's id. */
  readonly told: ReadonlyMap<string, readonly Issuer[]>;
  /** What this node's lists have. */
  readonly lists: CodeLists;
  readonly now: number;
}

const at = <Name extends string>(name: Name, instant: number | undefined) =>
  (instant === undefined ? {} : { [name]: isoInstant(instant) }) as { readonly [key in Name]?: string };

export function shownPen({ pen }: CaseState): ShownPen {
  const { holders, unplaced, returns, pending } = pen;
  const offers = pending.map(({ giver, to, state, offeredAt, acceptedAt, until }) => ({
    ...{ from: giver, to, state, offeredAt: isoInstant(offeredAt) },
    ...at('acceptedAt', acceptedAt),
    until: isoInstant(until),
  }));
  return { holders, offers, unplaced, returns };
}

/** Those of the reference itself first, then what was said since. */
export function shownAssessments(
  own: readonly Assessment[],
  spoken: readonly Spoken[],
  { self, originator, lists }: Beside,
): ShownAssessment[] {
  const stated = own.map((claim) => {
    const { by = originator, ...content } = claim;
    const unknown = unknownIn({ event: 'assessed', payload: claim }, lists);
    const relayed = by !== originator && originator !== self;
    return { by, ...(relayed && { via: originator }), ...content, ...(unknown.length > 0 && { unknown }) };
  });
  const said = spokenOfEvent(spoken, 'assessed').map(({ statement, entries }) => {
    const { toldBy: _, by: __, ...claim } = statement.payload;
    return { ...voiceOf(statement, entries, lists), ...claim };
  });
  return [...stated, ...said];
}

export function shownActions(spoken: readonly Spoken[], { lists }: Beside): ShownAction[] {
  return spokenOfEvent(spoken, 'acted').map(({ statement, entries }) => {
    const { toldBy: _, ...act } = statement.payload;
    return { ...voiceOf(statement, entries, lists), ...act };
  });
}

export function shownFeedback(spoken: readonly Spoken[], { lists }: Beside): ShownFeedback[] {
  return spokenOfEvent(spoken, 'feedback').map(({ statement, entries }) => {
    const { toldBy: _, ...outcome } = statement.payload;
    return { ...voiceOf(statement, entries, lists), ...outcome };
  });
}

export function shownAcknowledgements(spoken: readonly Spoken[], { lists }: Beside): ShownAcknowledgement[] {
  return spokenOfEvent(spoken, 'acknowledged').map(({ statement, entries }) => {
    const { toldBy: _, ...word } = statement.payload;
    return { ...voiceOf(statement, entries, lists), ...word };
  });
}

/** Every hold, ended ones too, each with the desk to call and who knows of it. */
export function shownHolds(state: CaseState, spoken: readonly Spoken[], beside: Beside): ShownHold[] {
  return state.holds.map((hold) => {
    const { desk, binding, since, until, review, ground, authority, lateRefusal } = hold;
    return {
      desk: shownDesk(desk, beside),
      ...{ binding, inForce: state.held.includes(hold), since: isoInstant(since), until: isoInstant(until) },
      ...at('review', review),
      ...(ground !== undefined && { ground }),
      ...(authority !== undefined && { authority }),
      lateRefusal,
      audience: audienceOfHold(hold, spoken, beside),
    };
  });
}

function audienceOfHold(hold: HoldSpan, spoken: readonly Spoken[], { self, originator, told }: Beside): Issuer[] {
  const placed = spoken.filter(
    ({ statement }) =>
      (statement.event === 'hold' || statement.event === 'clearance') &&
      statement.said === hold.since &&
      sameDesk(deskOf(statement), hold.desk),
  );
  const heard = placed.flatMap(({ entries }) => entries.flatMap(({ id }) => told.get(id) ?? []));
  return [...new Set([hold.desk.by, originator, self, ...heard])].sort();
}

function shownDesk({ by, unit }: Desk, { contacts }: Beside): ShownDesk {
  const contact = contacts.get(by);
  return { by, ...(unit !== undefined && { unit }), ...(contact && { contact }) };
}

export function shownClearance({ clearance, goneBeforeClearance }: CaseState, beside: Beside): ShownClearance {
  const { status, firstAskedAt, askedAt, deadline, answeredAt, answeredBy, late, contradicted } = clearance;
  return {
    status,
    ...at('firstAskedAt', firstAskedAt),
    ...at('askedAt', askedAt),
    ...at('deadline', deadline),
    ...at('answeredAt', answeredAt),
    ...(answeredBy && { answeredBy: shownDesk(answeredBy, beside) }),
    late: late === true,
    contradicted,
    ...at('goneBefore', goneBeforeClearance),
  };
}

const notices: Readonly<Record<HostNotice, ShownNotice['notice']>> = {
  clear: 'may',
  'must-not': 'must-not',
  hold: 'must-not',
  'clearance-refused': 'must-not',
  'clearance-missing': 'after-clearance',
  'clearance-open': 'after-clearance',
  'clearance-timed-out': 'after-clearance',
};

export function shownNotice(
  marking: Marking,
  state: CaseState,
  { onTimeout, linked }: { readonly onTimeout: OnTimeout; readonly linked: HostNotice | undefined },
): ShownNotice {
  const reason = stronger(hostNoticeOf(marking, state, onTimeout), linked);
  return { notice: notices[reason], reason };
}

/** How urgent it counts here, and of an emergency who has it: `waiting` is every recipient with the time at which it got it. */
export function shownUrgency(
  { level, code }: Pick<Urgency, 'level' | 'code'>,
  state: CaseState,
  waiting: readonly { readonly recipient: Issuer; readonly since: number }[],
  { self, originator, contacts, now }: Beside,
): ShownUrgency {
  const acknowledged = waiting.map(({ recipient, since }) => {
    const contact = contacts.get(originator === self ? recipient : originator);
    const standing = acknowledgement(state, recipient, { sentAt: since, now });
    return { recipient, state: standing, since: isoInstant(since), ...(contact && { contact }) };
  });
  const urgent = level === 'emergency' && { acknowledgement: acknowledged };
  return { level, ...(code !== undefined && { code }), ...urgent };
}
