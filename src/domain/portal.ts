import type { CaseReference } from './contract.types.ts';
import { within } from './jurisdiction.ts';
import { portalReach } from './marking.ts';
import { isIndustryForm } from './policy/industry.ts';
import type { ReferenceContent } from './reference.ts';

/** States in which no portal shows anything of a reference: taken back, kept apart, erased, or not yet accepted by policy. */
const hiddenStates: ReadonlySet<string> = new Set(['held', 'sealed', 'restricted', 'purged', 'expired']);

/** Whether a reference in this state may be in a portal at all. */
export function isHidden(state: string): boolean {
  return hiddenStates.has(state);
}

export interface PortalInput {
  readonly reference: ReferenceContent;
  readonly state: string;
  /** When retention ends, in milliseconds since 1970; null where nothing ends it. */
  readonly expiresAt: number | null;
  /** Jurisdictions of the liaison. */
  readonly jurisdictions: readonly string[];
  /** Jurisdictions of the organisation whose portal it is. */
  readonly home: readonly string[];
  readonly now: number;
}

export type PortalGate = 'state' | 'retention' | 'form' | 'marking' | 'place' | 'nation';

/** One question of the decision, in the order in which they are asked, and how it was answered. */
export interface PortalStep {
  readonly gate: PortalGate;
  readonly passed: boolean;
  /** What was compared: codes only. */
  readonly compared: readonly string[];
}

/** The stored answer to "why may this unit see it, or why not". `rule` is the gate that stopped it, or `shown`. */
export interface PortalDecision {
  readonly effect: 'show' | 'withhold';
  readonly rule: PortalGate | 'shown';
  readonly trace: readonly PortalStep[];
}

/** Hosting and concerned places of a reference: the report's own country gives nobody a right to see it. */
function concernedPlaces({ jurisdiction }: Pick<CaseReference, 'jurisdiction'>): string[] {
  const { hosting, concerned = [] } = jurisdiction;
  return [...new Set([...(hosting === undefined ? [] : [hosting]), ...concerned.map(({ country }) => country)])];
}

/** Places under which a reference is found: its own, and the nation of each, since a nation sees what its states see. */
export function findablePlaces(reference: Pick<CaseReference, 'jurisdiction'>): string[] {
  return [...new Set(concernedPlaces(reference).flatMap((code) => [code, code.slice(0, 2)]))].filter(isPlace);
}

/** Whether a liaison's jurisdiction lies in a country of the organisation whose portal it is. */
export function isHome(code: string, home: readonly string[]): boolean {
  return home.some((own) => within(code, own.slice(0, 2)));
}

/** Unknown and onion service are no country: nobody is the liaison of them. */
function isPlace(code: string): boolean {
  return /^[A-Z]{2}(-|$)/.test(code) && !['XX', 'XO'].includes(code.slice(0, 2));
}

/**
 * Whether a portal may show a reference to liaisons of these jurisdictions: pure and total, and every gate that was asked is in the trace. A
 * state sees its own and the nation all its states; `national` reaches liaisons of the recipient's own country only.
 */
export function decidePortal(input: PortalInput): PortalDecision {
  const trace: PortalStep[] = [];
  for (const [gate, ask] of gates) {
    const { passed, compared } = ask(input);
    trace.push({ gate, passed, compared });
    if (!passed) return { effect: 'withhold', rule: gate, trace };
  }
  return { effect: 'show', rule: 'shown', trace };
}

type Answer = Omit<PortalStep, 'gate'>;

const gates: readonly [PortalGate, (input: PortalInput) => Answer][] = [
  ['state', ({ state }) => ({ passed: !isHidden(state), compared: [state] })],
  ['retention', ({ expiresAt, now }) => ({ passed: expiresAt === null || expiresAt > now, compared: [] })],
  ['form', ({ reference }) => ({ passed: !isIndustryForm(reference), compared: [] })],
  ['marking', askMarking],
  ['place', askPlace],
  ['nation', askNation],
];

function askMarking({ reference: { marking } }: PortalInput): Answer {
  return { passed: portalReach(marking) !== 'none', compared: [marking.tlp, marking.portal ?? 'none'] };
}

/** The liaison's jurisdictions that a place of the reference lies in. */
function shared({ reference, jurisdictions }: PortalInput): string[] {
  if (isIndustryForm(reference)) return [];
  const places = concernedPlaces(reference).filter(isPlace);
  return jurisdictions.filter((own) => places.some((place) => within(place, own)));
}

function askPlace(input: PortalInput): Answer {
  const found = shared(input);
  return { passed: found.length > 0, compared: found.length > 0 ? found : input.jurisdictions };
}

function askNation(input: PortalInput): Answer {
  const reach = portalReach(input.reference.marking);
  const found = shared(input).filter((code) => reach === 'concerned' || isHome(code, input.home));
  return { passed: found.length > 0, compared: [reach, ...found] };
}
