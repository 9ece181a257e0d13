import type { Refusal } from '../domain/refusal.ts';
import type { VerifiedSet } from '../wire/open.ts';
import type { Judged } from './judge.ts';

/** A verified message with what its content asks for. */
export interface Arrival {
  readonly verified: VerifiedSet;
  readonly judged: Judged;
}

/** What a receipt says of a message beyond its identity. */
export interface Verdict {
  readonly outcome: 'accepted' | 'held' | 'refused';
  readonly refusal?: Pick<Refusal, 'code' | 'pointer'>;
}
