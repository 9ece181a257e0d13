import { expect, test } from 'vitest';
import { identity, keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer } from '../support/tokens.ts';

test('a key set whose identity key would sign messages too is refused', async () => {
  const keys = [keyEntry(), keyEntry(identity)];
  expect(await keySetRefusal(makeKeySet({ keys }))).toEqual(answer('invalid_request', 'key-is-identity'));
});
