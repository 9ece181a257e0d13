import { type CodeLists, isUsableCode, outcomeList, refuseCode, shippedLists, withRetired } from './code-lists.ts';
import type { Assessment, CaseReference, IndustryReference, Submission } from './contract.types.ts';
import { checkHandle } from './handle.ts';
import { isDate, isInstant } from './instant.ts';
import { checkJurisdiction } from './jurisdiction.ts';
import { checkMarking } from './marking.ts';
import { type Refusal, refuse } from './refusal.ts';
import { gateUrl, type UrlProfile } from './url.ts';

/** States of a reference (the list grows with the events of the protocol). */
export const referenceStates = [
  ...['open', 'held', 'unplaced', 'on-hold', 'removed', 'unavailable', 'not-illegal', 'sealed', 'restricted', 'purged'],
  'expired',
] as const;

/** What a stored reference says: whole, or in the reduced form, which is all that an industry node ever gets. */
export type ReferenceContent = CaseReference | IndustryReference;

/** How urgent a reference says it is; silence is `routine`, and the reduced form is always silent. */
export function urgencyOf(reference: ReferenceContent): string {
  return ('urgency' in reference ? reference.urgency?.level : undefined) ?? 'routine';
}

export interface ReferenceChecks {
  /** `listed`: only codes of the lists (node API, import). `open`: the wire, where a newer list may be in use. */
  readonly codes: 'listed' | 'open';
  /** The code lists of this node; absent, those of the release. */
  readonly lists?: CodeLists | undefined;
  readonly profile: UrlProfile;
  /** Pointer of the reference in the document; '' when it is the document. */
  readonly at?: string;
  /** Own id, where it does not stand in the reference: the `sub` of a message. */
  readonly id?: string;
}

type Checked = CaseReference | Submission;
type Findings = (Refusal | undefined)[];

/** Codes of one list at one place. */
type Listing = readonly [pointer: string, list: string, found: string | undefined];

const NATIONAL = 'national:';

/**
 * What the schema cannot say of a case reference, after content guard and schema: addresses, real dates, jurisdictions, codes,
 * and members that must agree with one another. Every finding, in the order of the members; empty when it may pass.
 */
export function checkReference(reference: Checked, checks: ReferenceChecks): Refusal[] {
  const at = checks.at ?? '';
  const findings: Findings = [
    ...checkAddresses(reference, checks.profile, at),
    ...checkRelated(reference, checks, at),
    ...checkPlaces(reference, at),
    ...checkAssessments(reference.assessments ?? [], checks, at),
    ...(reference.handles ?? []).map((handle, index) => checkHandle(handle, `${at}/handles/${index}`, checks.codes)),
    ...checkMarking(reference.marking, `${at}/marking`, checks.codes),
    checkUrgency(reference, at),
    ...checkTimes(reference, at),
    ...(checks.codes === 'listed' ? checkCodes(reference, at, checks.lists ?? shippedLists) : []),
  ];
  return findings.filter((finding) => finding !== undefined);
}

/**
 * How a reference that arrives stands to the one that is stored: `newer` replaces it, `same` and `older` change nothing, in whatever
 * order they come. Refused: another address (`url-immutable`), another source or equal number with other content
 * (`revision-conflict`).
 */
export function checkRevision(
  previous: ReferenceContent,
  next: ReferenceContent,
): Refusal | 'same' | 'newer' | 'older' {
  if (next.url !== previous.url) return refuse('url-immutable', '/url');
  if (!sameContent(sourceOf(previous), sourceOf(next))) {
    const message =
      'The source of a reference never changes: what was passed on does not become its sender’s own word.';
    return refuse('revision-conflict', '/source', message, 'Submit another reference.');
  }
  if (next.revision > previous.revision) return 'newer';
  if (next.revision < previous.revision) return 'older';
  return sameContent(previous, next) ? 'same' : refuse('revision-conflict', '/revision');
}

function sourceOf(reference: ReferenceContent) {
  return 'source' in reference ? reference.source : undefined;
}

/** True when two JSON values say the same: members in any order, list entries in theirs, an undefined member like an absent one. */
export function sameContent(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = present(a);
  const right = present(b);
  return (
    left.size === right.size &&
    [...left].every(([name, value]) => right.has(name) && sameContent(value, right.get(name)))
  );
}

function present(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).filter(([, member]) => member !== undefined));
}

function checkAddresses({ url, access }: Checked, profile: UrlProfile, at: string): Findings {
  const referrer = access?.referrer;
  return [
    gateUrl(url, profile, `${at}/url`),
    referrer === undefined ? undefined : gateUrl(referrer, profile, `${at}/access/referrer`),
  ];
}

function checkRelated(reference: Checked, { id }: ReferenceChecks, at: string): Findings {
  const own = id ?? ('id' in reference ? reference.id : undefined);
  return (reference.related ?? []).map((related, index) =>
    related === own
      ? refuse(
          'schema-invalid',
          `${at}/related/${index}`,
          'A reference is not related to itself.',
          'Leave its own id out.',
        )
      : undefined,
  );
}

function checkPlaces({ jurisdiction, hosting = [] }: Checked, at: string): Findings {
  const places: [pointer: string, code: string | undefined][] = [
    ['/jurisdiction/hosting', jurisdiction.hosting],
    ['/jurisdiction/reporting', jurisdiction.reporting],
    ...(jurisdiction.concerned ?? []).map(({ country }, index): [string, string] => [
      `/jurisdiction/concerned/${index}/country`,
      country,
    ]),
    ...hosting.map(({ country }, index): [string, string] => [`/hosting/${index}/country`, country]),
  ];
  return places.map(([pointer, code]) => (code === undefined ? undefined : checkJurisdiction(code, at + pointer)));
}

