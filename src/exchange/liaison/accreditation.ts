import { type Accreditation, standingOf } from '../../domain/accreditation.ts';
import { isDate, isoInstant } from '../../domain/instant.ts';
import { checkJurisdiction } from '../../domain/jurisdiction.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { LiaisonRow } from '../../store/liaisons.ts';
import { checkNotes } from '../../wire/note.ts';

/** What two operators sign for a liaison. Dates are days in UTC; free texts never leave the node. */
export interface Accredited {
  readonly name: string;
  readonly agency: string;
  readonly unit: string;
  readonly jurisdictions: readonly string[];
  readonly legalBasis: string;
  /** When the liaison was trained. */
  readonly trained: string;
  /** The last day on which it is in force. */
  readonly until: string;
  /** Whom the configured identity provider says it is. */
  readonly subject?: string | undefined;
}

/** Where nobody is: a scope of it would be everybody's, or nobody's. */
const placeless = new Set(['XX', 'XO', 'unknown']);
const LONGEST = 200;
/** Police databases accredit for two years at most, and then look again. */
const LONGEST_DAYS = 731;
const DAY = 86_400_000;

/** Checks what an accreditation is to say; the first thing that is wrong, with its pointer. */
export function checkAccredited(given: Accredited, now: number): Refusal | undefined {
  const { name, agency, unit, legalBasis, subject } = given;
  const texts = { name, agency, unit, legalBasis };
  for (const [member, text] of Object.entries({ ...texts, ...(subject !== undefined && { subject }) })) {
    const plain = text.trim() === text && text !== '' && text.length <= LONGEST && !/\p{C}/u.test(text);
    if (!plain) return wrong(`/${member}`, 'The text is missing, too long or not plain.', 'Use 1 to 200 characters.');
  }
  if (unit.includes('/'))
    return wrong('/unit', 'A unit is named without a slash.', 'Claims name a part of it as UNIT/PART.');
  return checkNotes(texts) ?? checkPlaces(given.jurisdictions) ?? checkDays(given, now);
}

function checkPlaces(jurisdictions: readonly string[]): Refusal | undefined {
  if (jurisdictions.length === 0)
    return wrong('/jurisdictions', 'No jurisdiction is named.', 'Name one or more, such as NL or DE-BY.');
  for (const [index, code] of jurisdictions.entries()) {
    const at = `/jurisdictions/${index}`;
    const unknown = checkJurisdiction(code, at);
    if (unknown) return unknown;
    if (placeless.has(code)) return wrong(at, 'This is no place that anybody is competent for.', 'Name a country.');
  }
  return undefined;
}

function checkDays({ trained, until }: Accredited, now: number): Refusal | undefined {
  const today = isoInstant(now).slice(0, 10);
  const next = 'Write it as YYYY-MM-DD.';
  if (!isDate(trained) || trained > today) return wrong('/trained', 'This is no day in the past.', next);
  if (!isDate(until) || until < today) return wrong('/until', 'This is no day from today on.', next);
  const last = isoInstant(now + LONGEST_DAYS * DAY).slice(0, 10);
  if (until > last) return wrong('/until', 'An accreditation ends within two years.', `Use ${last} or earlier.`);
  return undefined;
}

function wrong(pointer: string, message: string, next: string): Refusal {
  return refuse('usage-invalid', pointer, message, next);
}

/** The part of a row that its standing hangs on. */
export function accreditationOf({ state, until_on, used_at }: LiaisonRow): Accreditation {
  return { state, until: until_on, usedAt: used_at.getTime() };
}

/** Whether an accreditation is in force; `accreditation-ended` with the reason where it is not. */
export function checkInForce(row: LiaisonRow, now: number): Refusal | undefined {
  const standing = standingOf(accreditationOf(row), now);
  if (standing === 'in-force') return undefined;
  return refuse('accreditation-ended', '', `The accreditation is ${reasons[standing]}.`);
}

const reasons = {
  expired: 'over: its last day has passed',
  suspended: 'suspended',
  unused: 'suspended: it was not used for 90 days',
} as const;

export function unknownLiaison(): Refusal {
  return refuse(
    'not-found',
    '/id',
    'There is no such accreditation, or it still waits for approval.',
    'List them: caseref liaison list. What waits: caseref operator pending.',
  );
}
