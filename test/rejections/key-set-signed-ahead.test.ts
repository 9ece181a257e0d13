import { expect, test } from 'vitest';
import { keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, now } from '../support/tokens.ts';

test('a key set signed ahead of the clock is answered "later"', async () => {
  expect(await keySetRefusal(makeKeySet({ iat: now + 600 }))).toEqual(answer('temporarily_unavailable', 'iat-ahead'));
});
