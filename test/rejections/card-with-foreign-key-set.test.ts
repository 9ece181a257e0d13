import { expect, test } from 'vitest';
import { cardRefusal, makeCard, makeKeySet } from '../support/introductions.ts';
import { now, testKey } from '../support/tokens.ts';

test('a card with the key set of another issuer is refused', async () => {
  const key_set = makeKeySet({ iss: 'https://node.hotline-c.example' });
  expect(await cardRefusal(makeCard({ key_set }))).toMatchObject({
    pointer: '/key_set',
    message: expect.stringContaining('issuer-mismatch'),
  });
});

test('a card with a key set by another identity key is refused', async () => {
  const key_set = makeKeySet({}, { key: testKey() });
  expect(await cardRefusal(makeCard({ key_set }))).toMatchObject({
    pointer: '/key_set',
    message: expect.stringContaining('not-identity-key'),
  });
});

test('a card with an expired key set is refused', async () => {
  const key_set = makeKeySet({ iat: now - 86_400, exp: now - 1 });
  expect(await cardRefusal(makeCard({ key_set }))).toMatchObject({
    pointer: '/key_set',
    message: expect.stringContaining('key-set-expired'),
  });
});
