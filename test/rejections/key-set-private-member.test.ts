import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer } from '../support/tokens.ts';

test.each(['d', 'k', 'priv', 'p'])('a key set that publishes the private member %s is refused', async (member) => {
  const keys = [keyEntry(undefined, { [member]: 'AAAA' })];
  expect(await keySetRefusal(makeKeySet({ keys }))).toEqual(answer('invalid_request', 'private-member'));
});

test('the private member of a key of an unknown algorithm is not passed over', async () => {
  const keys = [keyEntry(), { kty: 'oct', kid: 'shared', alg: 'HS256', k: 'AAAA' }];
  expect(await keySetRefusal(makeKeySet({ keys }))).toEqual(answer('invalid_request', 'private-member'));
});
