import type { Contact, Instant, Issuer } from '../../domain/contract.types.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { ReferenceName } from '../record.ts';
import type { Shown } from './look.ts';

// What pages need of what was said about a case. The case as other faces show it has these members and more.

interface Said {
  readonly by: Issuer;
  readonly via?: Issuer;
  readonly toldBy?: { readonly unit?: string };
}

export interface CaseAssessment extends Said {
  readonly scheme: string;
  readonly version: string;
  readonly code: string;
  readonly law?: string;
  readonly method: string;
  readonly at: Instant;
}

export interface CaseAction extends Said {
  readonly action: string;
  readonly reason?: string;
  readonly at: Instant;
  readonly standing: string;
}

/** Whom to call about a hold or a clearance. */
interface Desk {
  readonly by: Issuer;
  readonly unit?: string;
  readonly contact?: Contact;
}

export interface CaseHold {
  readonly desk: Desk;
  readonly binding: boolean;
  readonly inForce: boolean;
  readonly since: Instant;
  readonly until: Instant;
  /** The organisations that know of it: nobody else is shown it. */
  readonly audience: readonly Issuer[];
}

export interface CaseEntry {
  readonly at: Instant;
  readonly event: string;
  readonly status: string;
  readonly by?: Issuer;
  readonly code?: string;
  readonly content?: Readonly<Record<string, unknown>>;
}

export interface CaseEvents {
  readonly assessments: readonly CaseAssessment[];
  readonly actions: readonly CaseAction[];
  readonly holds: readonly CaseHold[];
  readonly clearance: { readonly status: string; readonly askedAt?: Instant; readonly deadline?: Instant };
  readonly timeline: readonly CaseEntry[];
}

/** A case that waits for a clearance, or whose hold ends, at an instant. */
export interface Due {
  readonly originator: Issuer;
  readonly id: string;
  readonly what: 'clearance' | 'hold';
  readonly at: Date;
}

/** Where pages learn what was said about cases. */
export interface CaseSource {
  /** Undefined where nothing may be shown. */
  readonly events: (name: ReferenceName) => Promise<CaseEvents | undefined>;
  /** Clearances that wait and holds that end before an instant, soonest first: of the whole node, to be decided on one by one. */
  readonly due: (before: Date) => Promise<readonly Due[]>;
}

/** What stands in the reference itself, for where nothing else was said. */
export function eventsInReference({ row, content }: Shown): CaseEvents {
  const { originator } = row;
  const assessments = (content.assessments ?? []).map((one) => ({ ...one, by: one.by ?? originator }));
  const entries: CaseEntry[] = assessments.map(({ at, by, scheme, code }) => {
    return { at, event: 'assessed', status: 'taken', by, content: { scheme, code } };
  });
  const taken = (event: string, at: Instant | undefined, by?: Issuer) => {
    if (at !== undefined) entries.push({ at, event, status: 'taken', ...(by !== undefined && { by }) });
  };
  taken('report-received', content.receivedAt, originator);
  taken('seen-online', content.observedAt, originator);
  taken('submitted', isoInstant(row.created_at.getTime()), originator);
  return {
    assessments,
    actions: [],
    holds: [],
    clearance: { status: 'none' },
    timeline: entries.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)),
  };
}
