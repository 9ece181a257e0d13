import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, now, operational } from '../support/tokens.ts';

test('a revocation from before the key was in use is refused', async () => {
  const keys = [keyEntry(operational, { revoked: { revoked_at: now - 86_401, reason: 'compromised' } })];
  expect(await keySetRefusal(makeKeySet({ keys }))).toEqual(answer('invalid_request', 'revoked-before-nbf'));
});
