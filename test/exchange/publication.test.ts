import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import type { Signer } from '../../src/domain/secrets.ts';
import { examineKeys, readOwnKeys } from '../../src/exchange/doctor/keys.ts';
import { followKeyPlan } from '../../src/exchange/key-plan.ts';
import { retireKey } from '../../src/exchange/key-state.ts';
import { replaceIdentity } from '../../src/exchange/new-identity.ts';
import { writeCard } from '../../src/exchange/own-card.ts';
import { generateKey } from '../../src/exchange/own-keys.ts';
import { checkRequest, type PublicationRequest, signPublication } from '../../src/exchange/publication.ts';
import { draftKeySet, installKeySet, publishKeys } from '../../src/exchange/publish.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { rotateKeys } from '../../src/exchange/rotate.ts';
import { openIdentityFile } from '../../src/keys/identity-file.ts';
import { openCard } from '../../src/wire/card.ts';
import { openKeySet } from '../../src/wire/keyset.ts';
import { isTokenRefusal } from '../../src/wire/token-refusal.ts';
import {
  activeKey,
  BEGIN,
  claimsOf,
  DAY,
  done,
  eventsOf,
  HOUR,
  type KeyBench,
  keyBench,
  refusalOf,
  WORDS,
} from '../support/own-keys.ts';

/** A request that somebody changes on its way. */
type Draft = { readonly [Part in keyof PublicationRequest]: PublicationRequest[Part] };

let bench: KeyBench;
/** Another node that says that it is the same one. */
let other: KeyBench;

beforeAll(async () => {
  bench = await keyBench();
  other = await keyBench();
  await other.renew();
});
afterAll(() => Promise.all([bench.close(), other.close()]));
beforeEach(() => bench.renew());

const entryOf = async (kid: string) => (await claimsOf(bench.exchange)).keys.find((key) => key.kid === kid);

describe('a publication', () => {
  async function identity(): Promise<Signer> {
    const signer = await bench.exchange.keys.openIdentity();
    if (!signer || isRefusal(signer)) throw new Error('the identity key is not here');
    return signer;
  }
  const draft = async (): Promise<PublicationRequest> => done(await draftKeySet(bench.exchange));

  test('names algorithms, encryption and all keys, and opens as a partner opens it', async () => {
    const { keySet } = done(await publishKeys(bench.exchange));
    const jwk = bench.exchange.keys.identity?.jwk;
    if (!jwk) throw new Error('no identity');
    const opened = await openKeySet(keySet, { issuer: bench.exchange.self, identityKey: jwk, now: bench.now });
    if (isTokenRefusal(opened)) throw new Error(opened.reason);
    expect(opened.claims).toMatchObject({
      algs: ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'],
      encryption: 'required',
      seq: BEGIN + 1,
    });
    expect(opened.claims.keys.map(({ use }) => use)).toEqual(['sig', 'enc']);
  });

  test('holds a key of each algorithm', async () => {
    for (const alg of ['EdDSA', 'ES256', 'ML-DSA-65'] as const) done(await generateKey(bench.exchange, { alg }));
    done(await publishKeys(bench.exchange));
    expect((await claimsOf(bench.exchange)).keys.map(({ alg }) => alg)).toEqual([
      'Ed25519',
      'ECDH-ES',
      'EdDSA',
      'ES256',
      'ML-DSA-65',
    ]);
    expect(isRefusal(await openCard(done(await writeCard(bench.exchange)), { now: bench.now, loopback: false }))).toBe(
      false,
    );
  });

  test('that was signed elsewhere is taken once', async () => {
    const signed = await signPublication(await draft(), await identity());
    const { seq } = done(await installKeySet(bench.exchange, signed));
    expect((await claimsOf(bench.exchange)).seq).toBe(seq);
    expect(refusalOf(await installKeySet(bench.exchange, signed))).toBe('publication-invalid /keySet');
  });

  test('from before a revocation is refused: it would take it back', async () => {
    const request = await draft();
    bench.now += 60;
    done(await revokeKey(bench.exchange, { kid: (await activeKey(bench.exchange)).kid, reason: 'compromised' }));
    const later = { ...request, keySet: { ...request.keySet, seq: bench.now + 60 } };
    const signed = await signPublication(later, await identity());
    expect(refusalOf(await installKeySet(bench.exchange, signed))).toBe('publication-invalid /keySet/keys');
  });

  test('with a key that is not ours is refused', async () => {
    const request = await draft();
    const keys = request.keySet.keys.map((key) => ({ ...key }));
    const planted = done(await draftKeySet(other.exchange)).keySet.keys;
    const signed = await signPublication(
      { ...request, keySet: { ...request.keySet, keys: [...keys, ...planted] } },
      await identity(),
    );
    expect(refusalOf(await installKeySet(bench.exchange, signed))).toBe('publication-invalid /keySet/keys');
  });

  test.each<[string, (request: Draft) => void, pointer: string]>([
    [
      'other addresses',
      ({ keySet }) => Object.assign(keySet.endpoints, { push: 'https://other.example/push' }),
      '/keySet/endpoints',
    ],
    ['no encryption', ({ keySet }) => Object.assign(keySet, { encryption: 'none' }), '/keySet/encryption'],
    ['other algorithms', ({ keySet }) => Object.assign(keySet, { algs: ['EdDSA'] }), '/keySet/algs'],
    ['a rarer refresh', ({ keySet }) => Object.assign(keySet, { refresh: 86_400 }), '/keySet/refresh'],
    ['a longer life', ({ keySet }) => Object.assign(keySet, { exp: keySet.iat + 100 * DAY }), '/keySet/exp'],
    [
      'keys that last longer',
      ({ keySet }) => Object.assign({ ...keySet }.keys[0] ?? {}, { exp: BEGIN + 1000 * DAY }),
      '/keySet/keys',
    ],
    [
      'keys that began earlier',
      ({ keySet }) => Object.assign({ ...keySet }.keys[0] ?? {}, { nbf: BEGIN - DAY }),
      '/keySet/keys',
    ],
    ['a later number', ({ keySet }) => Object.assign(keySet, { seq: BEGIN + DAY }), '/keySet/seq'],
    [
      'another telephone number',
      ({ card }) => Object.assign(card, { contact: { desk: 'Desk', phone: '+49 30 0000000' } }),
      '/card/contact',
    ],
    ['another name', ({ card }) => Object.assign(card.organisation, { name: 'Somebody else' }), '/card/organisation'],
    ['a card that ends earlier', ({ card }) => Object.assign(card, { exp: card.iat + DAY }), '/card/exp'],
  ])('with %s than this node asked for is refused', async (_name, change, pointer) => {
    const { seq: before } = await claimsOf(bench.exchange);
    const request = structuredClone(await draft());
    change(request as Draft);
    bench.now += 60;
    const signed = await signPublication(request, await identity());
    expect(refusalOf(await installKeySet(bench.exchange, signed))).toBe(`publication-invalid ${pointer}`);
    expect((await claimsOf(bench.exchange)).seq).toBe(before);
  });

  test('that was signed for a time to come is refused', async () => {
    const real = bench.now;
    bench.now += 30 * DAY;
    const signed = await signPublication(await draft(), await identity());
    bench.now = real;
    expect(refusalOf(await installKeySet(bench.exchange, signed))).toBe('publication-invalid /keySet');
  });

  test('is still taken a week after it was asked for, with a rotation carried out in between', async () => {
    done(await rotateKeys(bench.exchange, {}));
    const signed = await signPublication(await draft(), await identity());
    bench.now += 7 * DAY;
    expect(isRefusal(await installKeySet(bench.exchange, signed))).toBe(false);
  });

  test('by another identity key is refused', async () => {
    const signer = await other.exchange.keys.openIdentity();
    if (!signer || isRefusal(signer)) throw new Error('no identity');
    const signed = await signPublication(await draft(), signer);
    expect(refusalOf(await installKeySet(bench.exchange, signed))).toBe('publication-invalid /keySet');
  });

  test('whose card carries another key set is refused', async () => {
    const first = await signPublication(await draft(), await identity());
    bench.now += 60;
    const second = await signPublication(await draft(), await identity());
    const mixed = { keySet: second.keySet, card: first.card };
    expect(refusalOf(await installKeySet(bench.exchange, mixed))).toBe('publication-invalid /card');
  });
});

