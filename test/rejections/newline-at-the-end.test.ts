import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['\n', '\r\n', ' ', '\0'])('a token followed by %j is refused', async (tail) => {
  expect(await refusalOf(`${makeToken()}${tail}`)).toEqual(answer('invalid_request', 'base64url-not-canonical'));
  expect(await refusalOf(Buffer.from(`${makeToken()}${tail}`))).toEqual(
    answer('invalid_request', 'base64url-not-canonical'),
  );
});
