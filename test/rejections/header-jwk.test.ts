import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, operational, refusalOf } from '../support/tokens.ts';

test('a header with jwk, that brings its own key, is refused', async () => {
  const header = { ...honestHeader(), jwk: operational.jwk };
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-member-not-allowed'));
});
