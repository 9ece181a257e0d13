import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['ed25519', 'ED25519', 'Ed25519 '])('the name of the algorithm written as %j is refused', async (alg) => {
  expect(await refusalOf(makeToken({ header: { ...honestHeader(), alg } }))).toEqual(
    answer('invalid_key', 'alg-mismatch'),
  );
});
