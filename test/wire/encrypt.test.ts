import { createHash, createPrivateKey } from 'node:crypto';
import { compactDecrypt, importJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { encryptionKey, encryptSet } from '../../src/wire/encrypt.ts';
import { openSet } from '../../src/wire/open.ts';
import { type KeyRecord, pinKeys } from '../../src/wire/pinned.ts';
import { isTokenRefusal } from '../../src/wire/token-refusal.ts';
import {
  decrypterOf,
  encryption,
  encryptionKeyPair,
  encryptionRecord,
  makeJwe,
  readable,
} from '../support/encrypted.ts';
import fc from '../support/property.ts';
import {
  answer,
  honestClaims,
  makeToken,
  now,
  operational,
  recordOf,
  refusalOf,
  self,
  taken,
  testKey,
  verifierOf,
} from '../support/tokens.ts';

const pinned = (...keys: readonly KeyRecord[]) => pinKeys({ issuer: self, state: 'active', foreign: false, keys });

async function encrypted(compact: string): Promise<string> {
  const to = encryptionKey(await pinned(encryptionRecord()), now);
  if (to === undefined) throw new Error('there is no key to encrypt to');
  return encryptSet(compact, to);
}

const headerOf = (compact: string) => JSON.parse(Buffer.from(compact.split('.')[0] ?? '', 'base64url').toString());

describe('an encrypted message', () => {
  test('has exactly the six header members of the protocol, and an empty second part', async () => {
    const jwe = await encrypted(makeToken());
    const { epk, ...header } = headerOf(jwe);
    expect(header).toEqual({
      alg: 'ECDH-ES',
      enc: 'A256GCM',
      kid: encryption.kid,
      typ: 'secevent+jwt',
      cty: 'JWT',
    });
    expect(epk).toEqual({ kty: 'OKP', crv: 'X25519', x: expect.stringMatching(/^[\w-]{43}$/) });
    expect(jwe.split('.').map((part) => part.length > 0)).toEqual([true, false, true, true, true]);
  });

  test('is opened to the token inside: its bytes, its digest, its signer', async () => {
    const compact = makeToken();
    const plain = await taken(compact, readable);
    expect(plain.encrypted).toBe(false);
    expect(await taken(await encrypted(compact), readable)).toEqual({ ...plain, encrypted: true });
    expect(plain.compact).toBe(compact);
  });

  test('made by hand is opened, from text and from bytes', async () => {
    const jwe = makeJwe();
    const opened = await taken(jwe, readable);
    expect(opened).toMatchObject({ encrypted: true, kid: operational.kid, claims: honestClaims() });
    expect(await taken(Buffer.from(jwe), readable)).toEqual(opened);
  });

  test('made by hand is what jose decrypts', async () => {
    const key = await importJWK({ ...encryption.privateKey.export({ format: 'jwk' }) }, 'ECDH-ES');
    const { plaintext } = await compactDecrypt(makeJwe({ content: 'a.b.c' }), key);
    expect(Buffer.from(plaintext).toString()).toBe('a.b.c');
  });

  test('differs at each send while the message stays the same', async () => {
    const compact = makeToken();
    const [first, second] = [await encrypted(compact), await encrypted(compact)];
    expect(headerOf(first).epk).not.toEqual(headerOf(second).epk);
    expect((await taken(first, readable)).digest).toBe((await taken(second, readable)).digest);
  });

  test('may have the members of its header in any order', async () => {
    const { alg, ...others } = headerOf(makeJwe());
    const ephemeral = createPrivateKey({
      key: { ...encryptionKeyPair().privateKey.export({ format: 'jwk' }) },
      format: 'jwk',
    });
    const { x = '' } = ephemeral.export({ format: 'jwk' });
    const headerText = JSON.stringify({ ...others, epk: { x, crv: 'X25519', kty: 'OKP' }, alg });
    expect((await taken(makeJwe({ headerText, ephemeral }), readable)).encrypted).toBe(true);
  });

  test('to any key whose private part is still here is opened', async () => {
    const older = encryptionKeyPair();
    const decrypter = decrypterOf(older, encryption);
    expect((await taken(makeJwe({ to: older }), { decrypter })).encrypted).toBe(true);
    expect((await taken(makeJwe(), { decrypter })).encrypted).toBe(true);
  });

  test('is told nothing more than that it does not decrypt, whether the kid is unknown or the tag wrong', async () => {
    const unknown = await openSet(makeJwe({ to: encryptionKeyPair() }), await verifierOf(readable));
    const wrongTag = await openSet(makeJwe({ secret: Buffer.alloc(32, 1) }), await verifierOf(readable));
    const noKeys = await openSet(makeJwe(), await verifierOf());
    expect([wrongTag, noKeys]).toEqual([unknown, unknown]);
    expect(unknown).toMatchObject(answer('invalid_key', 'not-decryptable'));
  });

  test('gets the answers of its content: the key, the signature and the claims inside are checked as ever', async () => {
    const other = testKey();
    expect(await refusalOf(makeJwe({ content: makeToken({ key: other }) }), readable)).toEqual(
      answer('temporarily_unavailable', 'kid-unknown'),
    );
    const stranger = makeToken({ key: { ...other, kid: operational.kid } });
    expect(await refusalOf(makeJwe({ content: stranger }), readable)).toEqual(
      answer('authentication_failed', 'signature-invalid'),
    );
    const elsewhere = makeToken({ payload: honestClaims({ aud: 'https://node.police-c.example' }) });
    expect(await refusalOf(makeJwe({ content: elsewhere }), readable)).toEqual(
      answer('invalid_audience', 'audience-mismatch'),
    );
  });
});

describe('the key to encrypt to', () => {
  const [older, newer, coming] = [encryptionKeyPair(), encryptionKeyPair(), encryptionKeyPair()];

  test('is the current one that came into use last, whatever the order of the set', async () => {
    const records = [
      encryptionRecord(newer, { nbf: now }),
      encryptionRecord(older),
      encryptionRecord(coming, { nbf: now + 1 }),
      recordOf(operational),
    ];
    for (const keys of [records, records.toReversed()]) {
      const partner = await pinned(...keys);
      expect(encryptionKey(partner, now)?.kid).toBe(newer.kid);
      expect(encryptionKey(partner, now - 1)?.kid).toBe(older.kid);
      expect(encryptionKey(partner, now + 1)?.kid).toBe(coming.kid);
    }
  });

  test.each([
    ['has expired', { exp: now }],
    ['is revoked', { revoked_at: now + 60 }],
    ['is not in use yet', { nbf: now + 1 }],
    ['is of an algorithm that this node does not speak', { alg: 'ECDH-ES+A256KW' }],
    ['is no key', { jwk: { kty: 'OKP', crv: 'X25519', x: 'AAAA' } }],
    ['keeps no secret', { jwk: { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) } }],
  ] as const)('is never one that %s', async (_, changes) => {
    expect(encryptionKey(await pinned(encryptionRecord(newer, changes)), now)).toBeUndefined();
    const partner = await pinned(encryptionRecord(newer, changes), encryptionRecord(older));
    expect(encryptionKey(partner, now)?.kid).toBe(older.kid);
  });

  test('is absent where the partner only signs', async () => {
    expect(encryptionKey(await pinned(recordOf(operational)), now)).toBeUndefined();
  });
});

