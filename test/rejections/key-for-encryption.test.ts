import { expect, test } from 'vitest';
import { answer, makeToken, operational, recordOf, refusalOf } from '../support/tokens.ts';

test('a token that names an encryption key is refused', async () => {
  const keys = [recordOf(operational, { use: 'enc' })];
  expect(await refusalOf(makeToken(), { keys })).toEqual(answer('invalid_key', 'key-not-for-signing'));
});
