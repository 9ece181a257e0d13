import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('a header with crit, that names critical extensions, is refused', async () => {
  const header = { ...honestHeader(), crit: ['exp'] };
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-member-not-allowed'));
});
