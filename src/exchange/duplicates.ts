import { penConflict } from '../domain/authority/same-address.ts';
import { DUPLICATE_RULE, type Earlier, findDuplicates, isOpen, type Match } from '../domain/duplicate.ts';
import { isoInstant } from '../domain/instant.ts';
import { findHits, type Hit, LOOKED_AT } from '../store/duplicates.ts';
import type { Database } from '../store/open.ts';
import { type Macs, ownerOf, type ReferenceName } from './record.ts';

/** Duplicates named in one answer at most, of the address and of its host alone; more are found by search. */
const MOST_DUPLICATES = 20;
const MOST_RELATED = 3;
/** Of one originator, before others have had their turn: who repeats itself pushes nobody else out. */
const MOST_OF_ONE = 3;
/** References to one address that are looked at for that, the newest first. */
const MOST_KNOWN = 200;
const EACH = { eachAddress: MOST_KNOWN, eachHost: MOST_RELATED };

/** Another reference to the same address, to the same but for the fragment, or to the same host alone, as faces show it. */
export interface Duplicate extends ReferenceName {
  readonly match: Match;
  readonly state: string;
  /** Whether work on it is still open. */
  readonly open: boolean;
  readonly lastSeenOnline?: { readonly at: string; readonly by: string };
  /** How often it was removed and how often it reappeared; absent where neither was said. */
  readonly recurrence?: { readonly removals: number; readonly reappearances: number };
  /** Version of the duplicate rule. */
  readonly rule: string;
}

/** What this node knows of an address before work starts. It closes, hides and lowers nothing. */
export interface DuplicateAnswer {
  readonly answer: Match | 'new';
  readonly rule: string;
  /** References to the same host among its newest ones; `more` where there may be others. */
  readonly sameHost: { readonly count: number; readonly more: boolean };
  /** Who holds the pen of one address, where they are several organisations; empty otherwise. */
  readonly penConflict: readonly string[];
}

export interface DuplicatesFound {
  readonly duplicates: readonly Duplicate[];
  readonly duplicateAnswer: DuplicateAnswer;
}

interface Candidate extends ReferenceName {
  readonly macs: Macs;
  /** Who holds its pen; its originator where nothing else is known. */
  readonly holders?: readonly string[];
  /** Its state, where it is here already. */
  readonly state?: string;
  readonly observedAt?: string | undefined;
}

/** Finds what is known of each of these addresses with one question to the store; the finder is then asked in turn. */
export async function openDuplicates(
  db: Database,
  candidates: readonly { readonly macs: Macs }[],
): Promise<(one: Candidate) => DuplicatesFound> {
  const addresses = candidates.flatMap(({ macs }) => [macs.K1, macs.K2]);
  const hosts = candidates.map(({ macs }) => macs.K3);
  return duplicateFinder(await findHits(db, { addresses, hosts }, EACH));
}

/** What is known of the address of a reference that is stored; it is no duplicate of itself. */
export async function duplicatesOf(db: Database, one: Candidate): Promise<DuplicatesFound> {
  const { K1, K2, K3 } = one.macs;
  return duplicateFinder(await findHits(db, { addresses: [K1, K2], hosts: [K3], except: one }, EACH))(one);
}

/** Finds duplicates among stored references and, since those are not stored yet, among the ones that it was asked for before. */
function duplicateFinder(hits: readonly Hit[]): (one: Candidate) => DuplicatesFound {
  const byMac = Map.groupBy(hits, (hit) => hit.mac);
  return (one) => {
    const macs = { K1: hexOf(one.macs.K1), K2: hexOf(one.macs.K2), K3: hexOf(one.macs.K3) };
    const found = new Map<string, { hit: Hit; keys: { K1: string; K2: string; K3: string } }>();
    for (const [name, mac] of Object.entries(macs)) {
      for (const hit of byMac.get(mac) ?? []) {
        const keys = found.get(ownerOf(hit))?.keys ?? { K1: '', K2: '', K3: '' };
        found.set(ownerOf(hit), { hit, keys: { ...keys, [name]: mac } });
      }
    }
    const answer = answerOf(one, macs, [...found.values()], byMac.get(macs.K3) ?? []);
    for (const mac of Object.values(macs)) {
      const before = byMac.get(mac) ?? [];
      byMac.set(mac, [hitOf(one, mac, (before[0]?.among ?? 0) + 1), ...before].slice(0, MOST_KNOWN));
    }
    return answer;
  };
}

