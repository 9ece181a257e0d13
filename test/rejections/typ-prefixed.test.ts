import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('typ written as a whole media type is refused', async () => {
  const header = honestHeader(undefined, 'application/secevent+jwt');
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'typ-invalid'));
});
