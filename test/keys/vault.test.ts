import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { MatchKeyName } from '../../src/domain/secrets.ts';
import { createVault } from '../../src/keys/vault.ts';
import fc from '../support/property.ts';

const vault = createVault(Buffer.alloc(32, 7));
const foreign = createVault(Buffer.alloc(32, 8));
const owner = 'https://node.hotline-a.example 018f0000-0000-7000-8000-000000000001';
const place = { table: 'reference', row: '12', column: 'url' };
const plain = Buffer.from('https://host.example/canary');
const { key, wrapped } = vault.newDataKey(owner);
const sealed = vault.seal(key, place, plain);

test('what is sealed for a place is opened for that place', () => {
  expect(Buffer.from(vault.open(key, place, sealed))).toEqual(plain);
  expect(Buffer.from(sealed).includes('canary')).toBe(false);
});

test('any bytes come back as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      expect(Buffer.from(vault.open(key, place, vault.seal(key, place, bytes)))).toEqual(Buffer.from(bytes));
    }),
  );
});

test('the layout is version, nonce, ciphertext, tag, and no nonce comes twice', () => {
  expect(sealed[0]).toBe(1);
  expect(sealed).toHaveLength(1 + 12 + plain.length + 16);
  const nonces = Array.from({ length: 200 }, () => Buffer.from(vault.seal(key, place, plain)).toString('hex', 1, 13));
  expect(new Set(nonces).size).toBe(200);
});

describe('a ciphertext cannot be moved', () => {
  test.each([
    ['to another table', { ...place, table: 'message' }],
    ['to another row', { ...place, row: '13' }],
    ['to another column', { ...place, column: 'handle' }],
    ['across the border of row and column', { table: 'reference', row: '1', column: '2url' }],
    ['across the border of table and row', { table: 'reference1', row: '2', column: 'url' }],
  ])('%s', (_name, other) => expect(() => vault.open(key, other, sealed)).toThrow());

  test('to another data key', () => {
    expect(() => vault.open(vault.newDataKey(owner).key, place, sealed)).toThrow();
  });
});

test.each([
  ['its version', 0],
  ['its nonce', 5],
  ['its ciphertext', 20],
  ['its tag', sealed.length - 1],
])('a ciphertext with %s changed is not opened', (_name, at) => {
  const changed = Buffer.from(sealed);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  expect(() => vault.open(key, place, changed)).toThrow();
});

test.each([0, 1, 28])('%i bytes are no ciphertext', (length) => {
  expect(() => vault.open(key, place, sealed.subarray(0, length))).toThrow();
});

describe('a wrapped data key', () => {
  test('is unwrapped for its owner', () =>
    expect(Buffer.from(vault.unwrap(wrapped, owner).bytes)).toEqual(Buffer.from(key.bytes)));
  test('does not show the key', () => expect(Buffer.from(wrapped).includes(Buffer.from(key.bytes))).toBe(false));
  test('is of no use for another reference', () => expect(() => vault.unwrap(wrapped, `${owner}2`)).toThrow());
  test('is of no use to another node', () => expect(() => foreign.unwrap(wrapped, owner)).toThrow());
});

describe('a blind index', () => {
  const names: readonly MatchKeyName[] = ['K1', 'K2', 'K3', 'K4'];
  const hex = (name: MatchKeyName, value: string) => Buffer.from(vault.index(name, value)).toString('hex');

  test('is the same for the same value and differs for each name, value and node', () => {
    expect(hex('K1', 'host.example')).toBe(hex('K1', 'host.example'));
    const all = [...names.map((name) => hex(name, 'host.example')), hex('K1', 'other.example')];
    all.push(Buffer.from(foreign.index('K1', 'host.example')).toString('hex'));
    expect(new Set(all).size).toBe(all.length);
  });

  test('is no plain digest and no HMAC under the master key', () => {
    const guess = createHmac('sha256', Buffer.alloc(32, 7)).update('K1\0host.example').digest('hex');
    expect(hex('K1', 'host.example')).not.toBe(guess);
    expect(hex('K1', 'host.example')).toMatch(/^[0-9a-f]{64}$/);
  });
});

test('a digest is keyed by its purpose and takes text and bytes alike', () => {
  const hex = (purpose: string, value: string | Uint8Array) =>
    Buffer.from(vault.digest(purpose, value)).toString('hex');
  expect(hex('client-token', 'a')).toBe(hex('client-token', Buffer.from('a')));
  expect(hex('client-token', 'a')).not.toBe(hex('idempotency', 'a'));
});
