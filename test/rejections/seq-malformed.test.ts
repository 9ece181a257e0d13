import { expect, test } from 'vitest';
import { answer, epoch, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each([
  undefined,
  7,
  { n: 1 },
  { epoch },
  { epoch, n: '1' },
  { epoch, n: -1 },
  { epoch: epoch.toUpperCase(), n: 1 },
  { epoch: 'first', n: 1 },
  { epoch, n: 1, of: 3 },
])('a position of %j is refused', async (seq) => {
  const payload = honestClaims({ 'urn:caseref:seq': seq });
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'seq-invalid'));
});

test('a malformed position is refused from a foreign client too', async () => {
  const payload = honestClaims({ 'urn:caseref:seq': { n: 1 } });
  expect(await refusalOf(makeToken({ payload }), { foreign: true })).toEqual(answer('invalid_request', 'seq-invalid'));
});
