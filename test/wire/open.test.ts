import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openSet } from '../../src/wire/open.ts';
import { descriptions, isTokenRefusal, refuseToken } from '../../src/wire/token-refusal.ts';
import fc from '../support/property.ts';
import {
  encode,
  honestClaims,
  honestHeader,
  jti,
  makeToken,
  now,
  operational,
  recordOf,
  referenceId,
  refusalOf,
  signParts,
  taken,
  testKey,
  verifierOf,
} from '../support/tokens.ts';

const event = (name: string, payload = {}) => ({ [`urn:caseref:event:1:${name}`]: payload });
const ownMessage = { format: 'opaque', id: jti };

describe('an honest token', () => {
  test('is opened to its claims, its event, its kid and the digest of its signing input', async () => {
    const compact = makeToken();
    const opened = await taken(compact);
    const signingInput = compact.split('.').slice(0, 2).join('.');
    expect(opened.claims).toEqual(honestClaims());
    expect(opened.event).toEqual({
      name: 'urn:caseref:event:1:submitted',
      payload: { revision: 1, url: 'https://host.example/path' },
    });
    expect(opened.kid).toBe(operational.kid);
    expect(opened.digest).toBe(`S256:${createHash('sha256').update(signingInput).digest('base64url')}`);
    expect(opened).toMatchObject({ compact, state: 'active', foreign: false });
  });

  test('is opened from bytes as from text', async () => {
    const compact = makeToken();
    expect(await taken(Buffer.from(compact))).toEqual(await taken(compact));
  });

  test.each(['Ed25519', 'EdDSA', 'ES256'] as const)('is opened under %s where the pinned key says so', async (alg) => {
    const key = testKey(alg);
    const opened = await taken(makeToken({ key }), { keys: [recordOf(key)] });
    expect(opened.kid).toBe(key.kid);
  });

  test('is opened under ML-DSA-65, up to 24 KiB', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ml-dsa-65');
    const { pub } = publicKey.export({ format: 'jwk' });
    const canonical = JSON.stringify({ alg: 'ML-DSA-65', kty: 'AKP', pub });
    const kid = createHash('sha256').update(canonical).digest('base64url');
    const record = { kid, alg: 'ML-DSA-65', use: 'sig', jwk: { kty: 'AKP', pub: String(pub) } } as const;
    const header = encode(JSON.stringify({ alg: 'ML-DSA-65', typ: 'secevent+jwt', kid }));
    const payload = encode(JSON.stringify(honestClaims({ events: event('submitted', { url: 'a'.repeat(12_000) }) })));
    const signature = sign(null, Buffer.from(`${header}.${payload}`), privateKey).toString('base64url');
    const compact = `${header}.${payload}.${signature}`;
    expect(compact.length).toBeGreaterThan(16 * 1024);
    expect((await taken(compact, { keys: [record] })).kid).toBe(kid);
  });

  test('may be written with white space and escapes inside its JSON, in any order of members', async () => {
    const { iss, ...others } = honestClaims();
    const payload = JSON.stringify({ ...others, iss }, null, 2).replace('submitted', '\\u0073ubmitted');
    expect((await taken(makeToken({ payload }))).event.name).toBe('urn:caseref:event:1:submitted');
  });

  test('may carry txn and toe', async () => {
    expect((await taken(makeToken({ payload: honestClaims({ txn: 'a.b-c_1', toe: now - 5 }) }))).claims.toe).toBe(
      now - 5,
    );
  });

  test.each([
    ['exactly as far ahead as clocks may differ', now + 120],
    ['exactly as old as the horizon', now - 90 * 86_400],
  ])('is taken when signed %s', async (_, iat) => {
    const keys = [recordOf(operational, { nbf: null })];
    expect((await taken(makeToken({ payload: honestClaims({ iat }) }), { keys })).claims.iat).toBe(iat);
  });

  test('with an event type that this node does not know is opened, to be answered by a signed receipt', async () => {
    const events = { 'https://schemas.example/event-type/unheard-of': { any: 1 } };
    expect((await taken(makeToken({ payload: honestClaims({ events }) }))).event.payload).toEqual({ any: 1 });
  });

  test.each(['verify', 'voided', 'inquiry'])('of type %s names itself as its subject', async (name) => {
    const payload = honestClaims({ events: event(name), sub_id: ownMessage });
    expect((await taken(makeToken({ payload }))).claims.sub_id).toEqual(ownMessage);
  });

  test.each([
    { format: 'opaque', id: 'the-jti-of-a-verify' },
    { format: 'iss_sub', iss: 'https://node.hotline-c.example', sub: referenceId },
  ])('of type receipt has the subject of what it answers: $format', async (sub_id) => {
    const payload = honestClaims({ events: event('receipt'), sub_id });
    expect((await taken(makeToken({ payload }))).claims.sub_id).toEqual(sub_id);
  });
});

