import type { Issuer } from '../domain/contract.types.ts';
import { EVENT_PREFIX, type SetClaims } from '../domain/message.ts';
import { checkIssuer, isLoopbackIssuer } from './issuer.ts';
import { isJsonObject, type JsonObject } from './strict.ts';
import { isTokenRefusal, refuseToken, type TokenReason, type TokenRefusal } from './token-refusal.ts';

/** Clocks may differ by this much, in seconds. */
export const CLOCK_SKEW = 120;
const DAY = 86_400;
/** H: how old an `iat` may be, in seconds. */
export const HORIZON = 90 * DAY;

/** The one event of a token: its full type, which may be one that this node does not know, and its closed-by-schema payload. */
export interface ReceivedEvent {
  readonly name: string;
  readonly payload: JsonObject;
}

/** What the claims are compared with; instants and horizon in seconds. */
export interface ClaimsContext {
  readonly self: Issuer;
  readonly foreign: boolean;
  readonly now: number;
  readonly horizon: number;
}

interface Checked {
  readonly claims: SetClaims;
  readonly event: ReceivedEvent;
}

type Verdict = TokenReason | TokenRefusal | undefined;

const required = ['iss', 'aud', 'iat', 'jti', 'sub_id', 'events'] as const;
const allowed: ReadonlySet<string> = new Set([...required, 'urn:caseref:seq', 'urn:caseref:salt', 'txn', 'toe']);

const tokenId = /^[A-Za-z0-9_-]{22}$/;
const foreignTokenId = /^[A-Za-z0-9_-]{1,64}$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const transaction = /^[A-Za-z0-9._-]{1,64}$/;
const eventType = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:[\x21-\x7e]{1,128}$/;

/**
 * Step 7, after the signature has verified: the closed top level, the type of each claim, `aud`, `iat`, exactly one
 * event, and the form of `sub_id` that goes with it (RFC 8417; RFC 9493; protocol, "An event").
 */
export function checkClaims(payload: JsonObject, context: ClaimsContext): Checked | TokenRefusal {
  const verdict =
    checkMembers(payload) ??
    checkAudience(payload.aud, context.self) ??
    checkIssuedAt(payload.iat, context.now, context.horizon) ??
    checkTokenId(payload.jti, context.foreign) ??
    checkStream(payload, context.foreign) ??
    checkIgnored(payload);
  if (verdict !== undefined) return typeof verdict === 'string' ? refuseToken(verdict) : verdict;
  const event = onlyEvent(payload.events);
  if (isTokenRefusal(event)) return event;
  if (!isSubject(payload, event.name, context.self)) return refuseToken('sub-id-invalid');
  return { claims: payload as unknown as SetClaims, event };
}

/** Closed, so that nothing rides along and nothing that another reader obeys (`exp`, `nbf`, `sub`) is passed over. */
function checkMembers(payload: JsonObject): Verdict {
  return Object.keys(payload).every((name) => allowed.has(name)) ? undefined : 'claim-not-allowed';
}

/** A string and no list: a token with two audiences could be shown at the other one. */
function checkAudience(aud: unknown, self: Issuer): Verdict {
  if (typeof aud !== 'string') return 'aud-invalid';
  return aud === self ? undefined : 'audience-mismatch';
}

/** `iat` in seconds: within the horizon; up to a day ahead passes with time, more never will. */
export function checkIssuedAt(iat: unknown, now: number, horizon: number): Verdict {
  if (!isCount(iat)) return 'iat-invalid';
  if (iat < now - horizon) return 'iat-too-old';
  if (iat > now + DAY) return 'iat-far-ahead';
  return iat > now + CLOCK_SKEW ? refuseToken('iat-ahead', Math.ceil(iat - CLOCK_SKEW - now)) : undefined;
}

function checkTokenId(jti: unknown, foreign: boolean): Verdict {
  return isText(jti, foreign ? foreignTokenId : tokenId) ? undefined : 'jti-invalid';
}

function checkStream(payload: JsonObject, foreign: boolean): Verdict {
  const seq = payload['urn:caseref:seq'];
  const salt = payload['urn:caseref:salt'];
  if (!(foreign && seq === undefined) && !isPosition(seq)) return 'seq-invalid';
  return (foreign && salt === undefined) || isText(salt, tokenId) ? undefined : 'salt-invalid';
}

function isPosition(seq: unknown): boolean {
  return hasExactly(seq, ['epoch', 'n']) && isText(seq.epoch, uuid) && isCount(seq.n);
}

/** `txn` and `toe` mean nothing here; their form is still held, so that they carry nothing. */
function checkIgnored({ txn, toe }: JsonObject): Verdict {
  if (txn !== undefined && !isText(txn, transaction)) return 'txn-invalid';
  return toe === undefined || isCount(toe) ? undefined : 'toe-invalid';
}

function onlyEvent(events: unknown): ReceivedEvent | TokenRefusal {
  if (!isJsonObject(events)) return refuseToken('events-invalid');
  const [first, ...others] = Object.entries(events);
  if (first === undefined || others.length > 0) return refuseToken('event-count-invalid');
  const [name, payload] = first;
  if (!eventType.test(name)) return refuseToken('event-type-invalid');
  return isJsonObject(payload) ? { name, payload } : refuseToken('event-payload-invalid');
}

type SubjectForm = 'own-jti' | 'opaque' | 'reference' | 'either';

/** What `sub_id` is on each event of protocol version 1, whether this node speaks it or not. */
const subjectForms: ReadonlyMap<string, SubjectForm> = new Map<string, SubjectForm>([
  ...['verify', 'voided', 'inquiry'].map((name) => [EVENT_PREFIX + name, 'own-jti'] as const),
  [`${EVENT_PREFIX}answer`, 'opaque'],
  // As in the message that is answered, whichever that was.
  [`${EVENT_PREFIX}receipt`, 'either'],
  ...['submitted', 'revised', 'withdrawn', 'assessed', 'acted', 'handover', 'hold', 'clearance', 'acknowledged'].map(
    (name) => [EVENT_PREFIX + name, 'reference'] as const,
  ),
  ...['feedback', 'relayed'].map((name) => [EVENT_PREFIX + name, 'reference'] as const),
]);

function isSubject(payload: JsonObject, event: string, self: Issuer): boolean {
  const form = subjectForms.get(event) ?? 'either';
  const subject = payload.sub_id;
  if (isOpaque(subject)) {
    return form === 'opaque' || form === 'either' || (form === 'own-jti' && subject.id === payload.jti);
  }
  return (form === 'reference' || form === 'either') && isReferenceSubject(subject, payload.iss, self);
}

function isOpaque(subject: unknown): subject is JsonObject {
  return hasExactly(subject, ['format', 'id']) && subject.format === 'opaque' && isText(subject.id, foreignTokenId);
}

function isReferenceSubject(subject: unknown, sender: unknown, self: Issuer): boolean {
  if (!hasExactly(subject, ['format', 'iss', 'sub']) || subject.format !== 'iss_sub') return false;
  const { iss, sub } = subject;
  if (typeof iss !== 'string' || !isText(sub, uuid)) return false;
  return iss === sender || iss === self || checkIssuer(iss, { loopback: isLoopbackIssuer(self) }) === undefined;
}

function hasExactly(value: unknown, members: readonly string[]): value is JsonObject {
  if (!isJsonObject(value)) return false;
  return Object.keys(value).length === members.length && members.every((member) => Object.hasOwn(value, member));
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