describe('a message signed with ML-DSA-65', () => {
  const key = testKey('ML-DSA-65');
  const keys = [recordOf(key)];
  const tokenOf = (length: number) =>
    makeToken({
      key,
      payload: honestClaims({ events: { 'urn:caseref:event:1:submitted': { url: 'a'.repeat(length) } } }),
    });
  const LIMIT = 24 * 1024;
  /** The longest address with which the token is within the limit. */
  const room = Math.floor(((LIMIT - tokenOf(0).length) * 3) / 4);
  const fitting = [2, 1, 0, -1].map((more) => room + more).find((length) => tokenOf(length).length <= LIMIT) ?? 0;

  test('is opened by the kid that is its thumbprint (RFC 9964)', async () => {
    const compact = tokenOf(10);
    expect((await taken(compact, { keys })).digest).toBe(
      `S256:${createHash('sha256')
        .update(compact.slice(0, compact.lastIndexOf('.')))
        .digest('base64url')}`,
    );
  });

  test('is refused with one bit of its signature changed', async () => {
    const [header, payload, signature = ''] = tokenOf(10).split('.');
    const bytes = Buffer.from(signature, 'base64url');
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    const forged = [header, payload, bytes.toString('base64url')].join('.');
    expect(await refusalOf(forged, { keys })).toEqual(answer('authentication_failed', 'signature-invalid'));
  });

  test('is taken up to 24 KiB, plain and encrypted', async () => {
    const compact = tokenOf(fitting);
    expect(LIMIT - compact.length).toBeLessThan(3);
    expect((await taken(compact, { keys })).kid).toBe(key.kid);
    const jwe = await encrypted(compact);
    expect(jwe.length).toBeGreaterThan(LIMIT);
    expect(await taken(jwe, { keys, ...readable })).toMatchObject({ compact, encrypted: true });
  });

  test('is refused above 24 KiB, plain and encrypted', async () => {
    const compact = tokenOf(fitting + 3);
    const refused = answer('invalid_request', 'token-too-large');
    expect(await refusalOf(compact, { keys })).toEqual(refused);
    expect(await refusalOf(await encrypted(compact), { keys, ...readable })).toEqual(refused);
  });
});

test('no flipped bit of an encrypted message is ever accepted', async () => {
  const bytes = Buffer.from(makeJwe());
  const verifier = await verifierOf(readable);
  expect(isTokenRefusal(await openSet(bytes, verifier))).toBe(false);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flipped) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flipped;
      expect(isTokenRefusal(await openSet(changed, verifier))).toBe(true);
    }),
    { numRuns: 1500 },
  );
});

test('no cut and no splice of two encrypted messages is ever accepted', async () => {
  const [one, other] = [makeJwe().split('.'), makeJwe().split('.')];
  const verifier = await verifierOf(readable);
  const choice = fc.array(fc.boolean(), { minLength: 5, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(choice, fc.nat(5), async (fromOne, length) => {
      const parts = fromOne.map((first, at) => (first ? one[at] : other[at])).slice(0, length);
      const whole = parts.length === 5 && [one.join('.'), other.join('.')].includes(parts.join('.'));
      // The second part is empty in both: where all others are of one message, it is that message.
      expect(isTokenRefusal(await openSet(parts.join('.'), verifier))).toBe(!whole);
    }),
  );
});

test('no content makes openSet throw', async () => {
  const verifier = await verifierOf(readable);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 200 })), async (content) => {
      expect(isTokenRefusal(await openSet(makeJwe({ content }), verifier))).toBe(true);
    }),
  );
});

test('no header makes openSet throw', async () => {
  const verifier = await verifierOf(readable);
  const member = fc.constantFrom('alg', 'enc', 'kid', 'epk', 'typ', 'cty', 'zip', 'apu');
  await fc.assert(
    fc.asyncProperty(member, fc.jsonValue(), async (name, value) => {
      expect(isTokenRefusal(await openSet(makeJwe({ header: { [name]: value } }), verifier))).toBe(true);
    }),
  );
});
