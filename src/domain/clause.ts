import { type CodeLists, isKnownCode, shippedLists } from './code-lists.ts';
import type { Assessment } from './contract.types.ts';
import type { ComparedClause, DecidableReference } from './decision.ts';
import { isJurisdiction, within } from './jurisdiction.ts';

/**
 * How a condition answers: `unsaid` where the reference does not tell (absent, `unknown`, a code that this node does
 * not know, or a place coarser than the one asked for). A rule needs `yes`; a deny is lifted by `no` alone.
 */
export type Answer = 'yes' | 'no' | 'unsaid';

/** What conditions look at. `now` in milliseconds since 1970; `partnerType` as recorded at confirmation. */
export interface Subject {
  readonly reference: DecidableReference;
  readonly partnerType: string;
  readonly now: number;
  /** The code lists of this node; absent, those of the release. */
  readonly codes?: CodeLists | undefined;
}

/** One named member of a `when`, with what it asked for and the codes that were there. */
export interface Clause extends ComparedClause {
  readonly answer: Answer;
}

type Values = readonly (string | undefined)[];

const DAY = 86_400_000;
const places: ReadonlySet<string> = new Set([
  'jurisdiction.hosting',
  'jurisdiction.reporting',
  'jurisdiction.concerned',
  'jurisdiction.destination',
  'assessment.law',
]);

const single: Readonly<Record<string, (subject: Subject) => Values | undefined>> = {
  category: ({ reference }) => [reference.category],
  features: ({ reference }) => reference.features,
  role: ({ reference }) => present(reference.role),
  'jurisdiction.hosting': ({ reference }) => present(reference.jurisdiction?.hosting),
  'jurisdiction.reporting': ({ reference }) => present(reference.jurisdiction?.reporting),
  'jurisdiction.concerned': ({ reference }) => reference.jurisdiction?.concerned?.map(({ country }) => country),
  'site.type': ({ reference }) => present(reference.site?.type),
  // Absent means routine to a rule, yet a deny that asks for more is not lifted by silence.
  'urgency.level': ({ reference }) => (reference.urgency ? [reference.urgency.level] : ['routine', undefined]),
  'urgency.code': ({ reference }) => present(reference.urgency?.code),
  'marking.tlp': ({ reference }) => [reference.marking.tlp],
  'partner.type': ({ partnerType }) => [partnerType],
};

const ofAssessment: Readonly<Record<string, (assessment: Assessment) => string | undefined>> = {
  'assessment.scheme': ({ scheme }) => scheme,
  'assessment.code': ({ code }) => code,
  'assessment.method': ({ method }) => method,
  'assessment.law': ({ law }) => law,
};

/** Every member that a condition may name, in the order in which they are compared and shown. */
const conditionMembers: readonly string[] = [...Object.keys(single), ...Object.keys(ofAssessment), 'ageDays'];

/**
 * Compares every member of a `when` (members AND, listed values OR) and returns one clause for each, in a fixed order.
 * The members on assessments ask about one and the same assessment: a viewed claim never lends its method to an
 * automated one. A member that this node does not know, or a list that is none, is `unsaid` and so never lets a rule match.
 */
export function compare(when: object, subject: Subject): readonly Clause[] {
  const asked = new Map<string, unknown>(Object.entries(when).filter(([, wanted]) => wanted !== undefined));
  const clauses: Clause[] = [];
  for (const [member, read] of Object.entries(single)) {
    const wanted = asked.get(member);
    if (wanted !== undefined) clauses.push(clause(member, wanted, read(subject), subject.codes));
  }
  clauses.push(...compareAssessments(asked, subject.reference.assessments, subject.codes));
  const age = asked.get('ageDays');
  if (age !== undefined) clauses.push(compareAge(age, subject));
  for (const member of asked.keys()) {
    if (!conditionMembers.includes(member)) clauses.push({ member, wanted: [], found: [], answer: 'unsaid' });
  }
  return clauses;
}

/** The answer of all clauses together: one `no` settles it, then one `unsaid`; no clause at all is `yes`. */
export function together(clauses: readonly Clause[]): Answer {
  if (clauses.some(({ answer }) => answer === 'no')) return 'no';
  return clauses.some(({ answer }) => answer === 'unsaid') ? 'unsaid' : 'yes';
}

/** Whether a code found answers a list of codes; exported for the one list that stands outside a `when`. */
export function compareValues(
  member: string,
  wanted: readonly string[],
  values: Values | undefined,
  known: CodeLists = shippedLists,
): Answer {
  if (values === undefined) return 'unsaid';
  if (values.some((value) => value !== undefined && wanted.some((listed) => matches(member, listed, value, known))))
    return 'yes';
  return values.some((value) => isUnsettled(member, wanted, value, known)) ? 'unsaid' : 'no';
}

/**
 * The age of a reference in whole days since it was received from the public, else observed; undefined if unsaid. Clocks
 * differ: what is dated ahead of ours is of today, not younger than a rule or a deny can ask for.
 */
export function ageInDays(reference: DecidableReference, now: number): number | undefined {
  const since = Date.parse(reference.receivedAt ?? reference.observedAt ?? '');
  return Number.isNaN(since) ? undefined : Math.max(0, Math.floor((now - since) / DAY));
}

