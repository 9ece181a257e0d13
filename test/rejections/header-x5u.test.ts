import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('a header with x5u, that points to a certificate, is refused', async () => {
  const header = { ...honestHeader(), x5u: 'https://keys.example/chain.pem' };
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-member-not-allowed'));
});
