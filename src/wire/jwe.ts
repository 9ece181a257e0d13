import { type CryptoKey, compactDecrypt, errors, generateKeyPair } from 'jose';
import type { Decrypter } from '../domain/secrets.ts';
import { decodeCanonical, eventToken, HEADER_BYTES, readObject } from './compact.ts';
import { isJsonObject, type JsonObject } from './strict.ts';
import { isTokenRefusal, refuseToken, type TokenRefusal } from './token-refusal.ts';
import { isCoordinate, isLowOrder } from './x25519.ts';

/** A compact JWE whose header is exactly what this protocol writes; whether it decrypts is not known yet. */
export interface UnopenedJwe {
  readonly kid: string;
  readonly compact: string;
}

/** Largest encrypted message in bytes: of one signed with ML-DSA-65, and of any other. */
export const JWE_BYTES = { mlDsa: 48 * 1024, other: 24 * 1024 } as const;

const IV_BYTES = 12;
const TAG_BYTES = 16;
const headerMembers = ['alg', 'enc', 'kid', 'epk', 'typ', 'cty'] as const;
const epkMembers = ['kty', 'crv', 'x'] as const;

/** Whether a token has the five parts of a compact JWE (RFC 7516, section 7.1). */
export function hasFiveParts(compact: string): boolean {
  return compact.split('.', 6).length === 5;
}

/**
 * Step 2 for five parts: canonical bytes, strict JSON and a header of exactly `alg`, `enc`, `kid`, `epk`, `typ` and
 * `cty` (protocol, "Encryption"). Before any key is touched: jose would take another `alg` or `enc`, `zip`, and an `epk`
 * with further members.
 */
export function readJwe(compact: string): UnopenedJwe | TokenRefusal {
  const [first = '', ...rest] = compact.split('.', 6);
  const header = decodeCanonical(first);
  const [encryptedKey, iv, ciphertext, tag] = rest.map(decodeCanonical);
  if (!(header && encryptedKey && iv && ciphertext && tag)) return refuseToken('base64url-not-canonical');
  if (header.length > HEADER_BYTES) return refuseToken('header-too-large');
  const members = readObject(header, HEADER_BYTES, 'header-not-object');
  if (isTokenRefusal(members)) return members;
  const kid = checkHeader(members);
  if (isTokenRefusal(kid)) return kid;
  // ECDH-ES is direct: there is no key to carry (RFC 7518, section 4.6), and the room for one would be a hiding place.
  if (encryptedKey.length > 0) return refuseToken('encrypted-key-not-empty');
  if (iv.length !== IV_BYTES || tag.length !== TAG_BYTES) return refuseToken('iv-or-tag-invalid');
  return { kid, compact };
}

/** The `kid` of a header in which everything else is as it must be. */
function checkHeader(header: JsonObject): string | TokenRefusal {
  const { alg, enc, kid, epk, typ, cty } = header;
  if (typeof alg !== 'string') return refuseToken('alg-missing');
  // The algorithm belongs to the key that we published, as for a signature it belongs to the one that we pinned.
  if (alg !== 'ECDH-ES') return refuseToken('alg-mismatch');
  if (!onlyHas(header, headerMembers)) return refuseToken('header-member-not-allowed');
  if (enc !== 'A256GCM') return refuseToken('enc-invalid');
  if (typ !== eventToken.typ) return refuseToken('typ-invalid');
  if (cty !== 'JWT') return refuseToken('cty-invalid');
  if (typeof kid !== 'string') return refuseToken('kid-missing');
  if (!isJsonObject(epk) || !onlyHas(epk, epkMembers)) return refuseToken('epk-invalid');
  if (epk.kty !== 'OKP' || epk.crv !== 'X25519' || !isCoordinate(epk.x)) return refuseToken('epk-invalid');
  return isLowOrder(epk.x) ? refuseToken('epk-low-order') : kid;
}

/** No member but these; one that is missing is found by its value. */
function onlyHas(object: JsonObject, members: readonly string[]): boolean {
  return Object.keys(object).every((member) => members.includes(member));
}

/**
 * The content of a JWE. An unknown `kid` and a tag that does not fit are one answer, after the same work: nobody learns
 * by asking which private keys are still here.
 */
export async function openJwe(
  { kid, compact }: UnopenedJwe,
  find: ((kid: string) => Decrypter | undefined) | undefined,
): Promise<Uint8Array | TokenRefusal> {
  const content = await (find?.(kid) ?? decoy).decrypt(compact);
  return content ?? refuseToken('not-decryptable');
}

let decoyKey: Promise<CryptoKey> | undefined;

/** Stands in for a key that is not here: its private part was never anywhere else, so nothing decrypts under it. */
const decoy: Decrypter = {
  kid: '',
  async decrypt(compact) {
    decoyKey ??= generateKeyPair('ECDH-ES', { crv: 'X25519' }).then(({ privateKey }) => privateKey);
    const key = await decoyKey;
    try {
      await compactDecrypt(compact, key);
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
    return undefined;
  },
};
