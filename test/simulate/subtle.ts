import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signNow,
  verify as verifyNow,
  type webcrypto,
} from 'node:crypto';

type Key = webcrypto.CryptoKey;
type Bytes = ArrayBuffer | NodeJS.ArrayBufferView;

/** The keys that were imported here; others, those of the database's password for one, stay with the thread pool. */
const known = new WeakMap<Key, KeyObject>();

const bytesOf = (given: Bytes): Buffer =>
  ArrayBuffer.isView(given) ? Buffer.from(given.buffer, given.byteOffset, given.byteLength) : Buffer.from(given);

const curveOf = (key: Key) => key.algorithm.name;

function signature(key: Key, object: KeyObject, content: Bytes): ArrayBuffer {
  const signed =
    curveOf(key) === 'ECDSA'
      ? signNow('sha256', bytesOf(content), { key: object, dsaEncoding: 'ieee-p1363' })
      : signNow(null, bytesOf(content), object);
  return new Uint8Array(signed).buffer;
}

function isSigned(key: Key, object: KeyObject, given: Bytes, content: Bytes): boolean {
  if (curveOf(key) === 'ECDSA') {
    const options = { key: object, dsaEncoding: 'ieee-p1363' } as const;
    return verifyNow('sha256', bytesOf(content), options, bytesOf(given));
  }
  return verifyNow(null, bytesOf(content), object, bytesOf(given));
}

function imported(jwk: webcrypto.JsonWebKey, algorithm: unknown, extractable: boolean, usages: readonly string[]): Key {
  const input = { key: jwk as never, format: 'jwk' } as const;
  const object = jwk.d === undefined ? createPublicKey(input) : createPrivateKey(input);
  const key = object.toCryptoKey(algorithm as never, extractable, usages as never) as Key;
  known.set(key, object);
  return key;
}

const hashes: Readonly<Record<string, string>> = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };

/**
 * Lets WebCrypto answer at once, by the same functions of OpenSSL in their synchronous form: its thread pool answers in an
 * order that nobody can repeat. Keys and signatures are what they were. For the whole process, and for good.
 */
export function makeCryptoRepeatable(): void {
  const { subtle } = globalThis.crypto;
  const slowly = {
    sign: subtle.sign.bind(subtle) as (...all: unknown[]) => Promise<ArrayBuffer>,
    verify: subtle.verify.bind(subtle) as (...all: unknown[]) => Promise<boolean>,
    importKey: subtle.importKey.bind(subtle) as (...all: unknown[]) => Promise<Key>,
  };
  const instead = {
    async sign(algorithm: unknown, key: Key, content: Bytes) {
      const object = known.get(key);
      return object ? signature(key, object, content) : slowly.sign(algorithm, key, content);
    },
    async verify(algorithm: unknown, key: Key, given: Bytes, content: Bytes) {
      const object = known.get(key);
      return object ? isSigned(key, object, given, content) : slowly.verify(algorithm, key, given, content);
    },
    digest: async (name: string | { name: string }, content: Bytes) => {
      const hash = createHash(hashes[typeof name === 'string' ? name : name.name] ?? '').update(bytesOf(content));
      return new Uint8Array(hash.digest()).buffer;
    },
    importKey: async (format: string, jwk: unknown, algorithm: unknown, extractable: boolean, usages: string[]) =>
      format === 'jwk'
        ? imported(jwk as webcrypto.JsonWebKey, algorithm, extractable, usages)
        : slowly.importKey(format, jwk, algorithm, extractable, usages),
  };
  for (const [name, value] of Object.entries(instead)) {
    Object.defineProperty(subtle, name, { value, configurable: true, writable: true });
  }
}
