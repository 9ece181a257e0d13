import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['SECEVENT+JWT', 'secevent+JWT', 'SecEvent+jwt'])('typ written as %s is refused', async (typ) => {
  expect(await refusalOf(makeToken({ header: honestHeader(undefined, typ) }))).toEqual(
    answer('invalid_request', 'typ-invalid'),
  );
});
