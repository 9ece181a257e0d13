import { expect, test } from 'vitest';
import { answer, makeToken, operational, recordOf, refusalOf } from '../support/tokens.ts';

test('a pinned key whose material does not fit its algorithm verifies nothing', async () => {
  const keys = [recordOf(operational, { jwk: { ...operational.jwk, crv: 'X25519' } })];
  expect(await refusalOf(makeToken(), { keys })).toEqual(answer('invalid_key', 'alg-unsupported'));
});