/** Whether a member of a condition asks for jurisdictions, which match by being inside one another. */
export function isPlace(member: string): boolean {
  return places.has(member);
}

/** A clause without its answer, as it stands in a trace. */
export function comparedOf({ member, wanted, found }: ComparedClause): ComparedClause {
  return { member, wanted, found };
}

/** The values listed for one member of a condition; undefined where it asks for none. */
export function conditionList(when: object, member: string): readonly string[] | undefined {
  return listOf(Object.entries(when).find(([name]) => name === member)?.[1]);
}

function present(value: string | undefined): Values | undefined {
  return value === undefined ? undefined : [value];
}

function listOf(wanted: unknown): readonly string[] | undefined {
  return Array.isArray(wanted) && wanted.every((value) => typeof value === 'string') ? wanted : undefined;
}

function clause(member: string, wanted: unknown, values: Values | undefined, known?: CodeLists): Clause {
  const list = listOf(wanted);
  const found = (values ?? []).filter((value) => value !== undefined);
  if (list === undefined) return { member, wanted: [], found, answer: 'unsaid' };
  return { member, wanted: list, found, answer: compareValues(member, list, values, known) };
}

function matches(member: string, listed: string, value: string, known: CodeLists): boolean {
  if (listed === '*') return true;
  if (places.has(member)) return value === listed || within(value, listed);
  return value === listed && isMatchable(member, value, known);
}

/** A newer partner's code may mean what a list names: it is neither a match nor proof of the contrary. */
function isUnsettled(member: string, wanted: readonly string[], value: string | undefined, known: CodeLists): boolean {
  if (value === undefined || value === 'unknown') return true;
  if (!places.has(member)) return !isListedCode(member, value, known);
  // An onion service stands in some country all the same, DE may well be DE-BY, and nobody knows where an unlisted code is.
  return value === 'XX' || value === 'XO' || !isJurisdiction(value) || wanted.some((listed) => within(listed, value));
}

/** The list that each member draws from; an assessment code is one of any scheme. */
const lists: Readonly<Record<string, string>> = {
  category: 'category',
  features: 'features',
  role: 'role',
  'site.type': 'site-type',
  'urgency.level': 'urgency-level',
  'urgency.code': 'urgency-code',
  'marking.tlp': 'marking-tlp',
  'partner.type': 'organisation-type',
  'assessment.scheme': 'assessment-scheme',
  'assessment.method': 'assessment-method',
};
const nationalScheme = /^national:[A-Z]{2}(?:-[A-Z0-9]{1,3})?$/;

/** Whether a code stands in the list that a condition's member draws from; places are not looked up here. */
export function isListedCode(member: string, code: string, known: CodeLists = shippedLists): boolean {
  if (member === 'assessment.scheme' && nationalScheme.test(code)) return true;
  if (member === 'assessment.code') return known.outcomes.includes(code);
  const list = lists[member];
  return list !== undefined && isKnownCode(known, list, code);
}

/** Assessment codes are open: national schemes, and those loaded later, have lists of their own. */
function isMatchable(member: string, value: string, known: CodeLists): boolean {
  return member === 'assessment.code' || isListedCode(member, value, known);
}

function compareAssessments(
  asked: ReadonlyMap<string, unknown>,
  all: readonly Assessment[] | undefined,
  known: CodeLists | undefined,
): readonly Clause[] {
  const clauses: Clause[] = [];
  let candidates = all?.map((assessment) => ({ assessment, answer: 'yes' as Answer }));
  for (const [member, read] of Object.entries(ofAssessment)) {
    const wanted = asked.get(member);
    if (wanted === undefined) continue;
    if (candidates === undefined) {
      clauses.push(clause(member, wanted, undefined, known));
      continue;
    }
    const compared = candidates.map(({ assessment, answer }) => {
      const own = clause(member, wanted, [read(assessment)], known);
      return { assessment, own, answer: together([{ ...own, answer }, own]) };
    });
    const found = [...new Set(compared.flatMap(({ own }) => own.found))];
    clauses.push({ member, wanted: listOf(wanted) ?? [], found, answer: best(compared.map(({ answer }) => answer)) });
    candidates = compared.filter(({ answer }) => answer !== 'no');
  }
  return clauses;
}

function best(answers: readonly Answer[]): Answer {
  if (answers.includes('yes')) return 'yes';
  return answers.includes('unsaid') ? 'unsaid' : 'no';
}

function compareAge(wanted: unknown, { reference, now }: Subject): Clause {
  const range =
    typeof wanted === 'object' && wanted !== null ? (wanted as { min?: unknown; max?: unknown }) : undefined;
  const min = typeof range?.min === 'number' ? range.min : undefined;
  const max = typeof range?.max === 'number' ? range.max : undefined;
  const asked = [...(min === undefined ? [] : [`min ${min}`]), ...(max === undefined ? [] : [`max ${max}`])];
  const age = ageInDays(reference, now);
  const base = { member: 'ageDays', wanted: asked, found: age === undefined ? [] : [String(age)] };
  if (range === undefined || age === undefined) return { ...base, answer: 'unsaid' };
  return { ...base, answer: age >= (min ?? age) && age <= (max ?? age) ? 'yes' : 'no' };
}
