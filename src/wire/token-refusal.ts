import type { JsonViolation } from './json-scan.ts';

/** Error codes of the push answer (RFC 8935, section 2.4), and the one word for "try again". */
export type TokenError =
  | 'invalid_request'
  | 'invalid_key'
  | 'authentication_failed'
  | 'invalid_issuer'
  | 'invalid_audience'
  | 'access_denied'
  | 'temporarily_unavailable';

/** One row a reason: what was violated, and what the sender is told. The reason itself stays in our own log. */
const errors = {
  'parts-invalid': 'invalid_request',
  'base64url-not-canonical': 'invalid_request',
  'token-too-large': 'invalid_request',
  'header-too-large': 'invalid_request',
  'header-not-object': 'invalid_request',
  'header-member-not-allowed': 'invalid_request',
  'alg-missing': 'invalid_request',
  'typ-invalid': 'invalid_request',
  'kid-missing': 'invalid_request',
  'payload-not-object': 'invalid_request',
  'enc-invalid': 'invalid_request',
  'cty-invalid': 'invalid_request',
  'epk-invalid': 'invalid_request',
  'encrypted-key-not-empty': 'invalid_request',
  'iv-or-tag-invalid': 'invalid_request',
  'encrypted-twice': 'invalid_request',
  'claim-not-allowed': 'invalid_request',
  'iat-invalid': 'invalid_request',
  'iat-too-old': 'invalid_request',
  'iat-far-ahead': 'invalid_request',
  'jti-invalid': 'invalid_request',
  'jti-reused': 'invalid_request',
  'seq-invalid': 'invalid_request',
  'salt-invalid': 'invalid_request',
  'txn-invalid': 'invalid_request',
  'toe-invalid': 'invalid_request',
  'events-invalid': 'invalid_request',
  'event-count-invalid': 'invalid_request',
  'event-type-invalid': 'invalid_request',
  'event-payload-invalid': 'invalid_request',
  'sub-id-invalid': 'invalid_request',
  'claims-invalid': 'invalid_request',
  'exp-too-far': 'invalid_request',
  'seq-below-floor': 'invalid_request',
  'seq-ahead': 'invalid_request',
  'key-set-fork': 'invalid_request',
  'kid-duplicate': 'invalid_request',
  'private-member': 'invalid_request',
  'kid-not-thumbprint': 'invalid_request',
  'key-malformed': 'invalid_request',
  'key-is-identity': 'invalid_request',
  'revoked-before-nbf': 'invalid_request',
  'endpoint-insecure': 'invalid_request',
  'epk-low-order': 'invalid_key',
  'not-decryptable': 'invalid_key',
  'alg-mismatch': 'invalid_key',
  'alg-unsupported': 'invalid_key',
  'key-not-for-signing': 'invalid_key',
  'key-not-yet-valid': 'invalid_key',
  'key-expired': 'invalid_key',
  'key-revoked': 'invalid_key',
  'not-identity-key': 'invalid_key',
  'key-set-expired': 'invalid_key',
  'signature-invalid': 'authentication_failed',
  'iss-invalid': 'invalid_issuer',
  'issuer-unknown': 'invalid_issuer',
  'issuer-mismatch': 'invalid_issuer',
  'aud-invalid': 'invalid_audience',
  'audience-mismatch': 'invalid_audience',
  'partner-pending': 'access_denied',
  'partner-suspended': 'access_denied',
  'key-sets-exceeded': 'temporarily_unavailable',
  'kid-unknown': 'temporarily_unavailable',
  'keys-stale': 'temporarily_unavailable',
  'iat-ahead': 'temporarily_unavailable',
} as const satisfies Record<string, TokenError>;

/** Why a token was refused, named by the violation; JSON violations stand for themselves. */
export type TokenReason = keyof typeof errors | Exclude<JsonViolation, 'too-large'>;

/** A token refused in verification steps 2 to 7: never a receipt, always an answer to the delivery itself. */
export interface TokenRefusal {
  readonly refusedToken: true;
  readonly status: 400 | 503;
  readonly err: TokenError;
  readonly reason: TokenReason;
  /** Seconds for `Retry-After`; given with status 503 only. */
  readonly retryAfter?: number;
}

/**
 * What the sender reads beside `err`: one constant sentence for each code, so that a description never tells whether
 * a URL is known, which policy rule spoke or what key material is held (protocol, "Push").
 */
export const descriptions: Readonly<Record<TokenError, string>> = {
  invalid_request: 'The token is not a security event token of this protocol.',
  invalid_key: 'The key or algorithm cannot be accepted.',
  authentication_failed: 'The signature does not verify.',
  invalid_issuer: 'The issuer is no partner of this node.',
  invalid_audience: 'The token is not for this node.',
  access_denied: 'The issuer may not deliver here now.',
  temporarily_unavailable: 'The token cannot be verified now; try again later.',
};

/** Makes a refusal; `retryAfter` (seconds, at least 1) belongs to the reasons that pass with time. */
export function refuseToken(reason: TokenReason, retryAfter?: number): TokenRefusal {
  const err: TokenError = reason in errors ? errors[reason as keyof typeof errors] : 'invalid_request';
  if (err !== 'temporarily_unavailable') return { refusedToken: true, status: 400, err, reason };
  return { refusedToken: true, status: 503, err, reason, retryAfter: Math.max(1, retryAfter ?? 60) };
}

/** Tells a refused token from any other value. */
export function isTokenRefusal(value: unknown): value is TokenRefusal {
  return typeof value === 'object' && value !== null && (value as { refusedToken?: unknown }).refusedToken === true;
}
