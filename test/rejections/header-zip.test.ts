import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('a header with zip, that announces compression, is refused', async () => {
  const header = { ...honestHeader(), zip: 'DEF' };
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-member-not-allowed'));
});
