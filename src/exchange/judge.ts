import type { IndustryRevised, Receipt, Revised, Withdrawn } from '../domain/contract.types.ts';
import { type EncryptionTerms, mustEncrypt } from '../domain/encryption.ts';
import { guard } from '../domain/guard.ts';
import { EVENT_PREFIX } from '../domain/message.ts';
import type { ReferenceContent } from '../domain/reference.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { caseEventOf, type OpenedStatement, openStatement } from '../wire/case-event.ts';
import type { VerifiedSet } from '../wire/open.ts';
import { checkSchema } from '../wire/schema.ts';
import { eventSchema, gateReference } from './gate.ts';

/** What a verified message asks for once its content has passed the gates: step 8 of the verification order. */
export type Judged =
  | { readonly kind: 'reference'; readonly reference: ReferenceContent; readonly supersedes: string | undefined }
  | { readonly kind: 'withdrawn'; readonly content: Withdrawn }
  | { readonly kind: 'statement'; readonly opened: OpenedStatement }
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  | { readonly kind: 'verify' }
  | { readonly kind: 'voided' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

function refused(refusal: Refusal): Judged {
  return { kind: 'refused', refusal };
}

/** What this node is, as far as it decides what a message may say to it. */
export interface Judge {
  /** The URL gate's test profile. */
  readonly loopback: boolean;
  /** Our own organisation type: an industry node takes the reduced form and nothing else. */
  readonly ownType: string;
  /** What this node and the partner have agreed on plain messages. */
  readonly terms: EncryptionTerms;
}

function judgeReference(verified: VerifiedSet, name: 'submitted' | 'revised', { loopback, ownType }: Judge): Judged {
  const { claims, event } = verified;
  const id = claims.sub_id.format === 'iss_sub' ? claims.sub_id.sub : undefined;
  const schema = eventSchema(name, ownType);
  const [refusal] = gateReference(event.payload, { schema, codes: 'open', loopback, id });
  if (refusal) return refused(refusal);
  if (claims.sub_id.format !== 'iss_sub' || claims.sub_id.iss !== claims.iss) return refused(refuse('not-originator'));
  if (name === 'submitted') {
    return { kind: 'reference', reference: event.payload as unknown as ReferenceContent, supersedes: undefined };
  }
  const { supersedes, ...reference } = event.payload as unknown as Revised | IndustryRevised;
  return { kind: 'reference', reference, supersedes };
}

/** A reference is taken back by its originator alone. */
function judgeWithdrawn({ claims, event }: VerifiedSet): Judged {
  if (claims.sub_id.format !== 'iss_sub' || claims.sub_id.iss !== claims.iss) return refused(refuse('not-originator'));
  return { kind: 'withdrawn', content: event.payload as unknown as Withdrawn };
}

function judgeStated(opened: OpenedStatement | Refusal): Judged {
  return isRefusal(opened) ? refused(opened) : { kind: 'statement', opened };
}

/** Events beside those that carry a reference or say something about its case. */
const spoken: ReadonlySet<string> = new Set(['withdrawn', 'receipt', 'verify', 'voided']);

/**
 * What this node and the partner have agreed on plain messages goes first; then the content guard, the event's schema, the
 * URL gate and authority. Pure; the policy decides afterwards.
 */
export function judge(verified: VerifiedSet, own: Judge): Judged {
  const { event } = verified;
  if (!verified.encrypted && mustEncrypt(own.terms)) return refused(refuse('encryption-required'));
  const name = event.name.startsWith(EVENT_PREFIX) ? event.name.slice(EVENT_PREFIX.length) : '';
  if (name === 'submitted' || name === 'revised') return judgeReference(verified, name, own);
  const guarded = guard(event.payload, { form: name === 'receipt' ? 'receipt' : 'event' });
  if (guarded) return refused(guarded);
  const said = caseEventOf(verified);
  if (said) return judgeStated(openStatement(verified, said));
  if (!spoken.has(name)) return refused(refuse('unsupported-event'));
  const [malformed] = checkSchema(name as 'verify', event.payload);
  if (malformed) return refused(malformed);
  if (name === 'receipt') return { kind: 'receipt', receipt: event.payload as unknown as Receipt };
  if (name === 'withdrawn') return judgeWithdrawn(verified);
  return { kind: name as 'verify' | 'voided' };
}
