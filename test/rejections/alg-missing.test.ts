import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each([undefined, null, 1, ['Ed25519']])('a header whose alg is %j is refused', async (alg) => {
  expect(await refusalOf(makeToken({ header: { ...honestHeader(), alg } }))).toEqual(
    answer('invalid_request', 'alg-missing'),
  );
});
