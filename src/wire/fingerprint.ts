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

/** Whether what a person typed has the form of a fingerprint, in either spelling; white space does not count. */
export function isFingerprint(typed: string): boolean {
  return /^(?:[\w-]{43}|\d{40})$/.test(typed.replaceAll(/\s/g, ''));
}

/** Whether what a person typed is the fingerprint of the key, in either spelling; white space does not count. */
export async function sameFingerprint(jwk: PublicJwk, typed: string): Promise<boolean> {
  const given = typed.replaceAll(/\s/g, '');
  const print = await thumbprint(jwk);
  return given === print || given === spokenFingerprint(print).replaceAll(' ', '');
}
