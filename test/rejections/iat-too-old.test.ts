import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, now, operational, recordOf, refusalOf } from '../support/tokens.ts';

test('an iat older than the horizon is refused', async () => {
  const payload = honestClaims({ iat: now - 90 * 86_400 - 1 });
  const keys = [recordOf(operational, { nbf: null })];
  expect(await refusalOf(makeToken({ payload }), { keys })).toEqual(answer('invalid_request', 'iat-too-old'));
  const older = honestClaims({ iat: now - 61 });
  expect(await refusalOf(makeToken({ payload: older }), { horizonSeconds: 60 })).toEqual(
    answer('invalid_request', 'iat-too-old'),
  );
});

test('an iat older than the horizon is told as such, though the key was not yet in use then', async () => {
  const payload = honestClaims({ iat: now - 90 * 86_400 - 1 });
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'iat-too-old'));
});
