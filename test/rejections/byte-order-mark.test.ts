import { expect, test } from 'vitest';
import { answer, honestClaims, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('a byte order mark before header or payload is refused', async () => {
  const mark = '\ufeff';
  const header = mark + JSON.stringify(honestHeader());
  const payload = mark + JSON.stringify(honestClaims());
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'byte-order-mark'));
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'byte-order-mark'));
});
