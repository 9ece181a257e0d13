import { expect, test } from 'vitest';
import { answer, makeToken, operational, refusalOf, testKey } from '../support/tokens.ts';

test('a header with two kids is refused, whichever a parser would take', async () => {
  const header = `{"alg":"Ed25519","typ":"secevent+jwt","kid":"${testKey().kid}","kid":"${operational.kid}"}`;
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'duplicate-member'));
});
