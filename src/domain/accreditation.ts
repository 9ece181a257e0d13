import { isJurisdiction, within } from './jurisdiction.ts';

// What a liaison may see hangs on an accreditation as the police databases know it: of a person, for a unit, with an end.

const DAY = 86_400_000;
/** Without use for so long it is suspended. */
export const UNUSED_DAYS = 90;
/** From then on the operator is told that it is about to be. */
const NEARLY_UNUSED_DAYS = 60;
/** So long before its end the operator is told. */
const ENDS_SOON_DAYS = 30;

export interface Accreditation {
  readonly state: 'active' | 'suspended';
  /** The last day on which it is in force, in UTC: YYYY-MM-DD. */
  readonly until: string;
  /** The last use, or since when there could have been one: milliseconds since 1970. */
  readonly usedAt: number;
}

export type Standing = 'in-force' | 'expired' | 'suspended' | 'unused';

/** Whether an accreditation is in force at a time. It is found at each look, whether or not somebody wrote it down before. */
export function standingOf({ state, until, usedAt }: Accreditation, now: number): Standing {
  if (state === 'suspended') return 'suspended';
  // An end that cannot be read is an end that has passed.
  if (!(now < endOf(until))) return 'expired';
  return now - usedAt < UNUSED_DAYS * DAY ? 'in-force' : 'unused';
}

/** The end of a day, in milliseconds since 1970. */
function endOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) + DAY;
}

export type Due = 'expired' | 'ends-soon' | 'unused' | 'suspended';

/** Why an operator has to look at an accreditation. */
export function dueFor(accreditation: Accreditation, now: number): Due[] {
  const standing = standingOf(accreditation, now);
  if (standing === 'suspended' || standing === 'expired') return [standing];
  const ends = endOf(accreditation.until) - now <= ENDS_SOON_DAYS * DAY;
  const unused = now - accreditation.usedAt >= NEARLY_UNUSED_DAYS * DAY;
  return [...(ends ? (['ends-soon'] as const) : []), ...(unused ? (['unused'] as const) : [])];
}

/** What a session may see: the accreditation, or a part of it. */
export interface Scope {
  readonly unit: string;
  readonly jurisdictions: readonly string[];
}

/** What an identity provider says of somebody; absent: it is not asked about that. */
export interface Claimed {
  readonly unit?: string;
  readonly jurisdictions?: readonly string[];
}

/**
 * Narrows an accreditation by the claims of an identity provider: they can take away and never add. A jurisdiction counts
 * where the one lies in the other, and of the two the smaller. A unit is the accredited one or a part of it (`UNIT/PART`).
 * What is no jurisdiction, or no plain text of a usual length, is a claim of nothing. Undefined where nothing is left.
 */
export function narrow(accredited: Scope, { unit = accredited.unit, jurisdictions }: Claimed): Scope | undefined {
  if (unit !== accredited.unit && !(unit.startsWith(`${accredited.unit}/`) && partOfUnit.test(unit))) return undefined;
  const common = jurisdictions === undefined ? accredited.jurisdictions : meet(accredited.jurisdictions, jurisdictions);
  return common.length === 0 ? undefined : { unit, jurisdictions: common };
}

/** A unit and a part of it, each as long as one that operators write. */
const partOfUnit = /^\P{C}{1,401}$/u;

function meet(accredited: readonly string[], claimed: readonly string[]): string[] {
  const common = accredited.flatMap((own) =>
    claimed.filter(isJurisdiction).flatMap((code) => (within(code, own) ? [code] : within(own, code) ? [own] : [])),
  );
  return [...new Set(common)].sort();
}
