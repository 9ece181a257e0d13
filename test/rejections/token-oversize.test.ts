import { expect, test } from 'vitest';
import { answer, honestClaims, honestHeader, makeToken, refusalOf, taken } from '../support/tokens.ts';

const claimsOf = (length: number) =>
  honestClaims({ events: { 'urn:caseref:event:1:submitted': { url: 'a'.repeat(length) } } });

test('a token of more than 16 KiB is refused before its payload is read', async () => {
  const token = makeToken({ payload: claimsOf(12_100) });
  expect(token.length).toBeGreaterThan(16 * 1024);
  expect(await refusalOf(token)).toEqual(answer('invalid_request', 'token-too-large'));
});

test('one that says ML-DSA-65 to be taken larger is refused for what it is', async () => {
  const header = { ...honestHeader(), alg: 'ML-DSA-65' };
  expect(await refusalOf(makeToken({ header, payload: claimsOf(12_100) }))).toEqual(
    answer('invalid_key', 'alg-mismatch'),
  );
  expect(await refusalOf(makeToken({ header, payload: claimsOf(20_000) }))).toEqual(
    answer('invalid_request', 'token-too-large'),
  );
});

test('one of just under 16 KiB is taken', async () => {
  const token = makeToken({ payload: claimsOf(11_500) });
  expect(token.length).toBeGreaterThan(15 * 1024);
  expect((await taken(token)).compact).toBe(token);
});