/** A request as it would be at another time, by somebody who knows what a node gives. */
function dated({ keySet, card }: PublicationRequest, iat: number): PublicationRequest {
  const life = ({ iat: from, exp }: { iat: number; exp: number }) => exp - from;
  return {
    keySet: { ...keySet, iat, seq: iat, exp: iat + life(keySet) },
    card: { ...card, iat, exp: iat + life(card) },
  };
}

describe('what an identity key is asked to sign', () => {
  const checked = async (iat: number, changes: Partial<PublicationRequest['keySet']> = {}) => {
    const request = dated(done(await draftKeySet(bench.exchange)), iat);
    const refusal = checkRequest({ ...request, keySet: { ...request.keySet, ...changes } }, BEGIN);
    return refusal ? `${refusal.code} ${refusal.pointer}` : 'signed';
  };

  test('may be up to seven days old, and ten minutes ahead of the clock here', async () => {
    expect([await checked(BEGIN), await checked(BEGIN - 7 * DAY), await checked(BEGIN + 600)]).toEqual([
      'signed',
      'signed',
      'signed',
    ]);
    for (const iat of [BEGIN - 7 * DAY - 1, BEGIN + 601, BEGIN + 3 * 365 * DAY])
      expect(await checked(iat)).toBe('publication-invalid /keySet/iat');
  });

  test('never has a number, or a life, that no node gives', async () => {
    expect(await checked(BEGIN, { seq: BEGIN + DAY })).toBe('signed');
    expect(await checked(BEGIN, { seq: BEGIN + DAY + 1 })).toBe('publication-invalid /keySet/seq');
    expect(await checked(BEGIN, { seq: 253_402_300_799 })).toBe('publication-invalid /keySet/seq');
    expect(await checked(BEGIN, { exp: BEGIN + 91 * DAY })).toBe('publication-invalid /keySet/exp');
  });
});

