import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, operational, refusalOf, testKey } from '../support/tokens.ts';

test('a token that names a pinned key and was signed by another is refused', async () => {
  const token = makeToken({ key: testKey(), header: honestHeader(operational) });
  expect(await refusalOf(token)).toEqual(answer('authentication_failed', 'signature-invalid'));
});
