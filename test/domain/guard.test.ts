import { createHash } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { guard } from '../../src/domain/guard.ts';

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
const sha1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const sha512 = createHash('sha512').update('').digest('hex');
const bytes16 = Buffer.from(md5, 'hex');
const bytes32 = Buffer.from(sha256, 'hex');
const uuid = '0190f2f0-5f3c-7a10-9c44-1f0a2b3c4d5e';

/** An honest reference with every member that a schema knows. */
const honest = {
  id: uuid,
  url: 'https://host.example/path',
  role: 'content',
  report: '6f9619ff-8b86-4011-b42d-00c04fc964ff',
  related: [uuid],
  jurisdiction: { hosting: 'NL', reporting: 'DE', concerned: [{ country: 'DE-BY', basis: 'victim' }] },
  assignee: 'https://node.hotline-nl.example',
  category: 'csam',
  features: ['possible-new-victim'],
  assessments: [
    { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: '2026-11-20T10:00:00Z' },
  ],
  site: { type: 'image-host', commercial: 'unknown', payment: ['bitcoin'] },
  access: { referrer: 'https://forum.example/thread/1', login: false, geo: false, parts: false },
  hosting: [{ country: 'NL', asn: 64500, cdn: false, method: 'dns', at: '2026-11-20T10:00:00Z' }],
  handles: [{ system: 'iccam', id: '4711' }],
  urgency: { level: 'priority', code: 'possible-new-victim' },
  marking: { tlp: 'AMBER+STRICT', notifyHost: 'after-clearance', portal: 'none', onward: 'none' },
  receivedAt: '2026-11-20T09:12:00Z',
  observedAt: '2026-11-20T10:00:00Z',
  retainUntil: '2027-05-21',
  source: { iss: 'https://node.hotline-de.example', sub: uuid },
};

function ofHandle(id: string) {
  return guard({ ...honest, handles: [{ system: 'own', id }] }, { form: 'reference' });
}

function ofUrl(url: string) {
  return guard({ ...honest, url }, { form: 'reference' });
}

