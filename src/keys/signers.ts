import { CompactSign, compactDecrypt, importJWK, type JWK } from 'jose';
import type { Decrypter, RequestSigner, Signer, SigningAlgorithm } from '../domain/secrets.ts';

/** What each kind of key may sign. The lists share no token type, so that no key can stand in for another. */
export const operationalTypes = ['secevent+jwt', 'caseref-bundle+jwt'] as const;
export const identityTypes = ['jwk-set+jwt', 'caseref-peer+jwt'] as const;
export const operatorTypes = ['caseref-approval+jwt'] as const;

interface PrivateKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly private: JWK;
}

/** A signer for the token types named and no other: a wrong `typ` is a bug of the caller, and throws. */
export async function makeSigner({ kid, alg, private: jwk }: PrivateKey, types: readonly string[]): Promise<Signer> {
  const key = await importJWK(jwk, alg);
  return {
    kid,
    alg,
    async sign(typ, payload) {
      if (!types.includes(typ)) throw new TypeError(`this key signs ${types.join(' and ')} only`);
      return await new CompactSign(payload).setProtectedHeader({ alg, typ, kid }).sign(key);
    },
  };
}

/**
 * How a signature base begins here (RFC 9421, section 2.5). A JWS signing input is base64url and dots (RFC 7515, section
 * 5.1) and holds no quotation mark, so no signature over the one verifies as a signature over the other, whoever chose them.
 */
const BASE_BEGINS = '"@method": ';
const BASE_HOLDS = '\n"@signature-params": (';

/** A signer of HTTP requests by an operational key; whatever is no signature base is a bug of the caller, and throws. */
export async function makeRequestSigner({ kid, alg, private: jwk }: PrivateKey): Promise<RequestSigner> {
  const key = await importJWK(jwk, alg);
  if (key instanceof Uint8Array) throw new TypeError('a signing key is never symmetric');
  const { name } = key.algorithm;
  return {
    kid,
    alg,
    async signBase(base) {
      if (!base.startsWith(BASE_BEGINS) || !base.includes(BASE_HOLDS))
        throw new TypeError('this key signs bases of HTTP message signatures only');
      return new Uint8Array(await crypto.subtle.sign({ name, hash: 'SHA-256' }, key, new TextEncoder().encode(base)));
    },
  };
}

/**
 * A decrypter for messages to us. Whatever does not decrypt gets one answer and no reason, small-order points (RFC 7748,
 * section 6.1) and compressed content included: a reason would be an oracle.
 */
export async function makeDecrypter({ kid, private: jwk }: Omit<PrivateKey, 'alg'>): Promise<Decrypter> {
  const key = await importJWK(jwk, 'ECDH-ES');
  const options = {
    keyManagementAlgorithms: ['ECDH-ES'],
    contentEncryptionAlgorithms: ['A256GCM'],
    maxDecompressedLength: 0,
  };
  return {
    kid,
    async decrypt(compact) {
      try {
        return (await compactDecrypt(compact, key, options)).plaintext;
      } catch {
        return undefined;
      }
    },
  };
}
