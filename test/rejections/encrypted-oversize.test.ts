import { expect, test } from 'vitest';
import { encryption, makeJwe, readable } from '../support/encrypted.ts';
import { answer, honestClaims, honestHeader, type Json, makeToken, refusalOf, taken } from '../support/tokens.ts';

const tokenOf = (length: number, header?: Json) =>
  makeToken({
    ...(header && { header }),
    payload: honestClaims({ events: { 'urn:caseref:event:1:submitted': { url: 'a'.repeat(length) } } }),
  });
const tooLarge = answer('invalid_request', 'token-too-large');

test('an encrypted token of more than 48 KiB is refused before it is decrypted', async () => {
  const jwe = makeJwe({ content: tokenOf(28_000) });
  expect(jwe.length).toBeGreaterThan(48 * 1024);
  expect(await refusalOf(jwe)).toEqual(tooLarge);
});

test('one of more than 24 KiB is refused where ML-DSA-65 did not sign inside', async () => {
  const jwe = makeJwe({ header: { kid: encryption.kid }, content: tokenOf(14_000) });
  expect(jwe.length).toBeGreaterThan(24 * 1024);
  expect(await refusalOf(jwe, readable)).toEqual(tooLarge);
});

test('one of less whose content is more than 16 KiB is refused', async () => {
  const content = tokenOf(12_100);
  const jwe = makeJwe({ content });
  expect([content.length > 16 * 1024, jwe.length < 24 * 1024]).toEqual([true, true]);
  expect(await refusalOf(jwe, readable)).toEqual(tooLarge);
});

test('one that says ML-DSA-65 inside to be taken larger is refused for what it is', async () => {
  const content = tokenOf(14_000, { ...honestHeader(), alg: 'ML-DSA-65' });
  expect(await refusalOf(makeJwe({ content }), readable)).toEqual(answer('invalid_key', 'alg-mismatch'));
});

test('one around a token of just under 16 KiB is taken', async () => {
  expect((await taken(makeJwe({ content: tokenOf(11_500) }), readable)).encrypted).toBe(true);
});
