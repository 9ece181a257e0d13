import { expect, test } from 'vitest';
import { cardRefusal, identity, makeCard } from '../support/introductions.ts';
import { testKey } from '../support/tokens.ts';

test('a card whose kid is not the thumbprint of its identity key is refused', async () => {
  const refused = await cardRefusal(makeCard({ identity_key: testKey().jwk }));
  expect(refused).toMatchObject({ code: 'card-invalid', pointer: '/identity_key' });
});

test('a card whose identity key states another kid is refused', async () => {
  const refused = await cardRefusal(makeCard({ identity_key: { ...identity.jwk, kid: testKey().kid } }));
  expect(refused).toMatchObject({ code: 'card-invalid', pointer: '/identity_key/kid' });
});
