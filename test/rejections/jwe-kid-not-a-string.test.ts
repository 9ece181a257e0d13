import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([undefined, null, 7, ['a'], {}])('an encrypted token with the kid %j is refused', async (kid) => {
  expect(await refusalOf(makeJwe({ header: { kid } }))).toEqual(answer('invalid_request', 'kid-missing'));
});
