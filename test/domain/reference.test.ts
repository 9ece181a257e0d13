import { describe, expect, it, test } from 'vitest';
import { codes } from '../../src/domain/codes.ts';
import type { CaseReference, Submission } from '../../src/domain/contract.types.ts';
import { guard } from '../../src/domain/guard.ts';
import { checkReference, checkRevision, sameContent } from '../../src/domain/reference.ts';
import fc from '../support/property.ts';

const id = '0190f2f0-5f3c-7a10-9c44-1f0a2b3c4d5e';
const other = '0190f2f0-5f3c-7a10-9c44-1f0a2b3c4d5f';
const listed = { codes: 'listed', profile: { loopback: false } } as const;
const wire = { codes: 'open', profile: { loopback: false } } as const;

const full: CaseReference = {
  revision: 1,
  url: 'https://host.example/path',
  role: 'content',
  report: id,
  related: [other],
  jurisdiction: { hosting: 'NL', reporting: 'DE', concerned: [{ country: 'DE-BY', basis: 'victim' }] },
  assignee: 'https://node.hotline-nl.example',
  category: 'csam',
  features: ['possible-new-victim'],
  assessments: [
    { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: '2026-11-20T10:00:00Z' },
  ],
  site: { type: 'image-host', commercial: 'unknown', payment: ['bitcoin'] },
  access: { referrer: 'https://forum.example/1', login: false },
  hosting: [{ country: 'NL', asn: 64500, cdn: false, method: 'dns', at: '2026-11-20T10:00:00Z' }],
  handles: [{ system: 'iccam', id: '4711' }],
  urgency: { level: 'priority', code: 'live-now' },
  marking: { tlp: 'AMBER', notifyHost: 'after-clearance', portal: 'national', onward: 'none' },
  receivedAt: '2026-11-20T09:12:00Z',
  observedAt: '2026-11-20T10:00:00Z',
  retainUntil: '2027-05-21',
};
const least: Submission = {
  url: 'http://host.example/',
  jurisdiction: { reporting: 'XX' },
  category: 'not-assessed',
  marking: { tlp: 'RED' },
};
const claim = {
  scheme: 'iccam',
  version: '3',
  code: 'baseline',
  method: 'viewed',
  at: '2026-11-20T10:00:00Z',
} as const;
const observed = { country: 'NL', method: 'dns', at: '2026-11-20T10:00:00Z' };

function found(change: Partial<CaseReference>, checks: Parameters<typeof checkReference>[1] = listed) {
  return checkReference({ ...full, ...change }, checks).map(({ code, pointer }) => [code, pointer]);
}

describe('a reference passes', () => {
  it('with every member, and with the least', () => {
    expect(checkReference(full, listed)).toEqual([]);
    expect(checkReference(least, listed)).toEqual([]);
    expect(checkReference(full, wire)).toEqual([]);
  });

  it('with an assessment by a national scheme, or one whose codes are not public', () => {
    const assessments = [
      { ...claim, scheme: 'national:SE', code: 'grov', law: 'SE' },
      { ...claim, scheme: 'inhope-ucs', code: 'whatever' },
      { ...claim, code: 'undetermined', method: 'automated' as const },
    ];
    expect(found({ assessments })).toEqual([]);
  });

  it('on the wire with codes of a newer list, untouched', () => {
    const newer: CaseReference = {
      ...full,
      category: 'new-category',
      role: 'new-role',
      features: ['new-feature'],
      site: { type: 'new-type', payment: ['new-payment'] },
      urgency: { level: 'new-level' },
      handles: [{ system: 'new-system', id: '1' }],
      marking: { tlp: 'GREEN', portal: 'new-portal' },
    };
    const before = JSON.stringify(newer);
    expect(checkReference(newer, wire)).toEqual([]);
    expect(JSON.stringify(newer)).toBe(before);
  });
});

