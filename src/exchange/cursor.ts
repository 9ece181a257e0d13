import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Vault } from '../domain/secrets.ts';

const MAC_BYTES = 8;

function mac(vault: Vault, list: string, position: string): Buffer {
  return Buffer.from(vault.digest('cursor', `${list} ${position}`)).subarray(0, MAC_BYTES);
}

/** An opaque cursor after a position of one list; no other list and no other node takes it. */
export function writeCursor(vault: Vault, list: string, position: number): string {
  const text = String(position);
  return Buffer.concat([mac(vault, list, text), Buffer.from(text)]).toString('base64url');
}

/** Reads what `writeCursor` made for the same list; anything else is `cursor-invalid`. */
export function readCursor(vault: Vault, list: string, cursor: string, at = '/cursor'): number | Refusal {
  const bytes = Buffer.from(cursor, 'base64url');
  const text = bytes.subarray(MAC_BYTES).toString('latin1');
  const genuine = bytes.length > MAC_BYTES && bytes.subarray(0, MAC_BYTES).equals(mac(vault, list, text));
  return genuine && /^\d{1,15}$/.test(text) ? Number(text) : refuse('cursor-invalid', at);
}

const POSITION_BYTES = 8;

/** What covers a position: of the list and this position's own code, so that no two positions are covered alike. */
function cover(vault: Vault, list: string, code: Buffer, position: Buffer): Buffer {
  const covering = Buffer.from(vault.digest('cursor cover', `${list} ${code.toString('hex')}`));
  return Buffer.from(position.map((byte, index) => byte ^ (covering[index] ?? 0)));
}

/** The same for readers who may not know how many rows they do not see: the position is not to be read in it. */
export function writeBlindCursor(vault: Vault, list: string, position: number): string {
  const code = mac(vault, list, String(position));
  const bytes = Buffer.alloc(POSITION_BYTES);
  bytes.writeBigUInt64BE(BigInt(position));
  return Buffer.concat([code, cover(vault, list, code, bytes)]).toString('base64url');
}

/** Reads what `writeBlindCursor` made for the same list; anything else is `cursor-invalid`. */
export function readBlindCursor(vault: Vault, list: string, cursor: string, at = '/cursor'): number | Refusal {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length !== MAC_BYTES + POSITION_BYTES) return refuse('cursor-invalid', at);
  const code = bytes.subarray(0, MAC_BYTES);
  const position = cover(vault, list, code, bytes.subarray(MAC_BYTES)).readBigUInt64BE();
  return code.equals(mac(vault, list, String(position))) ? Number(position) : refuse('cursor-invalid', at);
}
