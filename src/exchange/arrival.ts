import type { Receipt } from '../domain/contract.types.ts';
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
  readonly outcome: Receipt['outcome'];
  readonly refusal?: Pick<Refusal, 'code' | 'pointer'>;
  /** Why and until when something withdrawn is kept. */
  readonly kept?: { readonly code: string; readonly until: string };
  /** Until when backups may still hold what was purged. */
  readonly backupsUntil?: string;
  /** What a withdrawal that took effect asked for: why, and when it is to be erased. */
  readonly recall?: { readonly reason: string; readonly purgeAfter: Date | null };
}
