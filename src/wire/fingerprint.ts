import { calculateJwkThumbprint } from 'jose';
import type { PublicJwk } from '../domain/secrets.ts';

/** SHA-256 thumbprint of a public key in base64url: its kid, and its fingerprint in writing (RFC 7638). */
export function thumbprint(jwk: PublicJwk): Promise<string> {
  // RFC 9964 counts `alg` among the members of an AKP key; this protocol knows one. Other kinds of key ignore it.
  return calculateJwkThumbprint({ alg: 'ML-DSA-65', ...jwk }, 'sha256');
}

/**
 * A thumbprint to be read out by telephone: its first 16 bytes as eight big-endian 16-bit numbers, five digits each,
 * single spaces (protocol, "Identifiers and formats").
 */
export function spokenFingerprint(print: string): string {
  const bytes = Buffer.from(print, 'base64url');
  return Array.from({ length: 8 }, (_, group) => String(bytes.readUInt16BE(group * 2)).padStart(5, '0')).join(' ');
}

/** Whether what a person typed has the form of a fingerprint, in either spelling and any usual typing. */
export function isFingerprint(typed: string): boolean {
  return /^(?:[\w-]{43}|\d{40})$/.test(bare(typed));
}

/** Whether what a person typed is the fingerprint of the key, in either spelling and any usual typing. */
export async function sameFingerprint(jwk: PublicJwk, typed: string): Promise<boolean> {
  return saysThumbprint(typed, await thumbprint(jwk));
}

/** Whether what a person typed is this thumbprint, in either spelling and any usual typing. */
export function saysThumbprint(typed: string, print: string): boolean {
  const given = bare(typed);
  return given === print || given === spokenFingerprint(print).replaceAll(' ', '');
}

/** What stands between groups, or comes along with a paste: never a character of either spelling. */
const gaps = /[\s\u00ad\u200b-\u200f\u2060-\u2064.,:;|/'"\u00b7\u2018-\u201d]/g;
/** Hyphens and dashes also join groups of digits; in base64url a hyphen is a character. */
const joins = /[-_\u2010-\u2015\u2212]/g;

/** Full-width digits and no-break spaces become plain ones (NFKC), then everything between the groups goes. */
function bare(typed: string): string {
  const together = typed.normalize('NFKC').replaceAll(gaps, '');
  const digits = together.replaceAll(joins, '');
  return /^\d{40}$/.test(digits) ? digits : together;
}
