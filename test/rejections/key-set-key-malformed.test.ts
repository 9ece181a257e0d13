import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, operational } from '../support/tokens.ts';

test.each([
  { alg: 'ES256' },
  { x: 'AAAA' },
  { x: `${operational.jwk.x?.slice(0, -1)}_` },
  { crv: 'X25519' },
  { use: 'enc' },
])('a key that cannot be what it says is refused: %j', async (changes) => {
  const keys = [keyEntry(operational, changes)];
  expect(await keySetRefusal(makeKeySet({ keys }))).toEqual(answer('invalid_request', 'key-malformed'));
});
