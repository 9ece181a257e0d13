import type { HostNotice } from '../../domain/authority/notice.ts';
import type { Offer } from '../../domain/authority/pen.ts';
import type { Conflict } from '../../domain/authority/state.ts';
import type { Contact, Instant, Issuer, ToldBy } from '../../domain/contract.types.ts';
import { caseEventNames } from '../../domain/message.ts';

// What faces show of a case. All instants are RFC 3339 UTC; an absent member says that nothing is known.

/** Who said it and how this node heard of it. Shown as "ORG states", or with `toldBy` as "ORG states that UNIT said". */
export interface Voice {
  readonly by: Issuer;
  /** The originator, where it relayed what another said. */
  readonly via?: Issuer;
  /** A party without a node, as the speaker recorded it. */
  readonly toldBy?: ToldBy;
  /** When it was said; absent for what stands in the reference itself. */
  readonly said?: Instant;
  /** When this node took it down. */
  readonly receivedAt?: Instant;
  /** Members whose code is in none of this node's lists, as JSON pointers: kept as they came, and never matched to a listed one. */
  readonly unknown?: readonly string[];
}

/** A claim: "assessed by ORG under LAW on DATE", never "is". Claims stand side by side. */
export interface ShownAssessment extends Voice {
  readonly scheme: string;
  readonly version: string;
  readonly code: string;
  readonly law?: string;
  readonly method: string;
  readonly at: Instant;
}

export interface ShownAction extends Voice {
  readonly action: string;
  readonly reason?: string;
  readonly at: Instant;
  readonly standing: 'final' | 'observed' | 'proposed';
  readonly seenFrom?: string;
  readonly movedTo?: string;
}

export interface ShownFeedback extends Voice {
  readonly code: string;
  readonly country?: string;
}

export interface ShownAcknowledgement extends Voice {
  readonly at: Instant;
  readonly ownReference?: { readonly system: string; readonly id: string };
}

/** Whom to call: the desk of an organisation as its card says, and the unit that told it where it runs no node. */
export interface ShownDesk {
  readonly by: Issuer;
  readonly unit?: string;
  readonly contact?: Contact;
}

export interface ShownHold {
  readonly desk: ShownDesk;
  /** Whether it stops, or only advises. */
  readonly binding: boolean;
  readonly inForce: boolean;
  readonly since: Instant;
  /** When it ended or ends by itself, within the limits. */
  readonly until: Instant;
  readonly review?: Instant;
  readonly ground?: string;
  readonly authority?: string;
  /** A clearance refused late or unasked, which acts as a hold. */
  readonly lateRefusal: boolean;
  /** The organisations that know of it as far as this node knows: nobody else is shown it. */
  readonly audience: readonly Issuer[];
}

export interface ShownPen {
  /** One, but for a pen-conflict. */
  readonly holders: readonly Issuer[];
  /** Hand-overs under way. */
  readonly offers: readonly ShownOffer[];
  /** Returned twice and taken by nobody since. */
  readonly unplaced: boolean;
  readonly returns: number;
}

export interface ShownOffer {
  readonly from: Issuer;
  readonly to: Issuer;
  readonly state: Offer['state'];
  readonly offeredAt: Instant;
  readonly acceptedAt?: Instant;
  /** Until when it waits for its answer, or for its confirmation. */
  readonly until: Instant;
}

export interface ShownClearance {
  readonly status: 'none' | 'open' | 'granted' | 'refused' | 'timed-out';
  readonly firstAskedAt?: Instant;
  readonly askedAt?: Instant;
  readonly deadline?: Instant;
  readonly answeredAt?: Instant;
  readonly answeredBy?: ShownDesk;
  /** Granted after its deadline. */
  readonly late: boolean;
  /** One desk granted and another refused. */
  readonly contradicted: boolean;
  /** When it was gone although clearance had been asked and not given. */
  readonly goneBefore?: Instant;
}

/** Whether the host may be told now, and why not. */
export interface ShownNotice {
  readonly notice: 'may' | 'must-not' | 'after-clearance';
  readonly reason: HostNotice;
}

/** What has become of an emergency at one recipient. Call first: none of this replaces the call. */
export interface ShownWaiting {
  readonly recipient: Issuer;
  readonly state: 'acknowledged' | 'waiting' | 'overdue';
  readonly since: Instant;
  /** Whom to call: the recipient of an own reference, the originator of a partner's. */
  readonly contact?: Contact;
}

export interface ShownUrgency {
  readonly level: string;
  readonly code?: string;
  /** Of an emergency, one entry for each recipient that this node knows of. */
  readonly acknowledgement?: readonly ShownWaiting[];
}

/** What a timeline tells beside the events about the case. */
export const timelineEvents = [
  ...caseEventNames,
  ...(['report-received', 'seen-online', 'submitted', 'revised', 'sent'] as const),
  ...(['hold-ended', 'handover-lapsed', 'clearance-timed-out'] as const),
] as const;
export type TimelineEvent = (typeof timelineEvents)[number];

export interface TimelineEntry extends Partial<Voice> {
  /** When it happened; where only that is known, when it was said. */
  readonly at: Instant;
  readonly event: TimelineEvent;
  /** `taken` counts; `waiting` and `refused` say why in `code`; `suspect` was signed by a key that was lost. */
  readonly status: 'taken' | 'waiting' | 'refused' | 'suspect';
  readonly code?: string;
  /** What was said, code by code. */
  readonly content?: Readonly<Record<string, unknown>>;
  /** Organisations that this node told it. */
  readonly told?: readonly Issuer[];
  /** Of `sent`, `handover-lapsed`: to whom. */
  readonly to?: Issuer;
  readonly revision?: number;
}

/** The case of one reference as faces show it. It carries no address of the reference. */
export interface ShownCase {
  readonly originator: Issuer;
  readonly id: string;
  /** The state of the reference as lists show it. */
  readonly state: string;
  readonly pen: ShownPen;
  readonly assessments: readonly ShownAssessment[];
  readonly actions: readonly ShownAction[];
  readonly holds: readonly ShownHold[];
  readonly clearance: ShownClearance;
  readonly feedback: readonly ShownFeedback[];
  readonly acknowledgements: readonly ShownAcknowledgement[];
  readonly urgency: ShownUrgency;
  readonly host: ShownNotice;
  /** Outcomes and reappearances in their order. */
  readonly outcomes: readonly { readonly action: string; readonly at: Instant; readonly by: Issuer }[];
  readonly lastSeenOnline?: { readonly at: Instant; readonly by: Issuer };
  readonly conflicts: readonly Conflict[];
  /** Everything that happened, in the order in which it happened. */
  readonly timeline: readonly TimelineEntry[];
}
