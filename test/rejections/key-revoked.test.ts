import { expect, test } from 'vitest';
import { answer, makeToken, now, operational, recordOf, refusalOf } from '../support/tokens.ts';

test.each([now - 86_400, now + 86_400])('a token by a key revoked as of %i is refused', async (revoked_at) => {
  const keys = [recordOf(operational, { revoked_at, revoked_reason: 'compromised' })];
  expect(await refusalOf(makeToken(), { keys })).toEqual(answer('invalid_key', 'key-revoked'));
});
