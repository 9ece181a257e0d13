import type { Chance } from './chance.ts';
import type { Spelling } from './digests.ts';
import { percentEncoded } from './encodings.ts';

const starts = {
  JPEG: 'ffd8ffe000104a46494600010100000100010000ffdb0043',
  'JPEG with EXIF': 'ffd8ffe1001845786966000049492a0008000000',
  PNG: '89504e470d0a1a0a0000000d49484452',
  GIF: '474946383961010001008000',
  WebP: '52494646241a000057454250565038',
  MP4: '0000001c6674797069736f6d0000020069736f6d69736f32',
  Matroska: '1a45dfa3934282886d6174726f736b61',
  AVIF: '0000001c667479706176696600000000617669666d696631',
} as const;

const types =
  'image/jpeg image/png image/gif image/webp image/heic image/avif video/mp4 video/webm video/quicktime audio/mpeg'.split(
    ' ',
  );

function file(start: string, chance: Chance): Buffer {
  return Buffer.concat([Buffer.from(start, 'hex'), chance.bytes(40 + chance.below(160))]);
}

function ofFiles(kind: string, write: (bytes: Buffer) => string): Spelling[] {
  return Object.entries(starts).map(([name, start]) => ({
    name: `${name} ${kind}`,
    write: (chance: Chance) => write(file(start, chance)),
  }));
}

export const media: readonly Spelling[] = [
  ...ofFiles('in base64', (bytes) => bytes.toString('base64')),
  ...ofFiles('in base64url', (bytes) => bytes.toString('base64url')),
  ...ofFiles('in hex', (bytes) => bytes.toString('hex')),
  ...ofFiles('as data:', (bytes) => `data:image/x;base64,${bytes.toString('base64')}`),
  {
    name: 'any bytes in base64',
    inAddress: false,
    write: (chance) => chance.bytes(150 + chance.below(200)).toString('base64'),
  },
  { name: 'many bytes in base64', write: (chance) => chance.bytes(3500).toString('base64') },
  {
    name: 'any bytes in base64url',
    inAddress: false,
    write: (chance) => chance.bytes(150 + chance.below(200)).toString('base64url'),
  },
  { name: 'many bytes in base64url', write: (chance) => chance.bytes(3500).toString('base64url') },
  {
    name: 'any bytes in hex',
    inAddress: false,
    write: (chance) => chance.bytes(150 + chance.below(200)).toString('hex'),
  },
  { name: 'many bytes in hex', write: (chance) => chance.bytes(3500).toString('hex') },
  { name: 'data: of any type', write: (chance) => `data:${chance.pick(types)},${chance.text('abcdef0123456789', 12)}` },
  {
    name: 'DATA: in capitals',
    write: (chance) => `DATA:${chance.pick(types)};BASE64,${chance.bytes(30).toString('base64')}`,
  },
  { name: 'data: percent-encoded', write: (chance) => percentEncoded(`data:${chance.pick(types)};base64,AAAA`) },
  { name: 'data: in look-alike letters', write: (chance) => `dаtа:${chance.pick(types)};base64,AAAA` },
  {
    name: 'blob:',
    write: (chance) => `blob:https://host-${chance.below(999)}.example/0190f2f0-5f3c-7a10-9c44-1f0a2b3c4d5e`,
  },
];

/** A media type alone is content in a handle, a name or a text; in an address it is part of a location. */
export const mediaTypes: readonly Spelling[] = [
  { name: 'media type', write: (chance) => chance.pick(types) },
  { name: 'media type in a sentence', write: (chance) => `see ${chance.pick(types)} enclosed` },
  { name: 'MEDIA TYPE', write: (chance) => chance.pick(types).toUpperCase() },
];
