import { expect, test } from 'vitest';
import { cardRefusal, identity, makeCard } from '../support/introductions.ts';
import { honestHeader } from '../support/tokens.ts';

test.each([
  ['/organisation', { organisation: undefined }],
  ['/note', { note: 'text' }],
  ['/organisation/jurisdictions', { organisation: { name: 'Hotline A', type: 'hotline', jurisdictions: [] } }],
  ['/key_set', { key_set: undefined }],
  ['/identity_key', { identity_key: 'text' }],
  ['/identity_key', { identity_key: { kty: 'OKP', crv: 'Ed25519' } }],
  ['/identity_key', { identity_key: { kty: 'RSA', n: 'AAAA', e: 'AQAB' } }],
])('a card that is wrong at %s is refused there', async (pointer, changes) => {
  expect(await cardRefusal(makeCard(changes))).toMatchObject({ code: 'card-invalid', pointer });
});

test.each(['', 'card', '{"iss":"x"}'])('what is no token is no card: %j', async (text) => {
  expect(await cardRefusal(text)).toMatchObject({ code: 'card-invalid', pointer: '' });
});

test('an event is no card', async () => {
  const refused = await cardRefusal(makeCard({}, { header: honestHeader(identity) }));
  expect(refused).toMatchObject({ code: 'card-invalid', message: expect.stringContaining('typ-invalid') });
});
