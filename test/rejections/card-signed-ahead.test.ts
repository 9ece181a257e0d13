import { expect, test } from 'vitest';
import { cardRefusal, makeCard } from '../support/introductions.ts';
import { now } from '../support/tokens.ts';

test('a card signed in the future is refused', async () => {
  expect(await cardRefusal(makeCard({ iat: now + 121 }))).toMatchObject({ code: 'card-invalid', pointer: '/iat' });
});
