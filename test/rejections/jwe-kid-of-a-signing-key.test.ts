import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, operational, refusalOf } from '../support/tokens.ts';

test('an encrypted token that names a key for signatures is refused', async () => {
  const jwe = makeJwe({ header: { kid: operational.kid } });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_key', 'not-decryptable'));
  expect(await refusalOf(jwe, readable)).toEqual(answer('invalid_key', 'not-decryptable'));
});
