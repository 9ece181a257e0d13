import { expect, test } from 'vitest';
import { encryption, makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test('an ephemeral key with its private part is refused', async () => {
  const d = Buffer.alloc(32, 7).toString('base64url');
  const jwe = makeJwe({ header: { epk: { ...encryption.jwk, d } } });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_request', 'epk-invalid'));
});
