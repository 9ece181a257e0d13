import type { Chance } from './chance.ts';
import { base32, base36, base58, disguised, grouped, percentEncoded } from './encodings.ts';

/** One way to write a fingerprint; `tail` says why not every one of them can be told from honest input. */
export interface Spelling {
  readonly name: string;
  readonly write: (chance: Chance) => string;
  readonly tail?: string;
  /** False where it cannot be told from a signature or token inside an address. */
  readonly inAddress?: boolean;
}

const sizes = { md5: 16, sha1: 20, sha224: 28, 'sha256-or-pdq': 32, sha384: 48, sha512: 64 } as const;
const names = Object.keys(sizes) as (keyof typeof sizes)[];

type Write = (bytes: Buffer, chance: Chance) => string;

const upper = (text: string) => text.toUpperCase();

const encodings: Readonly<Record<string, Write>> = {
  hex: hexOf,
  'HEX in capitals': (bytes) => upper(hexOf(bytes)),
  'hex in mixed case': (bytes, chance) => [...hexOf(bytes)].map((c) => (chance.below(2) ? upper(c) : c)).join(''),
  base32: (bytes) => base32(bytes),
  'base32 in small letters': (bytes) => base32(bytes).toLowerCase(),
  'base32 padded': (bytes) => base32(bytes).padEnd(Math.ceil((bytes.length * 8) / 40) * 8, '='),
  base64: (bytes) => bytes.toString('base64'),
  base64url: (bytes) => bytes.toString('base64url'),
  base58: (bytes) => base58(bytes),
};

function hexOf(bytes: Buffer): string {
  return bytes.toString('hex');
}

/** Each algorithm in each encoding, bare. */
const bare: Spelling[] = names.flatMap((name) =>
  Object.entries(encodings).map(([encoding, write]) => ({
    name: `${name} in ${encoding}`,
    write: (chance: Chance) => write(chance.bytes(sizes[name]), chance),
  })),
);

function ofSome(name: string, write: Write, counts: readonly number[] = [16, 20, 32], tail?: string): Spelling {
  return {
    name,
    write: (chance) => write(chance.bytes(chance.pick(counts)), chance),
    ...(tail !== undefined && { tail }),
  };
}

const strewn =
  (text: (bytes: Buffer) => string, marks: string): Write =>
  (bytes, chance) =>
    [...text(bytes)].map((c) => (chance.below(5) === 0 ? c + chance.pick([...marks]) : c)).join('');

