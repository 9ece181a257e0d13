import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf, taken } from '../support/tokens.ts';

/** Changes the first character of one part. */
function changed(jwe: string, part: number): string {
  const parts = jwe.split('.');
  const before = parts[part] ?? '';
  parts[part] = (before.startsWith('A') ? 'B' : 'A') + before.slice(1);
  return parts.join('.');
}

test.each([
  ['nonce', 2],
  ['ciphertext', 3],
  ['tag', 4],
] as const)('an encrypted token with another %s is refused', async (_, part) => {
  const jwe = makeJwe();
  expect(await refusalOf(changed(jwe, part), readable)).toEqual(answer('invalid_key', 'not-decryptable'));
  expect((await taken(jwe, readable)).encrypted).toBe(true);
});

test('one under the header of another is refused', async () => {
  const [, ...rest] = makeJwe().split('.');
  const [header] = makeJwe().split('.');
  const spliced = [header, ...rest].join('.');
  expect(await refusalOf(spliced, readable)).toEqual(answer('invalid_key', 'not-decryptable'));
});
