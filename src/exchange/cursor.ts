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
