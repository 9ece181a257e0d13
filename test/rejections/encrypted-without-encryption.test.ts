import { expect, test } from 'vitest';
import { answer, encode, refusalOf } from '../support/tokens.ts';

test('an encrypted token is told apart from a broken one', async () => {
  const header = encode('{"alg":"ECDH-ES","enc":"A256GCM","typ":"secevent+jwt","cty":"JWT"}');
  const token = `${header}..AAAAAAAAAAAAAAAA.${encode('sealed')}.AAAAAAAAAAAAAAAAAAAAAA`;
  expect(await refusalOf(token)).toEqual(answer('invalid_key', 'encrypted-not-supported'));
});
