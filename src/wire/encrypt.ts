import { CompactEncrypt, type CryptoKey } from 'jose';
import type { PartnerKeys } from './pinned.ts';

/** A partner's current encryption key: X25519, as `pinKeys` imported it. */
export interface EncryptionKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

const text = new TextEncoder();

/**
 * Encrypts a signed message to one partner: compact JWE, ECDH-ES with X25519 and A256GCM (RFC 7516; RFC 7518, section
 * 4.6; RFC 8037, section 3.2). A fresh ephemeral key each time, so nothing shows that a message is sent again; the
 * signed bytes inside, and with them the digest, stay the same.
 */
export function encryptSet(compact: string, to: EncryptionKey): Promise<string> {
  return new CompactEncrypt(text.encode(compact))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: to.kid, typ: 'secevent+jwt', cty: 'JWT' })
    .encrypt(to.key);
}

/**
 * The key to encrypt to at `now` (seconds since 1970): of those alive and not revoked the one that came into use last,
 * so that a partner's rotation takes effect by its `nbf` alone. Nothing where the partner has none.
 */
export function encryptionKey(keys: PartnerKeys, now: number): EncryptionKey | undefined {
  let newest: (EncryptionKey & { readonly nbf: number }) | undefined;
  for (const { kid, alg, use, key, nbf = 0, exp = Number.POSITIVE_INFINITY, revoked } of keys.keys.values()) {
    if (key === undefined || use !== 'enc' || alg !== 'ECDH-ES') continue;
    if (revoked !== undefined || nbf > now || exp <= now) continue;
    if (newest === undefined || nbf > newest.nbf) newest = { kid, key, nbf };
  }
  return newest && { kid: newest.kid, key: newest.key };
}
