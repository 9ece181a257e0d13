import { randomBytes, randomUUID } from 'node:crypto';
import type { Chance } from './context.ts';

/** UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits. */
function uuid7(now: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Randomness of the operating system. */
export function systemChance(clock: () => number): Chance {
  return {
    jti: () => randomBytes(16).toString('base64url'),
    uuid: () => uuid7(clock()),
    uuid4: () => randomUUID(),
    fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  };
}
