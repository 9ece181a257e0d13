import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each(['ecdh-es', 'ECDH-Es', 'none', ''])('an encrypted token with the alg %j is refused', async (alg) => {
  expect(await refusalOf(makeJwe({ header: { alg } }))).toEqual(answer('invalid_key', 'alg-mismatch'));
});
