import { expect, test } from 'vitest';
import { openSet } from '../../src/wire/open.ts';
import { pinKeys } from '../../src/wire/pinned.ts';
import { isTokenRefusal } from '../../src/wire/token-refusal.ts';
import { honestClaims, makeToken, recordOf, referenceId, testKey, verifierOf } from '../support/tokens.ts';

test('a key that another partner published does not speak for this one', async () => {
  const other = 'https://node.hotline-c.example';
  const key = testKey();
  const verifier = await verifierOf();
  const partner = await pinKeys({ issuer: other, state: 'active', foreign: false, keys: [recordOf(key)] });
  const lookup = (issuer: string) => (issuer === other ? partner : verifier.lookup(issuer));
  expect(isTokenRefusal(await openSet(honestToken(other, key), { ...verifier, lookup }))).toBe(false);
  expect(await openSet(makeToken({ key }), { ...verifier, lookup })).toMatchObject({
    status: 503,
    reason: 'kid-unknown',
  });
});

function honestToken(iss: string, key: ReturnType<typeof testKey>): string {
  return makeToken({ key, payload: honestClaims({ iss, sub_id: { format: 'iss_sub', iss, sub: referenceId } }) });
}
