import { expect, test } from 'vitest';
import { keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer } from '../support/tokens.ts';

test('a good key set of somebody else is refused', async () => {
  const iss = 'https://node.hotline-c.example';
  expect(await keySetRefusal(makeKeySet({ iss }))).toEqual(answer('invalid_issuer', 'issuer-mismatch'));
});