const dressed: Spelling[] = [
  ofSome('hex, colons between bytes', (bytes) => grouped(hexOf(bytes), 2, ':')),
  ofSome('hex, spaces between fours', (bytes) => grouped(hexOf(bytes), 4, ' ')),
  ofSome('hex, hyphens between eights', (bytes) => grouped(hexOf(bytes), 8, '-')),
  ofSome('hex, dots between bytes', (bytes) => grouped(hexOf(bytes), 2, '.')),
  ofSome('hex, slashes between fours', (bytes) => grouped(hexOf(bytes), 4, '/')),
  ofSome('hex, underscores between eights', (bytes) => grouped(hexOf(bytes), 8, '_')),
  ofSome('hex, 0x before every byte', (bytes) => `0x${grouped(hexOf(bytes), 2, ' 0x')}`),
  ofSome('hex, \\x before every byte', (bytes) => `\\x${grouped(hexOf(bytes), 2, '\\x')}`),
  ofSome('hex, split at random by punctuation', strewn(hexOf, '.-_/:# ')),
  ofSome('hex, 0x before', (bytes) => `0x${hexOf(bytes)}`),
  ofSome('hex, a word before', (bytes) => `case ${hexOf(bytes)}`),
  ofSome('hex, a word glued on', (bytes) => `ref${hexOf(bytes)}x`),
  ofSome('hex, a file name', (bytes) => `${hexOf(bytes)}.jpg`),
  ofSome('hex, backwards', (bytes) => [...hexOf(bytes)].reverse().join('')),
  ofSome('hex in full width', (bytes) =>
    [...hexOf(bytes)].map((c) => String.fromCodePoint((c.codePointAt(0) ?? 0) + 0xfee0)).join(''),
  ),
  ofSome('hex with Cyrillic letters', (bytes) => disguised(hexOf(bytes), 'ace', 'асе')),
  ofSome('hex with Greek and Armenian letters', (bytes) => disguised(upper(hexOf(bytes)), 'ABE', 'ΑΒΕ')),
  ofSome('hex in Arabic-Indic figures', (bytes) => disguised(hexOf(bytes), '0123456789', '٠١٢٣٤٥٦٧٨٩')),
  ofSome('hex in Devanagari figures', (bytes) => disguised(hexOf(bytes), '0123456789', '०१२३४५६७८९')),
  ofSome('hex with O and l', (bytes) => disguised(hexOf(bytes), '01', 'Ol')),
  ofSome('hex in mathematical letters', (bytes) =>
    [...hexOf(bytes)].map((c) => (/[a-f]/.test(c) ? String.fromCodePoint(0x1d41a + c.charCodeAt(0) - 97) : c)).join(''),
  ),
  ofSome('hex in circled letters', (bytes) =>
    [...hexOf(bytes)].map((c) => (/[a-f]/.test(c) ? String.fromCodePoint(0x24d0 + c.charCodeAt(0) - 97) : c)).join(''),
  ),
  ofSome('hex joined by zero-width spaces', (bytes) => grouped(hexOf(bytes), 2, '\u200b')),
  ofSome('hex joined by soft hyphens', (bytes) => grouped(hexOf(bytes), 4, '\u00ad')),
  ofSome('hex joined by word joiners', (bytes) => [...hexOf(bytes)].join('\u2060')),
  ofSome('hex joined by Hangul fillers', (bytes) => grouped(hexOf(bytes), 4, '\u3164')),
  ofSome('hex joined by variation selectors', (bytes) => [...hexOf(bytes)].join('\ufe0f')),
  ofSome('hex joined by tag characters', (bytes) => grouped(hexOf(bytes), 4, '\u{e0061}')),
  ofSome('hex joined by combining marks', (bytes) => grouped(hexOf(bytes), 2, '\u0301')),
  ofSome('hex percent-encoded', (bytes) => percentEncoded(hexOf(bytes))),
  ofSome('hex percent-encoded twice', (bytes) => percentEncoded(hexOf(bytes), 2)),
  ofSome('base64 percent-encoded', (bytes) => encodeURIComponent(bytes.toString('base64'))),
  ofSome('base64url joined by zero-width spaces', (bytes) => grouped(bytes.toString('base64url'), 3, '\u200c')),
  ofSome('base64url in groups of four', (bytes) => grouped(bytes.toString('base64url'), 4, '.')),
  ofSome('base64url in groups of eight', (bytes) => grouped(bytes.toString('base64url'), 8, ' ')),
  ofSome(
    'base64url split at random',
    strewn((bytes) => bytes.toString('base64url'), '.:# '),
    [16, 20, 32],
    'short pieces read like words and numbers',
  ),
  ofSome('base58 in groups of four', (bytes) => grouped(base58(bytes), 4, '-')),
  ofSome('base32 in groups of four', (bytes) => grouped(base32(bytes), 4, '-')),
  ofSome('base32 in groups of eight', (bytes) => grouped(base32(bytes), 8, ' ')),
  ofSome('base32 split at random', strewn(base32, '.:# ')),
  ofSome('as one decimal number', (bytes) => BigInt(`0x${hexOf(bytes)}`).toString(), [20, 32]),
  ofSome('as decimal bytes', (bytes) => [...bytes].join('.')),
];

