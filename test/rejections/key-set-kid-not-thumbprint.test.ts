import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, operational, testKey } from '../support/tokens.ts';

test('a kid that is not the thumbprint of its key is refused', async () => {
  const keys = [keyEntry(operational, { kid: testKey().kid })];
  expect(await keySetRefusal(makeKeySet({ keys }))).toEqual(answer('invalid_request', 'kid-not-thumbprint'));
});
