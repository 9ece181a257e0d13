import type { StoredFacts } from './stored-facts.ts';

/** How the facts are to be read. */
export interface Judging {
  /** Nothing is under way any more: what was sent must have come and be answered, and every withdrawal be settled. */
  readonly atRest?: boolean;
  /** Issuers whose store was put back to an older state: what they said and heard since is unknown to them. */
  readonly restored?: ReadonlySet<string>;
  /** References that a node answered with 201 or took from a file, by issuer. */
  readonly answered?: ReadonlyMap<string, readonly string[]>;
  /** For how many milliseconds after the commit of a suspension something that was under way may still arrive; 1000 where absent. */
  readonly graceMs?: number;
}

/** One direction between two partners. */
export interface Line {
  readonly from: StoredFacts;
  readonly to: StoredFacts;
  readonly judging: Judging;
}
