import { expect, test } from 'vitest';
import { cardRefusal, makeCard } from '../support/introductions.ts';
import { now } from '../support/tokens.ts';

test('a card that has expired is refused', async () => {
  expect(await cardRefusal(makeCard({ iat: now - 86_400, exp: now }))).toMatchObject({
    code: 'card-invalid',
    pointer: '/exp',
  });
});
