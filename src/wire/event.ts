import type { Utterance } from '../domain/authority/utterance.ts';
import type { Issuer, Receipt, SourceRef, Uuid, Voided, Withdrawn } from '../domain/contract.types.ts';
import {
  EVENT_PREFIX,
  type EventName,
  type SetClaims,
  type StreamPosition,
  type SubjectId,
} from '../domain/message.ts';
import type { Disclosure } from '../domain/redact.ts';

declare const signable: unique symbol;

/** Claims that may be signed. Only the builders below make them, and a reference enters through a `Disclosure` alone. */
export type SignableClaims = SetClaims & { readonly [signable]: true };

/** What every message has, whatever it says. `iat` in seconds since 1970; `jti` and `salt` 128 random bits, base64url. */
export interface Envelope {
  readonly iss: Issuer;
  readonly aud: Issuer;
  readonly iat: number;
  readonly jti: string;
  readonly seq: StreamPosition;
  readonly salt: string;
}

/** The message that a receipt answers: its `jti`, digest and subject as they were received. */
export interface AnsweredMessage {
  readonly jti: string;
  readonly digest: string;
  readonly sub_id: SubjectId;
}

/** First disclosure of our own reference to this recipient. */
export function submittedClaims(envelope: Envelope, id: Uuid, disclosure: Disclosure): SignableClaims {
  return claimsOf(envelope, ownReference(envelope, id), 'submitted', { ...disclosure });
}

/** A later revision; `supersedes` is the digest of the message last sent to this recipient about the reference. */
export function revisedClaims(
  envelope: Envelope,
  id: Uuid,
  disclosure: Disclosure,
  supersedes: string,
): SignableClaims {
  return claimsOf(envelope, ownReference(envelope, id), 'revised', { ...disclosure, supersedes });
}

/** The originator takes its reference back. */
export function withdrawnClaims(envelope: Envelope, id: Uuid, withdrawal: Withdrawn): SignableClaims {
  return claimsOf(envelope, ownReference(envelope, id), 'withdrawn', { ...withdrawal });
}

/** What this node says about a reference, its own or a partner's; `toe` says when, on every copy alike. */
export function statedClaims(
  envelope: Envelope,
  reference: SourceRef,
  { event, payload, said }: Utterance,
): SignableClaims {
  const subject: SubjectId = { format: 'iss_sub', ...reference };
  return { ...claimsOf(envelope, subject, event, { ...payload }), ...timeOf(envelope, said) };
}

/** What a party said about our reference, told to another holder of it; `jti` and `digest` of the message in which it was said. */
export function relayedClaims(
  envelope: Envelope,
  id: Uuid,
  { event, payload, said, by }: Utterance,
  { jti, digest }: Pick<AnsweredMessage, 'jti' | 'digest'>,
): SignableClaims {
  const relayed = { by, event, jti, digest, body: payload };
  return { ...claimsOf(envelope, ownReference(envelope, id), 'relayed', relayed), ...timeOf(envelope, said) };
}

/** Time of event (RFC 8417), in seconds; never after the time of issue. */
function timeOf({ iat }: Envelope, said: number): { toe: number } {
  return { toe: Math.min(Math.floor(said / 1000), iat) };
}

/** What became of a received message; its subject is that of the message. */
export function receiptClaims(
  envelope: Envelope,
  answered: AnsweredMessage,
  outcome: Omit<Receipt, 'for' | 'digest'>,
): SignableClaims {
  const payload = { for: { jti: answered.jti }, digest: answered.digest, ...outcome };
  return claimsOf(envelope, answered.sub_id, 'receipt', payload);
}

/** Asks for a receipt and nothing else: a true round trip. */
export function verifyClaims(envelope: Envelope): SignableClaims {
  return claimsOf(envelope, ownMessage(envelope), 'verify', {});
}

/** Covers numbers of our stream that will never arrive. */
export function voidedClaims(envelope: Envelope, voided: Voided): SignableClaims {
  return claimsOf(envelope, ownMessage(envelope), 'voided', { ...voided });
}

function ownReference({ iss }: Envelope, sub: Uuid): SubjectId {
  return { format: 'iss_sub', iss, sub };
}

function ownMessage({ jti }: Envelope): SubjectId {
  return { format: 'opaque', id: jti };
}

function claimsOf(
  { iss, aud, iat, jti, seq, salt }: Envelope,
  sub_id: SubjectId,
  name: EventName,
  payload: Readonly<Record<string, unknown>>,
): SignableClaims {
  const events = { [EVENT_PREFIX + name]: payload };
  const claims: SetClaims = { iss, aud, iat, jti, sub_id, 'urn:caseref:seq': seq, 'urn:caseref:salt': salt, events };
  return claims as SignableClaims;
}
