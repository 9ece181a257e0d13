import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([undefined, null, 1, ['ECDH-ES']])('an encrypted token with the alg %j is refused', async (alg) => {
  expect(await refusalOf(makeJwe({ header: { alg } }))).toEqual(answer('invalid_request', 'alg-missing'));
});
