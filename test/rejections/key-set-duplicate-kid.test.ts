import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, now } from '../support/tokens.ts';

test('a key set with one kid twice is refused', async () => {
  const keys = [keyEntry(), keyEntry(undefined, { exp: now + 1 })];
  expect(await keySetRefusal(makeKeySet({ keys }))).toEqual(answer('invalid_request', 'kid-duplicate'));
});
