import { nextAttemptDelay } from './backoff.ts';

/** What came of posting one token: the answer of the recipient, or that there was none. */
export type PostOutcome =
  | { readonly status: 'accepted' }
  | { readonly status: 'refused'; readonly http: number; readonly err?: string; readonly retryAfterMs?: number }
  | { readonly status: 'unreachable'; readonly code: string; readonly retryAfterMs?: number };

/** What the sender does after an attempt (protocol, table of push answers). */
export interface NextStep {
  readonly state: 'sent' | 'queued' | 'dead';
  /** Why it was not taken, as a stable word; null once it was. */
  readonly code: string | null;
  /** Milliseconds until the next attempt; 0 where there is none. */
  readonly delayMs: number;
}

const DAY = 86_400_000;
/** How long delivery is tried before a person has to look. */
export const LIFE_MS = 14 * DAY;
/** How long a withdrawal is tried: nobody takes a message that is older (protocol, "Identifiers and formats"). */
export const HORIZON_MS = 90 * DAY;
/** Long enough for a refresh of the recipient's key set, of which there is at most one a minute. */
const KEY_RETRY_MS = 90_000;
const SOON_MS = 1000;

/** Answers that another attempt with the same bytes cannot change. */
const final = new Set(['invalid_request', 'authentication_failed', 'invalid_audience']);
/** Answers that only people on the other side can change: asked again once a day. */
const patient = new Set(['invalid_issuer', 'access_denied']);

/** Nothing was sent: the partner's circuit breaker lets nothing through now. */
export const PARTNER_AWAY = 'partner-away';

/** Below HTTP, what happens before the first byte of a message is on its way. */
const before: ReadonlySet<string> = new Set([
  'connection-refused',
  'name-unresolved',
  'tls-refused',
  'address-refused',
  'endpoint-invalid',
  'endpoint-insecure',
  'encryption-key-missing',
  'algorithm-not-shared',
  PARTNER_AWAY,
  // Given up in the outbox, where nothing more was tried.
  'expired',
  'unfetched',
]);

/** Codes of attempts that found nobody there, or nobody who had time: where a gateway answers, its word for it. */
export const absentCodes: ReadonlySet<string> = new Set([
  'connection-refused',
  'connection-lost',
  'connection-failed',
  'timeout',
  'name-unresolved',
  'tls-refused',
  'http-429',
  'http-502',
  'http-503',
  'http-504',
]);

/** Codes of attempts that were refused because of who we are to the partner. */
export const unwillingCodes: ReadonlySet<string> = patient;

/** What a partner's refusal of who we are means; undefined for every other code. Sentences about "it", the partner. */
export function unwillingMeaning(code: string | null | undefined): string | undefined {
  if (code === 'invalid_issuer')
    return 'it does not know this node: no card of ours was added there, or we were removed';
  if (code === 'access_denied') return 'it has not confirmed this node yet, or has suspended it';
  return undefined;
}

/** Only the partner's operator can see and mend what it has of us. */
export function askAboutUs(self: string): string {
  return `Call its operator, who looks and mends it there: caseref partner show ${self}`;
}

/** Whether the recipient may have taken it: it said so, or its answer was lost or made by something in front of it. */
export function mayHaveArrived(outcome: PostOutcome): boolean {
  if (outcome.status === 'accepted') return true;
  if (outcome.status === 'unreachable') return !before.has(outcome.code);
  // A node says 202, or 400 with its code; what it turns away unread is another 4xx. Everything else was said by somebody in
  // between, who may have passed the message on first.
  return outcome.err === undefined && (outcome.http <= 400 || outcome.http >= 500);
}

function unreachableCode(outcome: Exclude<PostOutcome, { status: 'accepted' }>): string {
  if (outcome.status === 'unreachable') return outcome.code;
  return outcome.err ?? `http-${outcome.http}`;
}

/**
 * Decides what becomes of a delivery after an attempt; pure. `attempts` counts this one, `ageMs` is the time since it
 * was queued, `everlasting` is a withdrawal: tried to the horizon, and daily once
 * others are given up; `lastCode` is what the attempt before came to, `random` is from 0 to 1.
 */
export function afterAttempt(
  outcome: PostOutcome,
  delivery: {
    readonly attempts: number;
    readonly ageMs: number;
    readonly everlasting: boolean;
    readonly lastCode: string | null;
    /** The key that signed it was revoked while it was under way: it is signed again. */
    readonly keyLost: boolean;
  },
  random: number,
): NextStep {
  if (outcome.status === 'accepted') return { state: 'sent', code: null, delayMs: 0 };
  const code = unreachableCode(outcome);
  const err = outcome.status === 'refused' && outcome.http === 400 ? outcome.err : undefined;
  if (err !== undefined && final.has(err)) return { state: 'dead', code, delayMs: 0 };
  // Once more with the keys of this moment, when ours and the recipient's have been looked at again.
  if (err === 'invalid_key' && delivery.lastCode === err) return { state: 'dead', code, delayMs: 0 };
  if (err === 'invalid_key') return { state: 'queued', code, delayMs: delivery.keyLost ? SOON_MS : KEY_RETRY_MS };
  const life = delivery.everlasting ? HORIZON_MS : LIFE_MS;
  if (delivery.ageMs > life) return { state: 'dead', code: 'expired', delayMs: 0 };
  const isOld = delivery.ageMs > LIFE_MS;
  if (isOld || (err !== undefined && patient.has(err))) return { state: 'queued', code, delayMs: DAY };
  const asked = outcome.retryAfterMs ?? 0;
  const delayMs = Math.min(Math.max(asked, nextAttemptDelay(delivery.attempts, random)), DAY);
  return { state: 'queued', code, delayMs };
}
