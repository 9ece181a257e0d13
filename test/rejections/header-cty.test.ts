import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('a header with cty, that announces a nested token, is refused', async () => {
  const header = { ...honestHeader(), cty: 'JWT' };
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-member-not-allowed'));
});
