import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each(['A128KW', 'A192KW', 'A256KW'])('a content key wrapped by ECDH-ES+%s is refused', async (wrap) => {
  const jwe = makeJwe({ header: { alg: `ECDH-ES+${wrap}` }, encryptedKey: Buffer.alloc(40, 7) });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_key', 'alg-mismatch'));
});
