import { calculateJwkThumbprint } from 'jose';
import { carriesContent } from '../domain/guard/media.ts';
import type { JsonObject } from './strict.ts';

/** Where a JWK holds its public bytes (RFC 7518, section 6; RFC 8037; RFC 9964). */
const material = ['x', 'y', 'pub', 'n'] as const;
/** Key types whose thumbprint is known to be made of which members (RFC 7638, section 3.2). */
const measured: ReadonlySet<unknown> = new Set(['OKP', 'EC', 'AKP', 'RSA']);
/** Media begins with its first bytes; further in, a key of thousands of random letters may spell anything. */
const BEGINNING = 32;

/**
 * A key of an algorithm that this node does not speak, without the bytes that make it a key: what remains is for the
 * content guard. The guard cannot tell the bytes of an unknown algorithm from an encoded picture; the `kid` can, which
 * is their thumbprint. Nobody writes a digest into a key by mistake and its thumbprint beside it.
 */
export async function withoutMaterial(key: JsonObject): Promise<JsonObject> {
  if (measured.has(key.kty) && key.kid !== (await thumbprintOf(key))) return key;
  const kept = Object.entries(key).filter(([name, value]) => !(isMaterial(name) && areBytes(value)));
  return Object.fromEntries(kept);
}

async function thumbprintOf(key: JsonObject): Promise<string | undefined> {
  try {
    return await calculateJwkThumbprint(key, 'sha256');
  } catch {
    return undefined;
  }
}

function isMaterial(name: string): boolean {
  return (material as readonly string[]).includes(name);
}

/** Base64url in its one spelling and in both cases, as hexadecimal and base32 never are, and no beginning of media. */
function areBytes(value: unknown): boolean {
  if (typeof value !== 'string' || !/[a-z]/.test(value) || !/[A-Z]/.test(value)) return false;
  return Buffer.from(value, 'base64url').toString('base64url') === value && !carriesContent(value.slice(0, BEGINNING));
}
