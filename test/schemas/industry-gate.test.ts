import { expect, test } from 'vitest';
import { eventSchema, gateReference } from '../../src/exchange/gate.ts';

const reduced = {
  revision: 1,
  url: 'https://host.example/path',
  category: 'csam',
  requested: 'remove',
  legalBasis: 'notice-and-action',
  marking: { tlp: 'AMBER', notifyHost: 'may' },
};
const whole = {
  revision: 1,
  url: 'https://host.example/path',
  category: 'csam',
  jurisdiction: { hosting: 'NL' },
  marking: { tlp: 'AMBER' },
};
const supersedes = `S256:${'A'.repeat(43)}`;

function gated(event: 'submitted' | 'revised', ownType: string, value: object) {
  return gateReference(value, { schema: eventSchema(event, ownType), codes: 'open', loopback: false }).map(
    ({ code, pointer }) => [code, pointer],
  );
}

test('an industry node takes the reduced form, first and revised', () => {
  expect(gated('submitted', 'industry', reduced)).toEqual([]);
  expect(gated('revised', 'industry', { ...reduced, revision: 2, supersedes })).toEqual([]);
});

test('an industry node takes no whole reference, nor a member more than it may have', () => {
  expect(gated('submitted', 'industry', whole)).toContainEqual(['schema-invalid', '/jurisdiction']);
  expect(gated('submitted', 'industry', { ...reduced, handles: [] })).toEqual([['schema-invalid', '/handles']]);
  expect(gated('revised', 'industry', { ...whole, supersedes })).toContainEqual(['schema-invalid', '/jurisdiction']);
});

test('every other node takes whole references, and no reduced form', () => {
  for (const type of ['hotline', 'law-enforcement', 'of-tomorrow']) {
    expect(gated('submitted', type, whole)).toEqual([]);
    expect(gated('revised', type, { ...whole, supersedes })).toEqual([]);
    expect(gated('submitted', type, reduced)).toContainEqual(['schema-invalid', '/jurisdiction']);
    expect(gated('revised', type, { ...reduced, supersedes })).toContainEqual(['schema-invalid', '/requested']);
  }
});

test('the reduced form passes the same guard and URL gate', () => {
  expect(gated('submitted', 'industry', { ...reduced, url: 'https://user@host.example/' })).toEqual([
    ['url-quarantined', '/url'],
  ]);
  expect(gated('submitted', 'industry', { ...reduced, sha256: 'x' })).toEqual([['fingerprint-refused', '/sha256']]);
  expect(gated('submitted', 'industry', { ...reduced, url: 'magnet:?xt=urn:x' })).toEqual([
    ['url-scheme-refused', '/url'],
  ]);
  const marking = { tlp: 'RED', portal: 'national' };
  expect(gated('submitted', 'industry', { ...reduced, marking })).toEqual([['marking-invalid', '/marking/portal']]);
  const newer = { ...reduced, category: 'of-tomorrow', requested: 'of-tomorrow', legalBasis: 'of-tomorrow' };
  expect(gated('submitted', 'industry', newer)).toEqual([]);
});
