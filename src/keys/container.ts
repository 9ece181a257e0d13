import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { type Refusal, refuse } from '../domain/refusal.ts';

const derive = promisify<Buffer, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** Work factors of scrypt (RFC 7914): N = 2^17, r = 8, p = 1 take about 128 MiB and half a second. */
const DEFAULT_COST = 2 ** 17;
const LEAST_COST = 2 ** 14;
/** 256 MiB: a planted file must not be able to ask for all memory. */
const MOST_COST = 2 ** 18;
const R = 8;

interface Header {
  readonly caseref: 'key-file';
  readonly version: 1;
  readonly holds: string;
  readonly kdf: 'scrypt';
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly nonce: string;
}

function headerBytes(header: Header): Buffer {
  return Buffer.from(JSON.stringify(header));
}

async function keyOf(passphrase: string, header: Header): Promise<Buffer> {
  const { n, r, p, salt } = header;
  // NFKC, so that the same words open the file whichever keyboard typed them.
  const words = Buffer.from(passphrase.normalize('NFKC'));
  try {
    return await derive(words, Buffer.from(salt, 'base64url'), 32, { N: n, r, p, maxmem: 256 * n * r });
  } finally {
    words.fill(0);
  }
}

/**
 * Encrypts secrets under a passphrase: scrypt, then AES-256-GCM with the whole header as associated data, so that no
 * parameter can be changed unseen. `holds` names what is inside, so that one file cannot pass for another.
 */
export async function lockSecrets(
  holds: string,
  secrets: unknown,
  passphrase: string,
  cost = DEFAULT_COST,
): Promise<string> {
  if (cost < LEAST_COST || cost > MOST_COST) throw new RangeError('the cost of the key derivation is out of bounds');
  const salt = randomBytes(16).toString('base64url');
  const nonce = randomBytes(12);
  const header: Header = {
    caseref: 'key-file',
    version: 1,
    holds,
    kdf: 'scrypt',
    n: cost,
    r: R,
    p: 1,
    salt,
    nonce: nonce.toString('base64url'),
  };
  const key = await keyOf(passphrase, header);
  const plain = Buffer.from(JSON.stringify(secrets));
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(headerBytes(header));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  plain.fill(0);
  key.fill(0);
  return `${JSON.stringify({ header, sealed: sealed.toString('base64url') })}\n`;
}

function readHeader(value: unknown, holds: string): Header | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { caseref, version, holds: held, kdf, n, r, p, salt, nonce } = value as Record<string, unknown>;
  if (caseref !== 'key-file' || version !== 1 || held !== holds || kdf !== 'scrypt' || r !== R || p !== 1)
    return undefined;
  if (!isWhole(n) || n < LEAST_COST || n > MOST_COST || (n & (n - 1)) !== 0) return undefined;
  if (typeof salt !== 'string' || typeof nonce !== 'string') return undefined;
  return { caseref, version, holds: held, kdf, n, r, p, salt, nonce };
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

/** Opens what `lockSecrets` made; `passphrase-wrong` also for a file that was changed, which cannot be told apart. */
export async function unlockSecrets(holds: string, text: string, passphrase: string): Promise<unknown | Refusal> {
  let container: { header?: unknown; sealed?: unknown };
  try {
    container = (JSON.parse(text) ?? {}) as typeof container;
  } catch {
    return damaged(holds);
  }
  const header = readHeader(container.header, holds);
  if (!header || typeof container.sealed !== 'string') return damaged(holds);
  const sealed = Buffer.from(container.sealed, 'base64url');
  if (sealed.length < 16) return damaged(holds);
  const key = await keyOf(passphrase, header);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(header.nonce, 'base64url'))
      .setAAD(headerBytes(header))
      .setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    const secrets: unknown = JSON.parse(plain.toString('utf8'));
    plain.fill(0);
    return secrets;
  } catch {
    return refuse('passphrase-wrong');
  } finally {
    key.fill(0);
  }
}

function damaged(holds: string): Refusal {
  return refuse(
    'setting-invalid',
    '',
    `The key file (${holds}) is damaged or no key file.`,
    'Restore it from a backup.',
  );
}
