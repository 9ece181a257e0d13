import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('a header with jku, that points to keys elsewhere, is refused', async () => {
  const header = { ...honestHeader(), jku: 'https://keys.example/jwks.json' };
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-member-not-allowed'));
});
