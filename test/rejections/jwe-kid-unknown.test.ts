import { expect, test } from 'vitest';
import { encryptionKeyPair, makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test('an encrypted token to a key that this node never had is refused as one that does not decrypt', async () => {
  const jwe = makeJwe({ to: encryptionKeyPair() });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_key', 'not-decryptable'));
  expect(await refusalOf(jwe, readable)).toEqual(answer('invalid_key', 'not-decryptable'));
});

test.each(['', '../node.key', '__proto__', 'constructor'])('so is one to the kid %j', async (kid) => {
  expect(await refusalOf(makeJwe({ header: { kid } }))).toEqual(answer('invalid_key', 'not-decryptable'));
});
