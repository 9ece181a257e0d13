import type { CaseReference, Receipt, Revised, Withdrawn } from '../domain/contract.types.ts';
import { type EncryptionTerms, mustEncrypt } from '../domain/encryption.ts';
import { guard } from '../domain/guard.ts';
import { EVENT_PREFIX } from '../domain/message.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { VerifiedSet } from '../wire/open.ts';
import { checkSchema } from '../wire/schema.ts';
import { gateReference } from './gate.ts';

/** What a verified message asks for once its content has passed the gates: step 8 of the verification order. */
export type Judged =
  | { readonly kind: 'reference'; readonly reference: CaseReference; readonly supersedes: string | undefined }
  | { readonly kind: 'withdrawn'; readonly content: Withdrawn }
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  | { readonly kind: 'verify' }
  | { readonly kind: 'voided' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

function refused(refusal: Refusal): Judged {
  return { kind: 'refused', refusal };
}

function judgeReference(verified: VerifiedSet, schema: 'submitted' | 'revised', loopback: boolean): Judged {
  const { claims, event } = verified;
  const id = claims.sub_id.format === 'iss_sub' ? claims.sub_id.sub : undefined;
  const [refusal] = gateReference(event.payload, { schema, codes: 'open', loopback, id });
  if (refusal) return refused(refusal);
  if (claims.sub_id.format !== 'iss_sub' || claims.sub_id.iss !== claims.iss) return refused(refuse('not-originator'));
  if (schema === 'submitted') {
    return { kind: 'reference', reference: event.payload as unknown as CaseReference, supersedes: undefined };
  }
  const { supersedes, ...reference } = event.payload as unknown as Revised;
  return { kind: 'reference', reference: reference as CaseReference, supersedes };
}

/** A reference is taken back by its originator alone. */
function judgeWithdrawn({ claims, event }: VerifiedSet): Judged {
  if (claims.sub_id.format !== 'iss_sub' || claims.sub_id.iss !== claims.iss) return refused(refuse('not-originator'));
  return { kind: 'withdrawn', content: event.payload as unknown as Withdrawn };
}

/** Events beside those that carry a reference. */
const spoken: ReadonlySet<string> = new Set(['withdrawn', 'receipt', 'verify', 'voided']);

/**
 * What this node and the partner have agreed on plain messages goes first; then the content guard, the event's schema, the
 * URL gate and authority. Pure; the policy decides afterwards. `loopback` turns the URL gate's test profile on.
 */
export function judge(verified: VerifiedSet, loopback: boolean, terms: EncryptionTerms): Judged {
  const { event } = verified;
  if (!verified.encrypted && mustEncrypt(terms)) return refused(refuse('encryption-required'));
  const name = event.name.startsWith(EVENT_PREFIX) ? event.name.slice(EVENT_PREFIX.length) : '';
  if (name === 'submitted' || name === 'revised') return judgeReference(verified, name, loopback);
  const guarded = guard(event.payload, { form: name === 'receipt' ? 'receipt' : 'event' });
  if (guarded) return refused(guarded);
  if (!spoken.has(name)) return refused(refuse('unsupported-event'));
  const [malformed] = checkSchema(name as 'verify', event.payload);
  if (malformed) return refused(malformed);
  if (name === 'receipt') return { kind: 'receipt', receipt: event.payload as unknown as Receipt };
  if (name === 'withdrawn') return judgeWithdrawn(verified);
  return { kind: name as 'verify' | 'voided' };
}
