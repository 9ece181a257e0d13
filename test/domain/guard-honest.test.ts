import { createHash } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { guard } from '../../src/domain/guard.ts';
import fc from '../support/property.ts';

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
const sha1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
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

describe('honest content passes', () => {
  it('as a reference', () => {
    expect(guard(honest, { form: 'reference' })).toBeUndefined();
  });

  test.each([
    '4711',
    'DE-2026/00123',
    'CT-123456789',
    '0001234-56.2026.8.26.0100',
    'ECLI:DE:BGH:2026:010126U1STR1.26.0',
    '4 Js 1234/26',
    'Abt.4/Fall.2026.Nr.0012-B',
    'Az. 123 Js 4567/26 - StA München I',
    'СУ-2026/000123 г. Пример',
    'ΑΒΓ-2026/123',
    '令和8年第123号',
    uuid,
    uuid.toUpperCase(),
    '6F9619FF-8B86-D011-B42D-00C04FC964FF',
    `case/${uuid}`,
    'HOTLINE-2026-000123456',
    'Hotline-Report-2026-12',
    'Hotline/Report-2026-0012345',
    'CyberTipline-Report-2026-0012345',
    'cyberTipReportOfHotline',
    '507f1f77bcf86cd799439011',
    '2026-000123/507f1f77bcf86cd799439011',
    '2026000000123456',
    'BE.2026.11.20/0000123/CAFE-01',
    'POLICE-UNIT-BERLIN-CASE-4352',
    'hash-tag-campaign #12',
    '2026-11-20/10:00/4711-4712-4713-4714',
  ])('as the handle %s', (id) => {
    expect(ofHandle(id)).toBeUndefined();
  });

  test.each([
    `https://host.example/${md5}`,
    `https://host.example/images/${md5.slice(0, 2)}/${md5}.jpg`,
    `https://${md5}.host.example/`,
    `https://host.example/view?id=${md5}`,
    `https://host.example/view?${md5}`,
    `https://host.example/#${sha256}`,
    `https://host.example/i?file=${sha1}.jpg&w=300`,
    `https://host.example/md5/${md5}`,
    `https://host.example/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG`,
    'https://host.example/doc?hash=1a2b3c4d5e6f708192&dl=1',
    'https://host.example/image/jpeg/12',
    'https://host.example/?utm_source=a&share=1&pass=abc12345',
    'https://host.example/photo.php?fbid=1234567890123456&set=a.12345',
    'https://host.example/a;jsessionid=0123456789ABCDEF0123456789ABCDEF?x=1',
    'https://host.example/?data=1&blob=2',
    'https://host.example/f.7z?e=1763823588&st=Tmk_OeE79FBNZxdfuvAL3w',
    `https://host.example/?X-Goog-Signature=${sha256.repeat(8)}`,
    'https://host.example/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD',
  ])('as the address %s, where it is a location', (url) => {
    expect(ofUrl(url)).toBeUndefined();
    expect(guard({ access: { referrer: url } }, { form: 'reference' })).toBeUndefined();
  });

  it('as an issuer whose host is long', () => {
    const assignee = 'https://3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c.node.example';
    expect(guard({ ...honest, assignee }, { form: 'reference' })).toBeUndefined();
  });

  it('as a receipt, whose digest and jti the protocol defines', () => {
    const digest = `S256:${bytes32.toString('base64url')}`;
    const receipt = {
      for: { jti: bytes16.toString('base64url') },
      digest,
      receivedAt: '2026-11-20T10:00:00Z',
      outcome: 'refused',
      code: 'fingerprint-refused',
      pointer: '/handles/0/id',
    };
    expect(guard(receipt, { form: 'receipt' })).toBeUndefined();
    expect(guard({ ...honest, supersedes: digest }, { form: 'reference' })).toBeUndefined();
  });

  it('as other events', () => {
    expect(guard({ reason: 'sent-in-error', purge: true, batch: uuid }, { form: 'event' })).toBeUndefined();
    expect(guard({ epoch: uuid, ranges: [[12, 15]], reason: 'withdrawn' }, { form: 'event' })).toBeUndefined();
    expect(guard({}, { form: 'event' })).toBeUndefined();
  });

  it('as a policy', () => {
    const policy = {
      partner: 'https://node.police-b.example',
      version: 3,
      legal: {
        basis: 'Article 37(1)(a) of Directive (EU) 2016/680; Datenschutzgrundverordnung; § 184b StGB',
        agreement: 'Ley Orgánica 7/2021; 6726d1b38c969883da3b5a4e, signed by both; data: see annex 2',
        transfer: 'none',
        route: 'own-police',
        reviewBy: '2027-11-20',
      },
      send: {
        rules: [{ id: 'hosted-there', when: { category: ['csam'], 'jurisdiction.hosting': ['NL'] }, then: 'send' }],
        disclose: { handles: 'never', url: true, assessments: true },
        marking: { tlpFloor: 'AMBER', portal: 'national', onward: 'none' },
      },
      receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' }], bindingAssessments: ['baseline'] },
      security: { algs: ['Ed25519'], encryption: 'required', receiptWithinHours: 24 },
    };
    expect(guard(policy, { form: 'policy' })).toBeUndefined();
  });

  it('as a card and a key set', () => {
    const part = bytes32.toString('base64url');
    const lattice = Buffer.alloc(1952, 7).toString('base64url');
    const card = {
      iss: 'https://node.hotline-a.example',
      iat: 1795000000,
      organisation: { name: 'Hotline gegen Kindesmissbrauch Ä', type: 'hotline', jurisdictions: ['DE'], coverage: [] },
      identity_key: { kty: 'OKP', crv: 'Ed25519', x: part, kid: part, alg: 'Ed25519', use: 'sig' },
      key_set: `${part}.${part}${part}.${part}${part}`,
      contact: {
        desk: 'Meldestelle',
        email: 'desk@hotline-a.example',
        phone: '+49 30 123456',
        emergencyPhone: '+49 30 1234567',
        // 22 letters and figures in pairs, as an MD5 in base64 has.
        hours: 'Mo-Fr 08:00-17:00, Sa 10:00-14:00',
        timezone: 'Europe/Berlin',
        languages: ['de', 'en'],
      },
    };
    expect(guard(card, { form: 'card' })).toBeUndefined();
    const keys = [
      { kty: 'EC', crv: 'P-256', x: part, y: part, kid: part, alg: 'ES256', use: 'sig', nbf: 1, exp: 2 },
      { kty: 'AKP', pub: lattice, kid: part, alg: 'ML-DSA-65', use: 'sig', nbf: 1, exp: 2 },
    ];
    const set = {
      iss: 'https://node.hotline-a.example',
      seq: 1795000000,
      refresh: 3600,
      keys,
      endpoints: { push: 'https://node.hotline-a.example/exchange/push' },
      algs: ['Ed25519'],
      encryption: 'none',
      max_set_bytes: 16384,
    };
    expect(guard(set, { form: 'key-set' })).toBeUndefined();
  });
});

