import { expect, test } from 'vitest';
import { keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, now } from '../support/tokens.ts';

test('a key set that claims more than 100 days is refused', async () => {
  expect(await keySetRefusal(makeKeySet({ exp: now + 100 * 86_400 + 1 }))).toEqual(
    answer('invalid_request', 'exp-too-far'),
  );
});