function checkAssessments(assessments: readonly Assessment[], checks: ReferenceChecks, at: string): Findings {
  return assessments.flatMap((assessment, index) =>
    checkAssessment(assessment, checks.codes, `${at}/assessments/${index}`, checks.lists),
  );
}

/** What the schema cannot say of one assessment, in a reference or in an event of its own. */
export function checkAssessment(
  assessment: Assessment,
  mode: 'listed' | 'open',
  at: string,
  lists: CodeLists = shippedLists,
): Findings {
  const { scheme, code, law, method } = assessment;
  const national = scheme.startsWith(NATIONAL);
  const outcomes = outcomeList(scheme);
  // An empty list can be loaded later, and until then any code stands.
  const closed = (lists.known[outcomes] ?? []).length > 0;
  return [
    national ? checkJurisdiction(scheme.slice(NATIONAL.length), `${at}/scheme`) : undefined,
    law === undefined ? undefined : checkJurisdiction(law, `${at}/law`),
    method === 'automated' && code === 'baseline' ? automated(`${at}/method`) : undefined,
    isInstant(assessment.at) ? undefined : noInstant(`${at}/at`),
    ...(mode === 'open'
      ? []
      : [
          national ? undefined : listed(lists, [`${at}/scheme`, 'assessment-scheme', scheme]),
          closed ? listed(lists, [`${at}/code`, outcomes, code]) : undefined,
          listed(lists, [`${at}/method`, 'assessment-method', method]),
        ]),
  ];
}

function automated(at: string): Refusal {
  return refuse(
    'schema-invalid',
    at,
    'An automated assessment is never baseline.',
    'Have a person assess it, or give the outcome "undetermined".',
  );
}

function checkUrgency({ urgency }: Checked, at: string): Refusal | undefined {
  const raised = urgency?.level === 'priority' || urgency?.level === 'emergency';
  return raised && urgency.code === undefined
    ? refuse(
        'schema-invalid',
        `${at}/urgency/code`,
        'A level above routine needs its reason.',
        'Add a code of schemas/codes/urgency-code.json.',
      )
    : undefined;
}

function checkTimes({ receivedAt, observedAt, retainUntil, hosting = [] }: Checked, at: string): Findings {
  const instants: [pointer: string, text: string | undefined][] = [
    ...hosting.map((entry, index): [string, string] => [`/hosting/${index}/at`, entry.at]),
    ['/receivedAt', receivedAt],
    ['/observedAt', observedAt],
  ];
  return [
    ...instants.map(([pointer, text]) => (text === undefined || isInstant(text) ? undefined : noInstant(at + pointer))),
    retainUntil === undefined || isDate(retainUntil)
      ? undefined
      : refuse('schema-invalid', `${at}/retainUntil`, 'The date is not in the calendar.', 'Write YYYY-MM-DD.'),
  ];
}

function noInstant(at: string): Refusal {
  return refuse('schema-invalid', at, 'The instant does not exist.', 'Write YYYY-MM-DDThh:mm:ssZ in UTC.');
}

/** Codes of the remaining lists; the category has a refusal of its own, since most mistakes are made there. */
function checkCodes(reference: Checked, at: string, lists: CodeLists): Findings {
  const { category, role, features = [], site, urgency, hosting = [], jurisdiction } = reference;
  const listings: Listing[] = [
    ['/role', 'role', role],
    ...features.map((feature, index): Listing => [`/features/${index}`, 'features', feature]),
    ...(jurisdiction.concerned ?? []).map(
      ({ basis }, index): Listing => [`/jurisdiction/concerned/${index}/basis`, 'concerned-basis', basis],
    ),
    ['/site/type', 'site-type', site?.type],
    ['/site/commercial', 'commercial', site?.commercial],
    ...(site?.payment ?? []).map((payment, index): Listing => [`/site/payment/${index}`, 'payment', payment]),
    ...hosting.map(({ method }, index): Listing => [`/hosting/${index}/method`, 'hosting-method', method]),
    ['/urgency/level', 'urgency-level', urgency?.level],
    ['/urgency/code', 'urgency-code', urgency?.code],
  ];
  return [
    isUsableCode(lists, 'category', category) ? undefined : refuse('category-unknown', `${at}/category`),
    ...listings.map(([pointer, list, found]) => listed(lists, [at + pointer, list, found])),
  ];
}

/** Pointers of the members whose codes stand in no list of this node, retired ones included: each is kept and shown as it came. */
export function unknownCodes(reference: CaseReference, lists: CodeLists): string[] {
  const known = withRetired(lists);
  const claims = (reference.assessments ?? []).flatMap((claim, index) =>
    checkAssessment(claim, 'listed', `/assessments/${index}`, known),
  );
  return [...checkCodes(reference, '', known), ...claims].flatMap((found) =>
    found?.code === 'code-unknown' || found?.code === 'category-unknown' ? [found.pointer] : [],
  );
}

function listed(lists: CodeLists, [pointer, list, found]: Listing): Refusal | undefined {
  return found === undefined ? undefined : refuseCode(lists, list, found, pointer);
}
