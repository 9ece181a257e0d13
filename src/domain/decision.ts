import type { HostNotice } from './authority/notice.ts';
import type { CodeLists } from './code-lists.ts';
import type { CaseReference, Issuer, Policy, When } from './contract.types.ts';
import type { RefusalCode } from './refusal.ts';

export type SendEffect = 'send' | 'hold' | 'withhold';
export type ReceiveEffect = 'accept' | 'hold' | 'refuse';

/** What one clause asked for and the codes that were there: references to what was compared, never the address itself. */
export interface ComparedClause {
  readonly member: string;
  readonly wanted: readonly string[];
  readonly found: readonly string[];
}

/** The first clause of a rule that did not match. */
export type FailedClause = ComparedClause;

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
  /** Every clause of a rule that matched, or of a deny that applied. */
  readonly compared?: readonly ComparedClause[];
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

export type PartnerState = 'active' | 'pending' | 'suspended';

/** A partner as the operator recorded it at confirmation; what its card says does not count. */
export interface PartnerFacts {
  readonly issuer: Issuer;
  readonly type: string;
  readonly jurisdictions: readonly string[];
}

/** What can be decided: a whole reference, or the reduced form, which says nothing of places, assessments or time. */
export type DecidableReference = Omit<CaseReference, 'jurisdiction'> & Partial<Pick<CaseReference, 'jurisdiction'>>;

/** Everything that a decision to send depends on. `now` in milliseconds since 1970. */
export interface SendInput {
  readonly reference: CaseReference;
  readonly self: Issuer;
  /** Our own recorded jurisdictions: what is domestic, what is a transfer to a third country. */
  readonly home: readonly string[];
  readonly partner: PartnerFacts & { readonly state: PartnerState };
  /** The effective policy of this partner; another partner's is treated as none. */
  readonly policy: Policy | undefined;
  readonly denies: readonly Deny[];
  /** Whether the address stands at a host of this deny, by match keys K3 and K4. */
  readonly hostMatches?: (deny: Deny) => boolean;
  /** What holds and clearances say of telling the host; absent, nothing was said and the marking decides. */
  readonly notice?: HostNotice;
  /** The code lists of this node; absent, those of the release. */
  readonly codes?: CodeLists | undefined;
  readonly now: number;
}

/** Everything that a decision on what came in depends on. `now` in milliseconds since 1970. */
export interface ReceiveInput {
  readonly reference: DecidableReference;
  readonly originator: PartnerFacts;
  readonly policy: Policy | undefined;
  /** As for sending. */
  readonly codes?: CodeLists | undefined;
  readonly now: number;
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
