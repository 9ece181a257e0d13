import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test('a duplicate deep inside the event is refused', async () => {
  const payload = JSON.stringify(honestClaims()).replace('"revision":1', '"marking":{"tlp":"RED","tlp":"CLEAR"}');
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'duplicate-member'));
});
