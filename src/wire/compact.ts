import { isJsonFault, isJsonObject, type JsonObject, parseStrict } from './strict.ts';
import { isTokenRefusal, refuseToken, type TokenReason, type TokenRefusal } from './token-refusal.ts';

/** The token types of protocol version 1; a verifier is built for exactly one. */
export type TokenType = 'secevent+jwt' | 'jwk-set+jwt' | 'caseref-peer+jwt' | 'caseref-approval+jwt';

/** One row of the protocol's table of token types, with its size limit in bytes of the compact form. */
export interface TokenForm {
  readonly typ: TokenType;
  readonly bytes: number;
  /** The limit where the header names ML-DSA-65, whose signature alone takes 4.4 KB. */
  readonly mlDsaBytes: number;
}

export const eventToken: TokenForm = { typ: 'secevent+jwt', bytes: 16 * 1024, mlDsaBytes: 24 * 1024 };
export const keySetToken: TokenForm = { typ: 'jwk-set+jwt', bytes: 64 * 1024, mlDsaBytes: 64 * 1024 };
export const peerCardToken: TokenForm = { typ: 'caseref-peer+jwt', bytes: 96 * 1024, mlDsaBytes: 96 * 1024 };

/** A compact JWS that has passed steps 2 to 4 of the verification order; nothing about it is proven yet. */
export interface UnverifiedJws {
  readonly alg: string;
  readonly kid: string;
  readonly payload: JsonObject;
  readonly signingInput: string;
  readonly compact: string;
}

/** The longest protected header, decoded. */
export const HEADER_BYTES = 1024;
const headerMembers: ReadonlySet<string> = new Set(['alg', 'typ', 'kid']);

/**
 * Steps 2 to 4: canonical bytes, strict JSON, and a header of exactly `alg`, `typ` and `kid` (RFC 7515, section 7.1).
 * In front of jose because jose takes a non-canonical base64url tail, duplicate members, a byte order mark and any
 * spelling of `typ`: two parsers could read two messages in one token.
 */
export function readCompact(source: string | Uint8Array, form: TokenForm): UnverifiedJws | TokenRefusal {
  if (source.length > form.mlDsaBytes) return refuseToken('token-too-large');
  const compact = textOf(source);
  const parts = decodeParts(compact);
  if (isTokenRefusal(parts)) return parts;
  const header = readHeader(parts.header, form.typ);
  if (isTokenRefusal(header)) return header;
  if (header.alg !== 'ML-DSA-65' && compact.length > form.bytes) return refuseToken('token-too-large');
  const payload = readObject(parts.payload, form.mlDsaBytes, 'payload-not-object');
  if (isTokenRefusal(payload)) return payload;
  return { ...header, payload, signingInput: compact.slice(0, compact.lastIndexOf('.')), compact };
}

/** A token as text, byte for byte: what is not ASCII stays visible and is no base64url. */
export function textOf(source: string | Uint8Array): string {
  if (typeof source === 'string') return source;
  return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString('latin1');
}

function decodeParts(compact: string): { header: Uint8Array; payload: Uint8Array } | TokenRefusal {
  const parts = compact.split('.', 4);
  if (parts.length !== 3) return refuseToken('parts-invalid');
  const [header, payload, signature] = parts.map(decodeCanonical);
  return header && payload && signature ? { header, payload } : refuseToken('base64url-not-canonical');
}

/** Decodes a part that encodes back to itself: no padding, white space, foreign letters or stray bits in the tail. */
export function decodeCanonical(part: string): Uint8Array | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

function readHeader(bytes: Uint8Array, typ: TokenType): { alg: string; kid: string } | TokenRefusal {
  if (bytes.length > HEADER_BYTES) return refuseToken('header-too-large');
  const header = readObject(bytes, HEADER_BYTES, 'header-not-object');
  if (isTokenRefusal(header)) return header;
  const { alg, kid } = header;
  if (Object.keys(header).some((member) => !headerMembers.has(member))) return refuseToken('header-member-not-allowed');
  if (typeof alg !== 'string') return refuseToken('alg-missing');
  if (header.typ !== typ) return refuseToken('typ-invalid');
  if (typeof kid !== 'string') return refuseToken('kid-missing');
  return { alg, kid };
}

/** One JSON object under the strict rules of step 3; `otherwise` says what a value of another kind is refused as. */
export function readObject(bytes: Uint8Array, limit: number, otherwise: TokenReason): JsonObject | TokenRefusal {
  const read = parseStrict(bytes, { bytes: limit });
  if (isJsonFault(read)) return refuseToken(read.violation === 'too-large' ? 'token-too-large' : read.violation);
  return isJsonObject(read.value) ? read.value : refuseToken(otherwise);
}