const spellings: [name: string, text: string][] = [
  ['MD5', md5],
  ['MD5 in capitals', md5.toUpperCase()],
  ['SHA-1', sha1],
  ['SHA-224', createHash('sha224').update('').digest('hex')],
  ['SHA-256 or PDQ', sha256],
  ['SHA-384', createHash('sha384').update('').digest('hex')],
  ['SHA-512', sha512],
  ['colons between bytes', md5.match(/../g)?.join(':') ?? ''],
  ['groups of four', md5.match(/.{4}/g)?.join(' ') ?? ''],
  ['groups of eight with hyphens', sha256.match(/.{8}/g)?.join('-') ?? ''],
  ['a UUID’s hyphens in an MD5', 'd41d8cd9-8f00-b204-e980-0998ecf8427e'],
  ['one dot in the middle', `${md5.slice(0, 11)}.${md5.slice(11)}`],
  ['a word before', `case ${md5}`],
  ['a word glued on', `case_${md5}_a`],
  ['a letter glued on', `x${md5}y`],
  ['0x before', `0x${md5}`],
  ['full-width digits', md5.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))],
  ['Arabic-Indic digits', md5.replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)))],
  ['Cyrillic letters', md5.replaceAll('a', 'а').replaceAll('c', 'с').replaceAll('e', 'е')],
  [
    'mathematical letters',
    md5.replace(/[a-f]/g, (letter) => String.fromCodePoint(0x1d41a + letter.charCodeAt(0) - 97)),
  ],
  ['O and l for 0 and 1', md5.replaceAll('0', 'O').replaceAll('1', 'l')],
  ['zero-width characters', [...md5].join('\u200b')],
  ['combining marks', [...md5].join('\u0301')],
  ['variation selectors', [...md5].join('\ufe0f')],
  ['percent-encoded', [...md5].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')],
  ['percent-encoded twice', [...md5].map((letter) => `%25${letter.charCodeAt(0).toString(16)}`).join('')],
  ['base64 of 16 bytes', bytes16.toString('base64')],
  ['base64url of 16 bytes', bytes16.toString('base64url')],
  ['base64url of 20 bytes', Buffer.from(sha1, 'hex').toString('base64url')],
  ['base64 of 32 bytes', bytes32.toString('base64')],
  ['base64url of 64 bytes', Buffer.from(sha512, 'hex').toString('base64url')],
  [
    'base64 in groups',
    bytes16
      .toString('base64url')
      .match(/.{1,4}/g)
      ?.join('.') ?? '',
  ],
  ['base58', '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM'],
  ['a base32 info-hash', '3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'],
  ['a base32 info-hash in small letters', '3i42h3s6nnfq2msvx7xzkyaysckx5qbyj'.slice(0, 32)],
  ['base32 in groups', '3I42-H3S6-NNFQ-2MSV-X7XZ-KYAY-SCX5-QBYJ'],
  ['a content identifier, version 0', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG'],
  ['a content identifier, version 1', 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'],
  ['subresource integrity', `sha256-${bytes32.toString('base64')}`],
  ['SSDEEP', '96:KQhaGCVZGhr83h3bc0ok3892m12wzgnH5w2pw+sxNEI58:FIVkH4x73h39LH+2w+sxaD'],
  ['TLSH', 'T1A9B3C1E2D4F5061728394A5B6C7D8E9F0A1B2C3D4E5F60718293A4B5C6D7E8F9011223'],
  ['a perceptual hash', 'd1c2b3a4f5e60718'],
  ['a labelled perceptual hash', 'phash:d1c2b3a4'],
  ['a labelled MD5, cut short', 'md5=d41d8cd98f00'],
  ['0x before every byte', `0x${md5.match(/../g)?.join(' 0x') ?? ''}`],
  ['\\x before every byte', `\\x${md5.match(/../g)?.join('\\x') ?? ''}`],
  ['a content identifier in base36', 'k2cwue99nh5uk6jfogx3paq3gemk5ugymnqn7f53sbtw4jbkx1w75vi3'],
  ['base58 with a leading zero', 'rrfVbDfoueeiWj7Lc16EJQpoyD'],
  ['base64url in groups with a hyphen of its own', 'GM-a.dkiG.tr_j.UOBo.rHEM.mcVL.pes'],
  ['base32 in groups with few figures', 'WFEJ-KSNW-VSZM-524K-WXTS-TDVH-ZI'],
  ['a decimal MD5', '281949768489412648962353822266799178366'],
  ['PhotoDNA in base64', createHash('sha512').update('1').digest('base64').replaceAll('=', '').repeat(3).slice(0, 192)],
];

describe('fingerprint-refused', () => {
  test.each(spellings)('a handle that is %s', (_, id) => {
    expect(ofHandle(id)).toMatchObject({ code: 'fingerprint-refused', pointer: '/handles/0/id' });
  });

  test.each(
    'hash md5 sha1 sha256 SHA-256 sha_512 photodna PhotoDNA pdq phash fileHash imagehash content_md5 hashes digest fingerprint checksum ѕhа256 m\u200bd5 ｍｄ５ md5sum ssdeep tlsh infoHash crc32 ＨＡＳＨ'.split(
      ' ',
    ),
  )('a member named %s', (name) => {
    // A name that is not printable ASCII is text from somebody: the pointer names its parent.
    const pointer = /^[!-~]+$/.test(name) ? `/site/${name}` : '/site';
    expect(guard({ site: { [name]: 1 } }, { form: 'reference' })).toMatchObject({
      code: 'fingerprint-refused',
      pointer,
    });
  });

  test.each([
    `https://host.example/file?md5=${md5}`,
    `https://host.example/file?a=1&sha256=${sha256}&b=2`,
    `https://host.example/file?hash=${sha1}`,
    `https://host.example/file?MD5=${md5.toUpperCase()}`,
    `https://host.example/file?file_md5=${md5}`,
    `https://host.example/file?m%64%35=${md5}`,
    `https://host.example/file?md5=${bytes16.toString('base64url')}&expires=1795000000`,
    `https://host.example/file;sha1=${sha1}/x`,
    `https://host.example/file#sha256-${bytes32.toString('base64')}`,
    `https://host.example/file#md5=${md5}`,
    `https://host.example/file#md5:${md5}`,
    `https://host.example/#/view?md5=${md5}`,
    `https://host.example/?integrity=sha256-${bytes32.toString('base64url')}`,
    `https://host.example/?id=md5:${md5}`,
    `https://host.example/?u=https%3A%2F%2Fother.example%2F%3Fmd5%3D${md5}`,
    `https://host.example/file#sha256-${sha256.match(/../g)?.join('%3A')}`,
    `https://host.example/file#md5-case%20${md5}`,
    `https://host.example/?u=https%3A%2F%2Fother.example%2F%3Fmd5%3D${md5.match(/../g)?.join('%253A')}`,
    'https://host.example/file#md5-TQEKJNYQGMRRNPZKAFYZREFSAE',
    `md5:${md5}`,
    `18:${md5.match(/../g)?.join(':')}`,
    `sha256:${md5.match(/../g)?.join(':')}`,
    'https://host.example/?phash=d1c2b3a4f5e60718',
    md5,
    `//host.example/?md5=${md5}`,
  ])('the address %s, which labels a digest', (url) => {
    expect(ofUrl(url)).toMatchObject({ code: 'fingerprint-refused', pointer: '/url' });
    expect(guard({ access: { referrer: url } }, { form: 'reference' })).toMatchObject({ pointer: '/access/referrer' });
  });

  it('a digest as a member name, shown as its parent so that the pointer does not carry it', () => {
    const refusal = guard({ site: { [md5]: 1 } }, { form: 'reference' });
    expect(refusal).toMatchObject({ code: 'fingerprint-refused', pointer: '/site' });
    expect(JSON.stringify(refusal)).not.toContain(md5);
  });

  it('a digest anywhere else', () => {
    for (const [at, value] of [
      ['/role', { role: md5 }],
      ['/related/1', { related: [uuid, md5] }],
      ['/unknown/0/deep', { unknown: [{ deep: sha256 }] }],
      ['', md5],
    ] as const)
      expect(guard(value, { form: 'reference' })).toMatchObject({ code: 'fingerprint-refused', pointer: at });
  });

  it('a digest of the protocol in another place, or in another form', () => {
    const digest = `S256:${bytes32.toString('base64url')}`;
    expect(guard({ digest }, { form: 'reference' })).toMatchObject({ pointer: '/digest' });
    expect(guard({ for: { jti: 'x', digest } }, { form: 'receipt' })).toMatchObject({ pointer: '/for/digest' });
    expect(guard({ digest: sha256 }, { form: 'receipt' })).toMatchObject({ pointer: '/digest' });
    expect(ofHandle(digest)).toMatchObject({ code: 'fingerprint-refused' });
    expect(guard({ identity_key: { x: sha256 } }, { form: 'card' })).toMatchObject({ pointer: '/identity_key/x' });
    expect(guard({ identity_key: { z: bytes32.toString('base64url') } }, { form: 'card' })).toMatchObject({
      pointer: '/identity_key/z',
    });
  });

  it('a digest in the text of a policy or card', () => {
    expect(guard({ legal: { basis: `see ${md5}` } }, { form: 'policy' })).toMatchObject({ pointer: '/legal/basis' });
    expect(guard({ organisation: { name: `Hotline ${sha1}` } }, { form: 'card' })).toMatchObject({
      pointer: '/organisation/name',
    });
  });

  it('without a pointer that repeats a name which is no word: it may be an address or a number of somebody', () => {
    for (const name of ['https://host.example/thumbnail', 'host.example', 'DE-2026/00123 sha256', 'thumbnail of 4711'])
      for (const value of [{ [name]: { md5: 1 } }, { [name]: [md5] }, { [name]: 'image/png' }])
        expect(guard({ site: value }, { form: 'reference' })?.pointer).toBe('/site');
  });

  it('with the pointer escaped, and after that of the caller', () => {
    const refusal = guard({ 'a/b~c': { md5: 1 } }, { form: 'event', at: '/events/0' });
    expect(refusal?.pointer).toBe('/events/0/a~1b~0c/md5');
  });
});

describe('media-refused', () => {
  test.each(
    'thumbnail thumb_url screenshot screenShot attachment attachments image imageData picture video photo base64 blob binary preview media ѕсrееnѕhоt img mediaType'.split(
      ' ',
    ),
  )('a member named %s', (name) => {
    const pointer = /^[!-~]+$/.test(name) ? `/${name}` : '';
    expect(guard({ [name]: 1 }, { form: 'reference' })).toMatchObject({ code: 'media-refused', pointer });
  });

  test.each([
    'data:image/png;base64,iVBORw0KGgo=',
    'data:,x',
    'DATA:text/html,x',
    ' data:image/gif,x',
    'da\tta:image/png,x',
    'blob:https://host.example/0190f2f0-5f3c-7a10-9c44-1f0a2b3c4d5e',
    'https://host.example/?img=data:image/png;base64,AAAA',
    'https://host.example/?img=data%3Aimage%2Fpng%3Bbase64%2CAAAA',
    'https://host.example/#/9j/4AAQSkZJRgABAQ',
    'https://host.example/?img=52494646241a000057454250565038',
    'https://host.example/?img=0000001c6674797069736f6d00000200',
    'https://host.example/?img=1a45dfa3934282886d6174726f736b61',
  ])('the address %s', (url) => {
    expect(ofUrl(url)).toMatchObject({ code: 'media-refused', pointer: '/url' });
  });

  test.each([
    ['an embedded document', 'data:image/png;base64,AAAA'],
    ['a media type', 'image/jpeg'],
    ['a media type in a sentence', 'see video/mp4 enclosed'],
    ['the first bytes of a PNG', 'iVBORw0KGgoAAAANSUhEUgAA'],
    ['the first bytes of a JPEG in hexadecimal', 'ffd8ffe000104a464946'],
    ['a blob in base64', createHash('sha512').update('1').digest('base64').replaceAll('=', '').repeat(2)],
    ['a blob in hexadecimal', sha512.repeat(2)],
  ])('a handle with %s', (_, id) => {
    expect(ofHandle(id)).toMatchObject({ code: 'media-refused', pointer: '/handles/0/id' });
  });

  it('an address that carries more than a signature or token is long', () => {
    const long = sha512.repeat(33);
    for (const rest of [`?v=${long}`, `#${long}`, `?v=${Buffer.from(long).toString('base64url').slice(0, 4200)}`])
      expect(ofUrl(`https://host.example/${rest}`)).toMatchObject({ code: 'media-refused', pointer: '/url' });
    expect(ofUrl(`https://host.example/${long}`)).toBeUndefined();
  });

  it('bytes, and lists of numbers that stand for them', () => {
    expect(guard({ a: new Uint8Array(3) }, { form: 'event' })).toMatchObject({ code: 'media-refused', pointer: '/a' });
    expect(guard({ a: [...bytes32] }, { form: 'event' })).toMatchObject({ code: 'media-refused', pointer: '/a' });
  });
});

describe('the guard is bounded', () => {
  it('in depth', () => {
    let value: unknown = 'x';
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    expect(guard(value, { form: 'event' })).toMatchObject({ code: 'schema-invalid' });
  });

  it('in the length of a string', () => {
    expect(ofHandle('a'.repeat(16_385))).toMatchObject({ code: 'too-large' });
  });

  test.each(['a', 'a ', '%25', 'a1', '%', '٣', ':1', 'md5', 'aA1-', 'data:', '1:a', 'é', 'a.b/', '=&md5'])(
    'in time, for the worst string made of "%s"',
    (unit) => {
      const text = unit.repeat(Math.floor(16_000 / unit.length));
      const start = performance.now();
      ofHandle(text);
      ofUrl(`https://host.example/?${text.slice(0, 7_900)}`);
      expect(performance.now() - start).toBeLessThan(200);
    },
  );

  it('on values that JSON cannot hold', () => {
    for (const value of [undefined, null, 1, true, '', [], {}]) expect(guard(value, { form: 'event' })).toBeUndefined();
  });
});
