import { expect, test } from 'vitest';
import { cardRefusal, makeCard, makeKeySet } from '../support/introductions.ts';

test.each([
  'https://Node.hotline-a.example',
  'https://node.hotline-a.example/',
  'http://127.0.0.1:8440',
  'https://localhost',
])('a card of the issuer %s is refused', async (iss) => {
  expect(await cardRefusal(makeCard({ iss, key_set: makeKeySet({ iss }) }))).toMatchObject({
    code: 'card-invalid',
    pointer: '/iss',
  });
});
