import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each([undefined, null, 7])('a header whose kid is %j is refused', async (kid) => {
  expect(await refusalOf(makeToken({ header: { ...honestHeader(), kid } }))).toEqual(
    answer('invalid_request', 'kid-missing'),
  );
});
