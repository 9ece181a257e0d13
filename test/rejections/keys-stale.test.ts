import { expect, test } from 'vitest';
import { answer, makeToken, now, operational, refusalOf, taken } from '../support/tokens.ts';

test('a partner whose key set ran out long ago is answered "later", never "no"', async () => {
  expect(await refusalOf(makeToken(), { staleAt: now })).toEqual(answer('temporarily_unavailable', 'keys-stale'));
  expect((await taken(makeToken(), { staleAt: now + 1 })).kid).toBe(operational.kid);
});
