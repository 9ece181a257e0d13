import type { CaseReference } from '../domain/contract.types.ts';
import type { Decision, SendEffect } from '../domain/decision.ts';
import type { DuplicatesFound } from './duplicates.ts';
import type { Normalised } from './intake.ts';

export interface PartnerDecision {
  readonly partner: string;
  readonly decision: Decision<SendEffect>;
}

export interface Shared extends DuplicatesFound {
  readonly id: string;
  readonly reference: CaseReference;
  readonly createdAt: string;
  readonly decisions: readonly PartnerDecision[];
  readonly normalised: readonly Normalised[];
  /** True when an idempotency key gave the stored answer and nothing was done anew. */
  readonly replayed: boolean;
}
