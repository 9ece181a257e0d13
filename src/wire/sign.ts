import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Signer, SigningAlgorithm } from '../domain/secrets.ts';
import { eventToken, type TokenForm } from './compact.ts';
import { messageDigest, signingInputOf } from './digest.ts';
import type { SignableClaims } from './event.ts';

/** A signed token and the digest of its signing input; the bytes that are stored once and sent again unchanged. */
export interface SignedToken {
  readonly compact: string;
  readonly digest: string;
}

const text = new TextEncoder();

/** Bytes of the base64url form of a signature, by algorithm. */
const signatureBytes: Readonly<Record<SigningAlgorithm, number>> = {
  Ed25519: 86,
  EdDSA: 86,
  ES256: 86,
  'ML-DSA-65': 4412,
};

/** Base64url of `{"alg":"…","typ":"secevent+jwt","kid":"…43…"}` with the longest name of an algorithm, and two dots. */
const HEADER_BYTES = 136;

/**
 * Signs the claims of one event (RFC 8417) under the header {alg, typ, kid}. Claims come from the builders of event.ts
 * only, so a case reference gets in as a `Disclosure` or not at all. Throws a RangeError where the token would be
 * larger than its recipient takes: whoever queues an event asks `checkSetSize` first.
 */
export function signSet(claims: SignableClaims, signer: Signer): Promise<SignedToken> {
  return signToken(eventToken, claims, signer);
}

/**
 * Signs the payload of a token of our own again, byte for byte, under another key: the same message to its recipient, who
 * can tell that it is ours although the first key was lost (protocol, "Verification order": re-attestation).
 */
export async function signAgain(compact: string, signer: Signer): Promise<SignedToken> {
  const payload = Buffer.from(compact.split('.')[1] ?? '', 'base64url');
  return finish(eventToken, await signer.sign(eventToken.typ, payload), signer);
}

/** Signs any claims as a token of one form; for this folder, which has a builder in front of each form. */
export async function signToken(form: TokenForm, claims: object, signer: Signer): Promise<SignedToken> {
  return finish(form, await signer.sign(form.typ, text.encode(JSON.stringify(claims))), signer);
}

function finish(form: TokenForm, compact: string, signer: Signer): SignedToken {
  const limit = signer.alg === 'ML-DSA-65' ? form.mlDsaBytes : form.bytes;
  if (compact.length > limit) throw new RangeError(`a ${form.typ} of ${compact.length} bytes was signed; ${limit} fit`);
  return { compact, digest: messageDigest(signingInputOf(compact)) };
}

/** Whether the claims, once signed, fit into a token; the answer is a refusal `too-large` where they do not. */
export function checkSetSize(claims: SignableClaims, alg: SigningAlgorithm = 'Ed25519'): Refusal | undefined {
  const payload = Math.ceil((Buffer.byteLength(JSON.stringify(claims)) * 4) / 3);
  const limit = alg === 'ML-DSA-65' ? eventToken.mlDsaBytes : eventToken.bytes;
  if (HEADER_BYTES + payload + signatureBytes[alg] <= limit) return undefined;
  return refuse(
    'too-large',
    '',
    'The reference does not fit into one signed message.',
    'Shorten the address or its referrer.',
  );
}
