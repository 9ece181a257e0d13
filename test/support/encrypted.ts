import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { Decrypter } from '../../src/domain/secrets.ts';
import type { KeyRecord } from '../../src/wire/pinned.ts';
import { encode, type Json, makeToken, now, thumbprintOf } from './tokens.ts';

// Encrypted tokens made and opened by hand with node:crypto (RFC 7516; RFC 7518, section 4.6.2; RFC 8037, section 3.2).

export interface EncryptionKey {
  readonly kid: string;
  readonly jwk: { readonly kty: string; readonly crv: string; readonly x: string };
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function encryptionKeyPair(): EncryptionKey {
  const pair = generateKeyPairSync('x25519');
  const jwk = publicPart(pair.publicKey);
  return { ...pair, jwk, kid: thumbprintOf(jwk) };
}

function publicPart(key: KeyObject): EncryptionKey['jwk'] {
  const { x = '' } = key.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'X25519', x };
}

/** The key that this node publishes for messages to it. */
export const encryption = encryptionKeyPair();

export function encryptionRecord(key: EncryptionKey = encryption, changes: Partial<KeyRecord> = {}): KeyRecord {
  const { kid, jwk } = key;
  return { kid, alg: 'ECDH-ES', use: 'enc', jwk, nbf: now - 86_400, exp: now + 86_400, ...changes };
}

const uint32 = (value: number) =>
  Buffer.from([value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 255));

/** The content key of one shared secret: Concat KDF in one round, no party named. */
function contentKey(secret: Uint8Array): Buffer {
  const algorithm = Buffer.concat([uint32(7), Buffer.from('A256GCM')]);
  const other = Buffer.concat([algorithm, uint32(0), uint32(0), uint32(256)]);
  return createHash('sha256').update(uint32(1)).update(secret).update(other).digest();
}

export interface JweParts {
  /** What is encrypted; an honest token where absent. */
  readonly content?: string | Uint8Array;
  readonly to?: EncryptionKey;
  /** Members of the header to put beside or in place of the honest ones; `undefined` takes one away. */
  readonly header?: Json;
  /** The whole header as text. */
  readonly headerText?: string;
  /** In place of what both keys agree on. */
  readonly secret?: Uint8Array;
  readonly encryptedKey?: Uint8Array;
  readonly ivBytes?: number;
  /** In place of a random one. */
  readonly iv?: Uint8Array;
  readonly ephemeral?: KeyObject;
}

/** An encrypted token: honest where nothing is said, and decryptable wherever the parts leave it so. */
export function makeJwe(parts: JweParts = {}): string {
  const { content = makeToken(), to = encryption, encryptedKey = Buffer.alloc(0), ivBytes = 12 } = parts;
  const privateKey = parts.ephemeral ?? generateKeyPairSync('x25519').privateKey;
  const secret = parts.secret ?? diffieHellman({ privateKey, publicKey: to.publicKey });
  const epk = publicPart(createPublicKey(privateKey));
  const honest = { alg: 'ECDH-ES', enc: 'A256GCM', kid: to.kid, epk, typ: 'secevent+jwt', cty: 'JWT' };
  const header = encode(parts.headerText ?? JSON.stringify({ ...honest, ...parts.header }));
  const iv = parts.iv ?? randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', contentKey(secret), iv).setAAD(Buffer.from(header));
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  return [header, ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map(encode)].join('.');
}

/** Looks up our private keys, as a node's key store does. */
export function decrypterOf(
  ...keys: readonly Pick<EncryptionKey, 'kid' | 'privateKey'>[]
): (kid: string) => Decrypter | undefined {
  return (wanted) => {
    const found = keys.find(({ kid }) => kid === wanted);
    return found && { kid: wanted, decrypt: async (compact) => decrypt(compact, found.privateKey) };
  };
}

function decrypt(compact: string, privateKey: KeyObject): Uint8Array | undefined {
  const [header = '', , iv = '', ciphertext = '', tag = ''] = compact.split('.');
  try {
    const { epk } = JSON.parse(Buffer.from(header, 'base64url').toString());
    const publicKey = createPublicKey({ key: epk, format: 'jwk' });
    const key = contentKey(diffieHellman({ privateKey, publicKey }));
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
      .setAAD(Buffer.from(header))
      .setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([decipher.update(ciphertext, 'base64url'), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A partner whose messages this node can decrypt. */
export const readable = { decrypter: decrypterOf(encryption) } as const;
