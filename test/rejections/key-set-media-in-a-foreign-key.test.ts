import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, now } from '../support/tokens.ts';

const thumb = Buffer.from('iVBORw0KGgo'.padEnd(64, 'A'), 'base64').toString('base64url');
const future = { kty: 'OKP', crv: 'Ed448', kid: 'B'.repeat(43), alg: 'Ed448', use: 'sig', nbf: 0, exp: now + 1 };

test.each([
  ['a member named for media', { ...future, thumbnail: 'AAAA' }],
  ['a member named for a fingerprint', { ...future, sha256: 'AAAA' }],
  ['a digest in hexadecimal', { ...future, note: 'd41d8cd98f00b204e9800998ecf8427e' }],
  ['a digest for a coordinate', { ...future, x: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' }],
  ['a digest in base64url for a key', { ...future, kty: 'AKP', pub: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg' }],
  ['a picture for a key', { ...future, pub: thumb }],
  ['a picture under a key type that nobody knows', { ...future, kty: 'NEW', pub: thumb }],
])('%s in a key of an algorithm that this node does not speak is refused', async (_, key) => {
  expect(await keySetRefusal(makeKeySet({ keys: [keyEntry(), key] }))).toEqual(
    answer('invalid_request', 'claims-invalid'),
  );
});
