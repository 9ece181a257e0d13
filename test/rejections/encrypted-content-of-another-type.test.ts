import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, honestHeader, makeToken, operational, refusalOf } from '../support/tokens.ts';

test.each(['jwk-set+jwt', 'caseref-peer+jwt', 'JWT'])('an encrypted %s is refused', async (typ) => {
  const content = makeToken({ header: honestHeader(operational, typ) });
  expect(await refusalOf(makeJwe({ content }), readable)).toEqual(answer('invalid_request', 'typ-invalid'));
});