const special: Spelling[] = [
  ofSome('info-hash in base32', base32, [20]),
  ofSome('magnet link', (bytes) => `magnet:?xt=urn:btih:${hexOf(bytes)}`, [20]),
  ofSome('urn:sha1 in base32', (bytes) => `urn:sha1:${base32(bytes)}`, [20]),
  ofSome('subresource integrity', (bytes) => `sha${bytes.length * 8}-${bytes.toString('base64')}`, [32, 48, 64]),
  ofSome('multihash in hex', (bytes) => `1220${hexOf(bytes)}`, [32]),
  ofSome('content identifier 0', (bytes) => base58(Buffer.concat([Buffer.from('1220', 'hex'), bytes])), [32]),
  ofSome('content identifier 1 in base32', (bytes) => `b${base32(identifier(bytes)).toLowerCase()}`, [32]),
  ofSome('content identifier 1 in base58', (bytes) => `z${base58(identifier(bytes))}`, [32]),
  ofSome('content identifier 1 in base36', (bytes) => `k${base36(identifier(bytes))}`, [32]),
  ofSome('content identifier 1 in hex', (bytes) => `f${hexOf(identifier(bytes))}`, [32]),
  { name: 'SSDEEP', write: ssdeep },
  ofSome('TLSH', (bytes) => `T1${upper(hexOf(bytes))}`, [35]),
  ofSome('TLSH without its version', (bytes) => upper(hexOf(bytes)), [35]),
  ofSome('PhotoDNA in hex', hexOf, [144]),
  ofSome('PhotoDNA in base64', (bytes) => bytes.toString('base64'), [144]),
  ofSome('PhotoDNA as numbers', (bytes) => [...bytes].join(','), [144]),
  ofSome('TMK, labelled', (bytes) => `tmk:${bytes.toString('base64')}`, [32]),
  ofSome('perceptual hash of 256 bits', hexOf, [32]),
  ofSome('perceptual hash of 64 bits', hexOf, [8], 'figures alone, or one letter among them, are a number of somebody'),
  ofSome('PERCEPTUAL HASH OF 64 BITS', (bytes) => upper(hexOf(bytes)), [8], 'a unit, a year and a serial look so'),
  ofSome('MD5 with the hyphens of a UUID', asUuid, [16], 'one in eight has the version and variant of a real UUID'),
];

/** A version 1 content identifier: raw, SHA-256. */
function identifier(digest: Buffer): Buffer {
  return Buffer.concat([Buffer.from('01551220', 'hex'), digest]);
}

function ssdeep(chance: Chance): string {
  const block = 3 * 2 ** chance.below(14);
  const signature = (least: number) =>
    chance
      .bytes(48)
      .toString('base64')
      .slice(0, least + chance.below(24));
  return `${block}:${signature(24)}:${signature(12)}`;
}

function asUuid(bytes: Buffer): string {
  return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const labels = 'md5 MD5 sha1 SHA-1 sha256 SHA-256 sha512 phash dhash pdq PhotoDNA ssdeep tlsh tmk infohash crc32'.split(
  ' ',
);

/** A name of an algorithm before the value: also where the value is short. */
const labelled: Spelling[] = [
  ...[': ', '=', '-', ':', ' ', '_'].map((mark) =>
    ofSome(`labelled "md5${mark}…"`, (bytes, chance) => chance.pick(labels) + mark + hexOf(bytes)),
  ),
  ofSome('labelled, 64 bits', (bytes, chance) => `${chance.pick(labels)}:${hexOf(bytes)}`, [8]),
  ofSome('labelled, base32', (bytes, chance) => `${chance.pick(labels)}:${base32(bytes)}`),
  ofSome('labelled, base64', (bytes, chance) => `${chance.pick(labels)}:${bytes.toString('base64')}`),
  ofSome('labelled, base58', (bytes, chance) => `${chance.pick(labels)}:${base58(bytes)}`),
  ofSome('labelled in look-alike letters', (bytes) => `ѕhа256:${hexOf(bytes)}`),
];

export const digests: readonly Spelling[] = [...bare, ...dressed, ...special, ...labelled];
