import type { Issuer } from './contract.types.ts';

/** Version of the rule below; stands on each answer, so that counts of different rules are never added up. */
export const DUPLICATE_RULE = '1';

/**
 * The match keys of an address (protocol, "Match keys"), or digests of them: they are compared and never read. K1 is the address,
 * K2 the address without its fragment, K3 its host.
 */
export interface Keys {
  readonly K1: string;
  readonly K2: string;
  readonly K3: string;
}

/** Same address; same but for the fragment; same host alone. */
export type Match = 'known' | 'possible' | 'related';

/** A reference that is here already. */
export interface Earlier {
  readonly originator: Issuer;
  readonly id: string;
  readonly keys: Keys;
  readonly state: string;
  readonly open: boolean;
  /** When it was last seen online, in milliseconds since 1970, and by whom. */
  readonly lastSeenOnline?: { readonly at: number; readonly by: Issuer };
  /** How often it was removed, and reappeared: history that is counted and shown, and never a flag. */
  readonly recurrence?: { readonly removals: number; readonly reappearances: number };
}

export interface DuplicateHit extends Omit<Earlier, 'keys'> {
  readonly match: Match;
}

export interface DuplicateAnswer {
  readonly answer: Match | 'new';
  readonly rule: typeof DUPLICATE_RULE;
  /** The closest first, open ones before closed ones, then what was seen online last. */
  readonly hits: readonly DuplicateHit[];
}

const outcomes: readonly string[] = ['removed', 'unavailable', 'not-illegal'];

/** Whether work on a reference in this state is still open; of states that are shown. */
export function isOpen(state: string): boolean {
  return !outcomes.includes(state);
}

const closeness: readonly Match[] = ['known', 'possible', 'related'];

/**
 * What this node knows of an address before work starts: known, possible, related by its host, or new. It tells and does nothing: no
 * answer closes, hides or lowers a report, and none travels by itself to a partner.
 */
export function findDuplicates(keys: Keys, earlier: readonly Earlier[]): DuplicateAnswer {
  const hits = earlier.flatMap(({ keys: theirs, ...one }): DuplicateHit[] => {
    const match = matchOf(keys, theirs);
    return match === undefined ? [] : [{ ...one, match }];
  });
  hits.sort(
    (a, b) =>
      closeness.indexOf(a.match) - closeness.indexOf(b.match) ||
      Number(b.open) - Number(a.open) ||
      (b.lastSeenOnline?.at ?? 0) - (a.lastSeenOnline?.at ?? 0) ||
      (nameOf(a) < nameOf(b) ? -1 : 1),
  );
  return { answer: hits[0]?.match ?? 'new', rule: DUPLICATE_RULE, hits };
}

function matchOf(ours: Keys, theirs: Keys): Match | undefined {
  if (ours.K1 === theirs.K1) return 'known';
  if (ours.K2 === theirs.K2) return 'possible';
  return ours.K3 === theirs.K3 ? 'related' : undefined;
}

function nameOf({ originator, id }: DuplicateHit): string {
  return `${originator} ${id}`;
}
