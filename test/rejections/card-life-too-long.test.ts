import { expect, test } from 'vitest';
import { cardRefusal, makeCard } from '../support/introductions.ts';
import { now } from '../support/tokens.ts';

test('a card that claims more than 30 days is refused', async () => {
  const refused = await cardRefusal(makeCard({ exp: now + 30 * 86_400 + 1 }));
  expect(refused).toMatchObject({ code: 'card-invalid', pointer: '/exp' });
});
