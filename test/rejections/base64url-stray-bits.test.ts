import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test('a signature whose last character has stray bits is refused, though jose would take it', async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const token = makeToken();
  const respelled = token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? '') + 1];
  expect(Buffer.from(respelled.split('.')[2] ?? '', 'base64url')).toEqual(
    Buffer.from(token.split('.')[2] ?? '', 'base64url'),
  );
  expect(await refusalOf(respelled)).toEqual(answer('invalid_request', 'base64url-not-canonical'));
});
