import { expect, test } from 'vitest';
import { answer, makeToken, now, operational, recordOf, refusalOf, taken } from '../support/tokens.ts';

test('a token by an expired key is refused, from the very second', async () => {
  const keys = [recordOf(operational, { exp: now })];
  expect(await refusalOf(makeToken(), { keys })).toEqual(answer('invalid_key', 'key-expired'));
  expect((await taken(makeToken(), { keys: [recordOf(operational, { exp: now + 1 })] })).kid).toBe(operational.kid);
});
