import { expect, test } from 'vitest';
import { keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, now } from '../support/tokens.ts';

test('a key set that has expired is refused', async () => {
  expect(await keySetRefusal(makeKeySet({ iat: now - 86_400, exp: now }))).toEqual(
    answer('invalid_key', 'key-set-expired'),
  );
});