function answerOf(
  one: Candidate,
  macs: { K1: string; K2: string; K3: string },
  found: readonly { readonly hit: Hit; readonly keys: { K1: string; K2: string; K3: string } }[],
  atHost: readonly Hit[],
): DuplicatesFound {
  const { answer, rule, hits } = findDuplicates(
    macs,
    found.map(({ hit, keys }) => earlierOf(hit, keys)),
  );
  const shown = hits.map(({ lastSeenOnline: seen, ...hit }): Duplicate => {
    return { ...hit, rule, ...(seen && { lastSeenOnline: { at: isoInstant(seen.at), by: seen.by } }) };
  });
  const close = inTurn(shown.filter(({ match }) => match !== 'related'));
  const related = shown.filter(({ match }) => match === 'related').slice(0, MOST_RELATED);
  const among = atHost[0]?.among ?? 0;
  const others = found.filter(({ hit, keys }) => keys.K1 !== '' && isOpen(hit.state));
  const mine = { originator: one.originator, id: one.id, holders: one.holders ?? [one.originator] };
  const cases = others.map(({ hit }) => ({ originator: hit.originator, id: hit.id, holders: holdersOf(hit) }));
  return {
    // Of the host alone only where nothing closer is known: there it would be noise.
    duplicates: close.length > 0 ? close : related,
    duplicateAnswer: {
      answer,
      rule: rule ?? DUPLICATE_RULE,
      sameHost: { count: Math.min(among, LOOKED_AT), more: among >= LOOKED_AT },
      penConflict: isOpen(one.state ?? 'open') ? penConflict([mine, ...cases]) : [],
    },
  };
}

/** The first of each originator, then what there is room for; in their order. */
function inTurn(found: readonly Duplicate[]): Duplicate[] {
  const turns = new Map<string, number>();
  const first = found.filter(({ originator }) => {
    const turn = turns.get(originator) ?? 0;
    turns.set(originator, turn + 1);
    return turn < MOST_OF_ONE;
  });
  const named = new Set([...first, ...found.filter((one) => !first.includes(one))].slice(0, MOST_DUPLICATES));
  return found.filter((one) => named.has(one));
}

function holdersOf({ originator, pen }: Hit): readonly string[] {
  return pen ?? [originator];
}

function earlierOf(hit: Hit, keys: Earlier['keys']): Earlier {
  const { originator, id, state, removals, reappearances } = hit;
  const seen = lastSeen(hit);
  return {
    originator,
    id,
    keys,
    state,
    open: isOpen(state),
    ...(seen && { lastSeenOnline: seen }),
    ...((removals > 0 || reappearances > 0) && { recurrence: { removals, reappearances } }),
  };
}

/** What its originator saw stands in the reference; what was said since, in its case. The later one counts. */
function lastSeen({ originator, observed_at, seen_at, seen_by }: Hit) {
  if (seen_at !== null && seen_by !== null && (observed_at === null || seen_at >= observed_at))
    return { at: seen_at.getTime(), by: seen_by };
  return observed_at === null ? undefined : { at: observed_at.getTime(), by: originator };
}

/** One of this batch as the next ones find it. */
function hitOf({ originator, id, observedAt }: Candidate, mac: string, among: number): Hit {
  const nothing = { seen_at: null, seen_by: null, removals: 0, reappearances: 0, pen: null } as const;
  const observed_at = observedAt === undefined ? null : new Date(observedAt);
  return { mac, originator, id, position: 0, direction: 'out', state: 'open', observed_at, ...nothing, among };
}

function hexOf(mac: Uint8Array): string {
  return Buffer.from(mac).toString('hex');
}