describe('a reference is refused, at the node API and on the wire, for', () => {
  test.each<[name: string, code: string, pointer: string, change: Partial<CaseReference>]>([
    ['its address', 'url-quarantined', '/url', { url: 'https://a@host.example/' }],
    ['a scheme', 'url-scheme-refused', '/url', { url: 'magnet:?xt=x' }],
    ['its referrer', 'url-invalid', '/access/referrer', { access: { referrer: 'nowhere' } }],
    ['uk as hosting', 'jurisdiction-invalid', '/jurisdiction/hosting', { jurisdiction: { hosting: 'uk' } }],
    ['a reporting country', 'jurisdiction-invalid', '/jurisdiction/reporting', { jurisdiction: { reporting: 'ZZ' } }],
    [
      'a country concerned',
      'jurisdiction-invalid',
      '/jurisdiction/concerned/1/country',
      {
        jurisdiction: {
          concerned: [
            { country: 'DE', basis: 'act' },
            { country: 'UK', basis: 'act' },
          ],
        },
      },
    ],
    [
      'a country of hosting',
      'jurisdiction-invalid',
      '/hosting/0/country',
      { hosting: [{ ...observed, country: 'UK' }] },
    ],
    [
      'a time of hosting',
      'schema-invalid',
      '/hosting/0/at',
      { hosting: [{ ...observed, at: '2026-02-31T00:00:00Z' }] },
    ],
    ['a law', 'jurisdiction-invalid', '/assessments/0/law', { assessments: [{ ...claim, law: 'UK-SCT' }] }],
    [
      'a national scheme of nowhere',
      'jurisdiction-invalid',
      '/assessments/0/scheme',
      { assessments: [{ ...claim, scheme: 'national:ZZ', code: 'x' }] },
    ],
    [
      'a time of assessment',
      'schema-invalid',
      '/assessments/0/at',
      { assessments: [{ ...claim, at: '2026-02-29T00:00:00Z' }] },
    ],
    [
      'an automated baseline',
      'schema-invalid',
      '/assessments/0/method',
      { assessments: [{ ...claim, method: 'automated' }] },
    ],
    ['an emergency without its reason', 'schema-invalid', '/urgency/code', { urgency: { level: 'emergency' } }],
    ['a priority without its reason', 'schema-invalid', '/urgency/code', { urgency: { level: 'priority' } }],
    ['a handle', 'handle-invalid', '/handles/0/id', { handles: [{ system: 'iccam', id: ' ' }] }],
    [
      'a digest as a handle',
      'fingerprint-refused',
      '/handles/1/id',
      {
        handles: [
          { system: 'iccam', id: '1' },
          { system: 'own', id: 'd41d8cd98f00b204e9800998ecf8427e' },
        ],
      },
    ],
    ['a marking against itself', 'marking-invalid', '/marking/portal', { marking: { tlp: 'RED', portal: 'national' } }],
    ['a receipt on a day that is none', 'schema-invalid', '/receivedAt', { receivedAt: '2026-04-31T00:00:00Z' }],
    ['an observation at an hour that is none', 'schema-invalid', '/observedAt', { observedAt: '2026-04-30T24:00:00Z' }],
    ['an end that is no date', 'schema-invalid', '/retainUntil', { retainUntil: '2027-02-29' }],
  ])('%s', (_, code, pointer, change) => {
    expect(found(change)).toEqual([[code, pointer]]);
    expect(found(change, wire)).toEqual([[code, pointer]]);
  });

  it('naming itself as related, whether its id stands inside or not', () => {
    expect(checkReference({ ...least, id, related: [other, id] }, listed)).toMatchObject([
      { code: 'schema-invalid', pointer: '/related/1' },
    ]);
    expect(found({ related: [id] }, { ...wire, id })).toEqual([['schema-invalid', '/related/0']]);
    expect(found({ related: [id] }, wire)).toEqual([]);
  });
});

describe('at the node API a reference is refused for a code outside the lists', () => {
  test.each<[code: string, pointer: string, change: Partial<CaseReference>]>([
    ['category-unknown', '/category', { category: 'invented' }],
    ['category-unknown', '/category', { category: 'CSAM' }],
    ['code-unknown', '/role', { role: 'invented' }],
    ['code-unknown', '/features/1', { features: ['ai-generated', 'invented'] }],
    [
      'code-unknown',
      '/jurisdiction/concerned/0/basis',
      { jurisdiction: { concerned: [{ country: 'DE', basis: 'x' }] } },
    ],
    ['code-unknown', '/site/type', { site: { type: 'invented' } }],
    ['code-unknown', '/site/commercial', { site: { commercial: 'invented' } }],
    ['code-unknown', '/site/payment/0', { site: { payment: ['invented'] } }],
    ['code-unknown', '/hosting/0/method', { hosting: [{ ...observed, method: 'invented' }] }],
    ['code-unknown', '/urgency/level', { urgency: { level: 'invented' } }],
    ['code-unknown', '/urgency/code', { urgency: { level: 'priority', code: 'invented' } }],
    ['code-unknown', '/assessments/0/scheme', { assessments: [{ ...claim, scheme: 'invented' }] }],
    ['code-unknown', '/assessments/0/scheme', { assessments: [{ ...claim, scheme: 'constructor' }] }],
    ['code-unknown', '/assessments/0/code', { assessments: [{ ...claim, code: 'invented' }] }],
    ['code-unknown', '/assessments/0/code', { assessments: [{ ...claim, scheme: 'uk-sentencing' }] }],
    ['handle-invalid', '/handles/0/system', { handles: [{ system: 'invented', id: '1' }] }],
    ['marking-invalid', '/marking/tlp', { marking: { tlp: 'WHITE' } }],
    ['marking-invalid', '/marking/onward', { marking: { tlp: 'GREEN', onward: 'invented' } }],
  ])('%s at %s', (code, pointer, change) => {
    expect(found(change)).toEqual([[code, pointer]]);
  });

  it('with all findings at once, each at its pointer below that of the caller', () => {
    const findings = checkReference(
      { ...full, url: 'x', category: 'invented', retainUntil: '' },
      { ...listed, at: '/lines/3' },
    );
    expect(findings.map(({ pointer }) => pointer)).toEqual([
      '/lines/3/url',
      '/lines/3/retainUntil',
      '/lines/3/category',
    ]);
  });
});

