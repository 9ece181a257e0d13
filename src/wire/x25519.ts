const BYTES = 32;

/**
 * The points of Curve25519 and its twist whose order divides eight, little-endian, with every spelling modulo p (RFC
 * 7748, section 7). Any private key makes the same secret of them, zero: who sends one knows what it was encrypted with.
 */
const lowOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** Whether a coordinate is 32 bytes in the one base64url spelling (RFC 8037, section 2). */
export function isCoordinate(x: unknown): x is string {
  if (typeof x !== 'string') return false;
  const bytes = Buffer.from(x, 'base64url');
  return bytes.length === BYTES && bytes.toString('base64url') === x;
}

/** Whether the coordinate names a point that no secret can be made with. */
export function isLowOrder(x: string): boolean {
  const bytes = Buffer.from(x, 'base64url');
  // The highest bit is no part of the coordinate (RFC 7748, section 5).
  bytes[BYTES - 1] = (bytes[BYTES - 1] ?? 0) & 0x7f;
  return lowOrder.has(bytes.toString('hex'));
}
