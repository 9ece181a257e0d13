import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { lockSecrets, unlockSecrets } from '../../src/keys/container.ts';

const WORDS = 'seven invented words for a test';
const COST = 2 ** 14;
const locked = await lockSecrets('node', { master: 'canary' }, WORDS, COST);

type Container = { header: Record<string, unknown>; sealed: string };
const container = () => JSON.parse(locked) as Container;

async function codeOf(change: (container: Container) => void): Promise<string> {
  const changed = container();
  change(changed);
  const answer = await unlockSecrets('node', JSON.stringify(changed), WORDS);
  return isRefusal(answer) ? answer.code : 'opened';
}

test('what was locked is unlocked with the same words', async () => {
  expect(await unlockSecrets('node', locked, WORDS)).toEqual({ master: 'canary' });
  expect(locked).not.toContain('canary');
});

test('two files of the same secrets share neither salt nor nonce nor ciphertext', async () => {
  const other = JSON.parse(await lockSecrets('node', { master: 'canary' }, WORDS, COST)) as Container;
  const first = container();
  expect(other.header.salt).not.toBe(first.header.salt);
  expect(other.header.nonce).not.toBe(first.header.nonce);
  expect(other.sealed).not.toBe(first.sealed);
});

test('one file cannot pass for another', async () => {
  expect(isRefusal(await unlockSecrets('identity', locked, WORDS))).toBe(true);
  expect(await codeOf(({ header }) => Object.assign(header, { holds: 'identity' }))).toBe('setting-invalid');
});

describe('a changed file is not opened', () => {
  test('with a bit of the ciphertext turned', async () => {
    const turn = (text: string) => {
      const bytes = Buffer.from(text, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
      return bytes.toString('base64url');
    };
    expect(await codeOf((one) => Object.assign(one, { sealed: turn(one.sealed) }))).toBe('passphrase-wrong');
  });

  test('with another work factor that is allowed', async () => {
    expect(await codeOf(({ header }) => Object.assign(header, { n: COST * 2 }))).toBe('passphrase-wrong');
  });

  test.each(['salt', 'nonce'])('with another %s', async (name) => {
    expect(await codeOf(({ header }) => Object.assign(header, { [name]: 'AAAAAAAAAAAAAAAAAAAAAA' }))).toBe(
      'passphrase-wrong',
    );
  });
});

// Each of these must be refused before scrypt is asked for anything: a planted file could take all memory or time.
describe('a planted file costs nothing', () => {
  test.each([
    ['too little work', { n: 2 ** 13 }],
    ['memory of half a gigabyte', { n: 2 ** 19 }],
    ['memory of a gigabyte', { n: 2 ** 20 }],
    ['a work factor that is no power of two', { n: 2 ** 14 + 1 }],
    ['a broken work factor', { n: 2 ** 14 + 0.5 }],
    ['a work factor in words', { n: '16384' }],
    ['a wider block', { r: 64 }],
    ['more lanes', { p: 1000 }],
    ['another derivation', { kdf: 'none' }],
    ['another version', { version: 2 }],
    ['no salt', { salt: null }],
  ])('with %s', async (_name, members) => {
    expect(await codeOf(({ header }) => Object.assign(header, members))).toBe('setting-invalid');
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['no header', '{"sealed":"AAAA"}'],
    ['no ciphertext', JSON.stringify({ header: container().header })],
    ['a ciphertext shorter than its tag', JSON.stringify({ header: container().header, sealed: 'AAAA' })],
  ])('that is %s', async (_name, text) => {
    expect(await unlockSecrets('node', text, WORDS)).toMatchObject({ refused: true, code: 'setting-invalid' });
  });
});

test.each([2 ** 13, 2 ** 19])('a file is not made with the work factor %i', async (cost) => {
  await expect(lockSecrets('node', {}, WORDS, cost)).rejects.toThrow(RangeError);
});
