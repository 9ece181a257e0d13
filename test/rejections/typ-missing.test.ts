import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each([undefined, null, ''])('a header whose typ is %j is refused', async (typ) => {
  expect(await refusalOf(makeToken({ header: { ...honestHeader(), typ } }))).toEqual(
    answer('invalid_request', 'typ-invalid'),
  );
});
