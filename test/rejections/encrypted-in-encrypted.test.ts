import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf, taken } from '../support/tokens.ts';

test('an encrypted token inside an encrypted token is refused', async () => {
  const content = makeJwe();
  expect((await taken(content, readable)).encrypted).toBe(true);
  expect(await refusalOf(makeJwe({ content }), readable)).toEqual(answer('invalid_request', 'encrypted-twice'));
});

test('so are five parts inside that are no token at all', async () => {
  expect(await refusalOf(makeJwe({ content: '....' }), readable)).toEqual(answer('invalid_request', 'encrypted-twice'));
});
