import type { Issuer, When } from './contract.types.ts';
import type { RefusalCode } from './refusal.ts';

export type SendEffect = 'send' | 'hold' | 'withhold';
export type ReceiveEffect = 'accept' | 'hold' | 'refuse';

/** The first clause of a rule that did not match, with references to what was compared, never the address itself. */
export interface FailedClause {
  readonly member: string;
  readonly wanted: readonly string[];
  readonly found: readonly string[];
}

export interface TraceStep {
  /** What kind of thing was asked: `legal` covers basis, review and transfer; `marking` covers terms of onward use. */
  readonly kind: 'deny' | 'legal' | 'partner' | 'marking' | 'rule' | 'default';
  /** Id of the rule or deny, or the name of the gate. */
  readonly id: string;
  /** Whether this step spoke: the deny applied (or could not be ruled out), the gate stopped, the rule matched. */
  readonly matched: boolean;
  /** What a step that spoke asked for; the most restrictive of these is the decision. */
  readonly effect?: SendEffect | ReceiveEffect;
  readonly failed?: FailedClause;
  /** One plain sentence for `explain`. */
  readonly note?: string;
}

/** The stored answer to "why was it sent, or why not". */
export interface Decision<Effect extends string = SendEffect | ReceiveEffect> {
  readonly effect: Effect;
  /** Id of what decided: a rule id, `deny:<id>`, or a gate such as `legal-basis`. */
  readonly rule: string;
  readonly code?: RefusalCode;
  readonly policyVersion: number;
  readonly trace: readonly TraceStep[];
  /** The nearest change that would turn the outcome, in one plain sentence. */
  readonly change?: string;
  /** Members of the reference that leave, for effect `send` (and `hold`, would leave). */
  readonly disclosed?: readonly string[];
}

/** A partner as the operator recorded it at confirmation; what its card says does not count. */
export interface PartnerFacts {
  readonly issuer: Issuer;
  readonly type: string;
  readonly jurisdictions: readonly string[];
}

/** An organisation-wide deny: no rule of any partner overrides it, and an absent or unknown value holds. */
export interface Deny {
  readonly id: string;
  /** Destination jurisdictions as recorded for the partner; absent: every destination. */
  readonly destination?: readonly string[];
  /** Conditions on the reference, as in a policy rule; absent: every reference. */
  readonly when?: When;
  /** Hosts or registrable domains; compared through match keys K3 and K4 only. */
  readonly hosts?: readonly string[];
  readonly ground: 'legal' | 'death-penalty' | 'human-rights' | 'sanctions' | 'mandate';
}