describe('a partner', () => {
  test('marked foreign may leave out seq and salt and use a longer jti', async () => {
    const payload = honestClaims({
      'urn:caseref:seq': undefined,
      'urn:caseref:salt': undefined,
      jti: '756e6ca4-7f62-4f3a-8f4b-0c5c5b1a1d10',
    });
    expect((await taken(makeToken({ payload }), { foreign: true })).foreign).toBe(true);
  });

  test.each(['withdrawn', 'receipt'])('that is suspended is still heard with %s', async (name) => {
    const opened = await taken(makeToken({ payload: honestClaims({ events: event(name) }) }), { state: 'suspended' });
    expect(opened.state).toBe('suspended');
  });

  test('may retire a key while messages by its other key are taken', async () => {
    const older = testKey();
    const keys = [recordOf(older, { exp: now }), recordOf(operational)];
    expect((await taken(makeToken(), { keys })).kid).toBe(operational.kid);
    expect(await refusalOf(makeToken({ key: older }), { keys })).toMatchObject({ reason: 'key-expired' });
  });
});

describe('the answer', () => {
  test('tells when to come again: as soon as an early iat is no longer early', async () => {
    const opened = await openSet(makeToken({ payload: honestClaims({ iat: now + 620 }) }), await verifierOf());
    expect(opened).toEqual({ ...refuseToken('iat-ahead', 500) });
    expect(opened).toMatchObject({ status: 503, retryAfter: 500 });
  });

  test('to an unknown kid tells to come again in a minute, after one refresh of the key set', async () => {
    const opened = await openSet(makeToken({ key: testKey() }), await verifierOf());
    expect(opened).toMatchObject({ status: 503, reason: 'kid-unknown', retryAfter: 60 });
  });

  test('has one constant description for each code, so that it tells nothing else', () => {
    expect(Object.keys(descriptions).sort()).toEqual([
      'access_denied',
      'authentication_failed',
      'invalid_audience',
      'invalid_issuer',
      'invalid_key',
      'invalid_request',
      'temporarily_unavailable',
    ]);
  });

  test('does not tell the state of a partner to somebody who cannot sign for it', async () => {
    const forged = signParts(encode(JSON.stringify(honestHeader())), encode(JSON.stringify(honestClaims())), testKey());
    expect((await refusalOf(forged, { state: 'suspended' })).err).toBe('authentication_failed');
    expect((await refusalOf(makeToken(), { state: 'suspended' })).err).toBe('access_denied');
  });
});

test('every single-character change of a valid token is refused', async () => {
  const compact = makeToken();
  const verifier = await verifierOf();
  expect(isTokenRefusal(await openSet(compact, verifier))).toBe(false);
  const character = fc.constantFrom(...'ABCDEFabcdef0123456789-_.=+/ \n');
  await fc.assert(
    fc.asyncProperty(fc.nat(compact.length - 1), character, async (at, other) => {
      fc.pre(compact[at] !== other);
      const changed = compact.slice(0, at) + other + compact.slice(at + 1);
      expect(isTokenRefusal(await openSet(changed, verifier))).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('every spelling of the last character of a signature but the canonical one is refused', async () => {
  const compact = makeToken();
  const verifier = await verifierOf();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const takenSpellings: string[] = [];
  for (const last of alphabet) {
    const respelled = compact.slice(0, -1) + last;
    if (!isTokenRefusal(await openSet(respelled, verifier))) takenSpellings.push(respelled);
  }
  expect(takenSpellings).toEqual([compact]);
});

test('no bytes make openSet throw', async () => {
  const verifier = await verifierOf();
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 200 })), async (bytes) => {
      expect(isTokenRefusal(await openSet(bytes, verifier))).toBe(true);
    }),
  );
});

test('no JSON under a good signature makes openSet throw', async () => {
  const verifier = await verifierOf();
  const claim = fc.constantFrom(...Object.keys(honestClaims()), 'txn', 'toe');
  await fc.assert(
    fc.asyncProperty(claim, fc.jsonValue(), async (name, value) => {
      const opened = await openSet(makeToken({ payload: honestClaims({ [name]: value }) }), verifier);
      if (isTokenRefusal(opened)) return;
      // What may be anything of its form is txn, toe and the past; the rest is bound.
      expect(['txn', 'toe', 'iat', 'sub_id', 'events']).toContain(name);
    }),
  );
});
