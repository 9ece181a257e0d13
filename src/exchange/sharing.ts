import type { CaseReference } from '../domain/contract.types.ts';
import type { Decision, SendEffect } from '../domain/decision.ts';
import type { Normalised } from './intake.ts';

export interface PartnerDecision {
  readonly partner: string;
  readonly decision: Decision<SendEffect>;
}

/** Another reference to the same address: `known` (same address) or `possible` (same but for the fragment). */
export interface Duplicate {
  readonly originator: string;
  readonly id: string;
  readonly match: 'known' | 'possible';
  readonly state: string;
}

export interface Shared {
  readonly id: string;
  readonly reference: CaseReference;
  readonly createdAt: string;
  readonly decisions: readonly PartnerDecision[];
  readonly duplicates: readonly Duplicate[];
  readonly normalised: readonly Normalised[];
  /** True when an idempotency key gave the stored answer and nothing was done anew. */
  readonly replayed: boolean;
}