describe('with the identity key elsewhere', () => {
  const away = () => rename(join(bench.folder, 'identity.key'), join(bench.folder, '..', 'identity.key'));
  const kept = async () => {
    const signer = await bench.exchange.keys.openIdentity({ path: join(bench.folder, '..', 'identity.key') });
    if (!signer || isRefusal(signer)) throw new Error('the identity key does not open');
    return signer;
  };

  test('a publication is refused with the ways to go on', async () => {
    await away();
    const refused = await publishKeys(bench.exchange);
    expect(refusalOf(refused)).toBe('state-conflict');
    expect(refused).toMatchObject({ next: expect.stringMatching(/--identity FILE.*export-public/) });
  });

  test('the card of the last publication stands until it ends', async () => {
    const fresh = done(await writeCard(bench.exchange));
    await away();
    expect(done(await writeCard(bench.exchange))).toBe(fresh);
    bench.now += 30 * DAY;
    expect(refusalOf(await writeCard(bench.exchange))).toBe('state-conflict');
  });

  test('a rotation waits for its publication', async () => {
    await away();
    const { kid, publication, plan } = done(await rotateKeys(bench.exchange, {}));
    expect([plan.publishes, 'refused' in publication]).toEqual([false, true]);
    bench.now += 4 * HOUR;
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.signer()?.kid).not.toBe(kid);
    done(
      await installKeySet(bench.exchange, await signPublication(done(await draftKeySet(bench.exchange)), await kept())),
    );
    await followKeyPlan(bench.exchange);
    expect(bench.exchange.keys.signer()?.kid).toBe(kid);
  });

  test('a revocation counts here at once, and is told with the next publication', async () => {
    const { kid } = await activeKey(bench.exchange);
    await away();
    const { publication, published } = done(await revokeKey(bench.exchange, { kid, reason: 'compromised' }));
    expect([published, 'refused' in publication]).toEqual([false, true]);
    expect((await entryOf(kid))?.revoked).toBeUndefined();
    const codesOf = async () =>
      examineKeys(await readOwnKeys(bench.exchange), bench.now).flatMap(({ level, code }) =>
        level === 'bad' ? [code] : [],
      );
    expect(await codesOf()).toEqual(['revocation-unpublished', 'key-unpublished']);
    const signed = await signPublication(done(await draftKeySet(bench.exchange)), await kept());
    expect(done(await installKeySet(bench.exchange, signed)).revoked).toEqual([kid]);
    expect(await codesOf()).toEqual([]);
  });

  test('a new one makes another node of this one for every partner', async () => {
    await away();
    const former = bench.exchange.keys.identity?.kid;
    const made = done(await replaceIdentity(bench.exchange, { reason: 'The stick is lost', keepKeys: true }));
    expect(made).toMatchObject({ former, partners: [] });
    expect(made.fingerprint).not.toBe(former);
    expect(await eventsOf(bench.exchange, 'keys.identity-replaced')).toEqual([
      { kid: made.fingerprint, reason: 'The stick is lost', former },
    ]);
    const lost = await openIdentityFile(join(bench.folder, '..', 'identity.key'), WORDS);
    if (!lost || isRefusal(lost)) throw new Error('the old identity key does not open');
    const signed = await signPublication(done(await draftKeySet(bench.exchange)), lost.signer);
    expect(refusalOf(await installKeySet(bench.exchange, signed))).toBe('publication-invalid /keySet');
  });
});

describe('the doctor', () => {
  const told = async () =>
    examineKeys(await readOwnKeys(bench.exchange), bench.now).flatMap(({ level, code }) =>
      level === 'ok' ? [] : [`${level} ${code}`],
    );

  test('finds the keys of a new node well', async () => expect(await told()).toEqual(['note identity-here']));

  test('follows a rotation, and says so when nobody carries it out', async () => {
    done(await rotateKeys(bench.exchange, {}));
    expect(await told()).toEqual(['note rotation-planned', 'note identity-here']);
    bench.now += 5 * HOUR;
    expect(await told()).toEqual(['warn rotation-late', 'note identity-here']);
    await followKeyPlan(bench.exchange);
    expect(await told()).toEqual(['note key-retiring', 'note identity-here']);
    bench.now += 3 * HOUR;
    expect(await told()).toEqual(['warn key-retiring-late', 'note identity-here']);
    await followKeyPlan(bench.exchange);
    expect(await told()).toEqual(['note identity-here']);
  });

  test('finds a key that nobody published', async () => {
    const { kid } = done(await generateKey(bench.exchange));
    expect(await told()).toEqual(['warn key-future-unpublished', 'note identity-here']);
    done(await publishKeys(bench.exchange));
    expect(await told()).toEqual(['note key-waiting', 'note identity-here']);
    done(await retireKey(bench.exchange, { kid }));
    expect(await told()).toEqual(['note identity-here']);
  });

  test('finds that there is nothing to encrypt to', async () => {
    const { kid } = await activeKey(bench.exchange, 'enc');
    done(await bench.exchange.keys.retire(kid, { exp: bench.now + DAY }));
    expect(await told()).toEqual(['bad encryption-key-none', 'note identity-here']);
  });
});
