import { expect, test } from 'vitest';
import { answer, honestClaims, jti, makeToken, refusalOf } from '../support/tokens.ts';

test.each([undefined, '', 'short', `${jti}x`, `${jti.slice(1)}+`, `${jti}\n`, 7])(
  'a jti of %j is refused',
  async (value) => {
    expect(await refusalOf(makeToken({ payload: honestClaims({ jti: value }) }))).toEqual(
      answer('invalid_request', 'jti-invalid'),
    );
  },
);

test('a jti of more than 64 characters is refused from a foreign client too', async () => {
  const payload = honestClaims({ jti: 'a'.repeat(65) });
  expect(await refusalOf(makeToken({ payload }), { foreign: true })).toEqual(answer('invalid_request', 'jti-invalid'));
});
