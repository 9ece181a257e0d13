import { hash } from 'node:crypto';

/**
 * Digest of a message: `S256:` and base64url SHA-256 over the JWS signing input (`header.payload`, RFC 7515 section
 * 5.1). Never over the compact string: an ES256 signature can be rewritten by anybody, and one message would then
 * have several digests.
 */
export function messageDigest(signingInput: string): string {
  return `S256:${hash('sha256', signingInput, 'base64url')}`;
}

/** The signing input of a compact JWS that is known to have three parts. */
export function signingInputOf(compact: string): string {
  return compact.slice(0, compact.lastIndexOf('.'));
}
