import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, self } from '../support/tokens.ts';

test('a payload with two audiences by the same name is refused, whichever comes last', async () => {
  const honest = JSON.stringify(honestClaims());
  for (const payload of [
    honest.replace('{', '{"aud":"https://node.elsewhere.example",'),
    honest.replace(/}$/, `,"aud":"${self}"}`),
  ]) {
    expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'duplicate-member'));
  }
});
