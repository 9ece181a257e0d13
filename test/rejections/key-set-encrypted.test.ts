import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer } from '../support/tokens.ts';

test('an encrypted key set is refused: key sets are public', async () => {
  const content = makeKeySet();
  const jwe = makeJwe({ content, header: { typ: 'jwk-set+jwt' } });
  expect(await keySetRefusal(jwe)).toEqual(answer('invalid_request', 'parts-invalid'));
});
