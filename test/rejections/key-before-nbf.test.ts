import { expect, test } from 'vitest';
import { answer, makeToken, now, operational, recordOf, refusalOf, taken } from '../support/tokens.ts';

test('a token signed before its key was in use is refused', async () => {
  const keys = [recordOf(operational, { nbf: now + 121 })];
  expect(await refusalOf(makeToken(), { keys })).toEqual(answer('invalid_key', 'key-not-yet-valid'));
  expect((await taken(makeToken(), { keys: [recordOf(operational, { nbf: now + 120 })] })).kid).toBe(operational.kid);
});
