import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf, testKey } from '../support/tokens.ts';

test('a token by a key that is not pinned is answered "later", not "never"', async () => {
  expect(await refusalOf(makeToken({ key: testKey() }))).toEqual(answer('temporarily_unavailable', 'kid-unknown'));
});