describe('over generated content', () => {
  const seed = 20261120;

  it('every digest is refused in every spelling', () => {
    const digest = fc
      .tuple(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.constantFrom(16, 20, 28, 32, 48, 64))
      .map(([source, size]) => createHash('sha512').update(source).digest().subarray(0, size));
    const spell = fc.constantFrom<(bytes: Buffer) => string>(
      (bytes) => bytes.toString('hex'),
      (bytes) => bytes.toString('hex').toUpperCase(),
      (bytes) => bytes.toString('hex').match(/../g)?.join(':') ?? '',
      (bytes) => bytes.toString('hex').match(/.{4}/g)?.join(' ') ?? '',
      (bytes) => [...bytes.toString('hex')].join('\u200c'),
      (bytes) => bytes.toString('base64'),
      (bytes) => bytes.toString('base64url'),
      (bytes) => encodeURIComponent(bytes.toString('base64')),
      (bytes) => `sha256-${bytes.toString('base64')}`,
      (bytes) => `case ${bytes.toString('hex')}`,
    );
    fc.assert(
      fc.property(digest, spell, (bytes, write) => {
        expect(ofHandle(write(bytes))?.code).toBe('fingerprint-refused');
      }),
      { seed, numRuns: 3000 },
    );
  });

  it('no honest handle is refused', () => {
    const year = fc.integer({ min: 1995, max: 2030 }).map(String);
    const serial = fc.integer({ min: 1, max: 99_999_999 }).map(String);
    const padded = fc.integer({ min: 1, max: 9_999_999 }).map((n) => String(n).padStart(8, '0'));
    const unit = fc.constantFrom(
      'DE',
      'LKA',
      'BKA',
      'Js',
      'AR',
      'K31',
      'KK-12',
      'Az',
      'Case',
      'Rep',
      'CAFE',
      'Ref',
      'EB',
      'дело',
      '案件',
      'Υπ',
    );
    const part = fc.oneof(year, serial, padded, unit);
    const mark = fc.constantFrom('-', '/', '.', ':', ' ', '_', '#');
    const handle = fc.oneof(
      fc.uuid({ version: 4 }),
      fc.uuid({ version: 7 }),
      fc
        .tuple(part, fc.array(fc.tuple(mark, part), { maxLength: 5 }))
        .map(([first, rest]) => first + rest.flat().join('')),
    );
    fc.assert(
      fc.property(handle, (id) => {
        expect(ofHandle(id.slice(0, 64).trim())).toBeUndefined();
      }),
      { seed, numRuns: 5000 },
    );
  });

  it('no honest address is refused', () => {
    const label = fc.string({
      unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'),
      minLength: 1,
      maxLength: 12,
    });
    const segment = fc.oneof(label, fc.uuid(), fc.constant(md5), fc.constant(bytes32.toString('base64url')));
    const parameter = fc.tuple(fc.constantFrom('id', 'p', 'token', 'v', 'q', 's', 'key', 'sig', 'f'), segment);
    const address = fc
      .tuple(label, fc.array(segment, { maxLength: 4 }), fc.array(parameter, { maxLength: 3 }), fc.option(segment))
      .map(
        ([host, path, query, fragment]) =>
          `https://${host}.example/${path.join('/')}?${query.map((pair) => pair.join('=')).join('&')}${fragment === null ? '' : `#${fragment}`}`,
      );
    fc.assert(
      fc.property(address, (url) => {
        expect(ofUrl(url)).toBeUndefined();
      }),
      { seed, numRuns: 3000 },
    );
  });
});
