import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { DataKey, MatchKeyName, Place, Vault } from '../domain/secrets.ts';

const VERSION = 1;
const NONCE = 12;
const TAG = 16;

/** A key object instead of bytes: with bytes, each call of cipher or HMAC costs three to seven times as much. */
function subkey(master: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', master, new Uint8Array(0), `caseref 1 ${purpose}`, 32)));
}

/** Each part with its length in front, so that no two places give the same bytes. */
function associated(parts: readonly string[]): Buffer {
  const chunks = [Buffer.from([VERSION])];
  for (const part of parts) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    chunks.push(length, bytes);
  }
  return Buffer.concat(chunks);
}

/** Version, 96-bit random nonce, ciphertext, tag. A data key encrypts a handful of values, so random nonces cannot meet. */
function encrypt(key: KeyObject, plain: Uint8Array, aad: Buffer): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([Buffer.from([VERSION]), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: KeyObject, sealed: Uint8Array, aad: Buffer): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < 1 + NONCE + TAG || bytes[0] !== VERSION) throw new Error('a ciphertext has an unknown version');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + NONCE))
    .setAAD(aad)
    .setAuthTag(bytes.subarray(-TAG));
  return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE, -TAG)), decipher.final()]);
}

/**
 * The vault over one 32-byte master key. Separate keys by HKDF-SHA-256 (RFC 5869) for wrapping, for each blind index and
 * for each purpose of `digest`; losing the master key loses every address, and destroying a wrapped key loses one.
 */
export function createVault(master: Uint8Array): Vault {
  const wrapping = subkey(master, 'wrap');
  const names: readonly MatchKeyName[] = ['K1', 'K2', 'K3', 'K4'];
  const indexKeys = new Map(names.map((name) => [name, subkey(master, `index ${name}`)]));
  const digestKeys = new Map<string, KeyObject>();

  function digestKey(purpose: string): KeyObject {
    const known = digestKeys.get(purpose);
    if (known) return known;
    const made = subkey(master, `digest ${purpose}`);
    digestKeys.set(purpose, made);
    return made;
  }

  return {
    newDataKey(owner) {
      const bytes = randomBytes(32);
      return { key: { bytes }, wrapped: encrypt(wrapping, bytes, associated(['data key', owner])) };
    },
    unwrap(wrapped, owner): DataKey {
      return { bytes: decrypt(wrapping, wrapped, associated(['data key', owner])) };
    },
    seal: (key, place, plain) => encrypt(createSecretKey(key.bytes), plain, associated(partsOf(place))),
    open: (key, place, sealed) => decrypt(createSecretKey(key.bytes), sealed, associated(partsOf(place))),
    index: (name, value) =>
      createHmac('sha256', indexKeys.get(name) as KeyObject)
        .update(`${name}\0${value}`)
        .digest(),
    digest: (purpose, value) => createHmac('sha256', digestKey(purpose)).update(value).digest(),
  };
}

function partsOf({ table, row, column }: Place): string[] {
  return ['value', table, row, column];
}
