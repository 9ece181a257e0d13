import { expect, test } from 'vitest';
import { cardRefusal, identity, makeCard } from '../support/introductions.ts';

test('a card that carries its private key is refused', async () => {
  const { d } = identity.privateKey.export({ format: 'jwk' });
  const refused = await cardRefusal(makeCard({ identity_key: { ...identity.jwk, d } }));
  expect(refused).toMatchObject({ code: 'card-invalid', pointer: '/identity_key' });
  expect(refused.message).not.toContain(d);
});
