import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test.each([0, 1, 2])('padding after part %i is refused', async (part) => {
  const padded = makeToken()
    .split('.')
    .map((text, index) => (index === part ? `${text}==` : text))
    .join('.');
  expect(await refusalOf(padded)).toEqual(answer('invalid_request', 'base64url-not-canonical'));
});
