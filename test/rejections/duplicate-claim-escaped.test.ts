import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, self } from '../support/tokens.ts';

test('a second aud that is spelled with an escape is refused', async () => {
  const payload = JSON.stringify(honestClaims()).replace('{', '{"\\u0061ud":"https://node.elsewhere.example",');
  expect(JSON.parse(payload).aud).toBe(self);
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'duplicate-member'));
});
