const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';

/** RFC 4648, section 6, without padding. */
export function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => BASE32[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}

export function base58(bytes: Buffer): string {
  return inBase(bytes, BASE58);
}

export function base36(bytes: Buffer): string {
  return inBase(bytes, BASE36);
}

function inBase(bytes: Buffer, alphabet: string): string {
  let number = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (const base = BigInt(alphabet.length); number > 0n; number /= base) text = alphabet[Number(number % base)] + text;
  return text;
}

/** Groups of so many characters with `mark` between them. */
export function grouped(text: string, size: number, mark: string): string {
  return (text.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).join(mark);
}

/** Every character percent-encoded, so many times over. */
export function percentEncoded(text: string, times = 1): string {
  const once = [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return times === 1 ? once : once.replaceAll('%', '%25');
}

/** Letters and figures replaced by ones that look alike. */
export function disguised(text: string, from: string, to: string): string {
  const pairs = new Map([...from].map((letter, index) => [letter, [...to][index] ?? letter]));
  return [...text].map((letter) => pairs.get(letter) ?? letter).join('');
}