describe('over generated references', () => {
  const place = fc.constantFrom('DE', 'NL', 'DE-BY', 'GB-SCT', 'US', 'XK', 'XX', 'XO');
  const instant = fc
    .date({ min: new Date('2000-01-01'), max: new Date('2035-01-01'), noInvalidDate: true })
    .map((date) => `${date.toISOString().slice(0, 19)}Z`);
  const segment = fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-_~'),
    minLength: 1,
    maxLength: 20,
  });
  const anyOf = (list: readonly string[]) => fc.constantFrom(...list);
  const reference = fc.record(
    {
      revision: fc.integer({ min: 1 }),
      url: fc.tuple(segment, segment).map(([path, query]) => `https://host.example/${path}?q=${query}`),
      role: anyOf(codes.role),
      report: fc.uuid({ version: [4, 7] }),
      jurisdiction: fc.record({ hosting: place, reporting: place }),
      category: anyOf(codes.category),
      features: fc.uniqueArray(anyOf(codes.features)),
      site: fc.record({ type: anyOf(codes.siteType), payment: fc.uniqueArray(anyOf(codes.payment)) }),
      hosting: fc.array(fc.record({ country: place, method: anyOf(codes.hostingMethod), at: instant }), {
        maxLength: 3,
      }),
      handles: fc.array(
        fc.record({ system: anyOf(codes.handleSystem), id: fc.integer({ min: 1 }).map((n) => `DE-2026/${n}`) }),
        { maxLength: 8 },
      ),
      urgency: fc.record({ level: anyOf(codes.urgencyLevel), code: anyOf(codes.urgencyCode) }),
      marking: fc.record(
        { tlp: anyOf(codes.markingTlp), notifyHost: anyOf(codes.markingNotifyHost) },
        { requiredKeys: ['tlp'] },
      ),
      receivedAt: instant,
      retainUntil: instant.map((text) => text.slice(0, 10)),
    },
    { requiredKeys: ['revision', 'url', 'jurisdiction', 'category', 'marking'] },
  );

  it('no honest one is refused, by the guard or by the checks', () => {
    fc.assert(
      fc.property(reference, (honest) => {
        expect(guard(honest, { form: 'reference' })).toBeUndefined();
        expect(checkReference(honest, listed)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('each says the same as its copy, and no longer when a member changes', () => {
    fc.assert(
      fc.property(reference, (one) => {
        const copy = Object.fromEntries(Object.entries(structuredClone(one)).reverse());
        expect(sameContent(one, copy)).toBe(true);
        expect(sameContent(one, { ...copy, revision: one.revision + 1 })).toBe(false);
        expect(sameContent(one, { ...copy, extra: null })).toBe(false);
      }),
    );
  });
});

describe('a revision', () => {
  it('with a higher number is newer, whatever it says', () => {
    expect(checkRevision(full, { ...full, revision: 9, category: 'grooming' })).toBe('newer');
  });

  it('with a lower number changes nothing', () => {
    expect(checkRevision({ ...full, revision: 3 }, { ...full, revision: 2, category: 'grooming' })).toBe('older');
  });

  it('with the same number and content is the same, in whatever order its members stand', () => {
    const turned = Object.fromEntries(Object.entries(full).reverse()) as unknown as CaseReference;
    expect(checkRevision(full, turned)).toBe('same');
    expect(checkRevision(full, { ...full, source: undefined } as unknown as CaseReference)).toBe('same');
  });

  it('with the same number and other content is revision-conflict', () => {
    expect(checkRevision(full, { ...full, category: 'grooming' })).toMatchObject({ code: 'revision-conflict' });
    expect(checkRevision(full, { ...full, features: [] })).toMatchObject({ code: 'revision-conflict' });
  });

  it('with another address is url-immutable, at any number', () => {
    for (const revision of [1, 2, 9]) {
      const answer = checkRevision({ ...full, revision: 2 }, { ...full, revision, url: 'https://host.example/Path' });
      expect(answer).toMatchObject({ code: 'url-immutable', pointer: '/url' });
    }
  });
});

describe('content is the same', () => {
  test.each([
    [1, 1, true],
    ['a', 'b', false],
    [null, undefined, false],
    [null, {}, false],
    [[], {}, false],
    [[1, 2], [2, 1], false],
    [{ a: [{ b: 1, c: 2 }] }, { a: [{ c: 2, b: 1 }] }, true],
    [{ a: undefined }, {}, true],
    [{ a: 1 }, { b: 1 }, false],
    [{ a: 0 }, { a: false }, false],
  ])('%j and %j: %s', (a, b, same) => {
    expect(sameContent(a, b)).toBe(same);
    expect(sameContent(b, a)).toBe(same);
  });
});
