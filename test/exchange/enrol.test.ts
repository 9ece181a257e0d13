import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { listAlerts } from '../../src/exchange/alerts.ts';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { showPartner } from '../../src/exchange/partner-directory.ts';
import { updatePartner } from '../../src/exchange/update-partner.ts';
import { encryptionKeyPair } from '../support/encrypted.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { type Json, now, type TestKey, testKey } from '../support/tokens.ts';

// Cards as they come by e-mail: from partners, from strangers and from whoever stole a key. Every test has issuers of its own.

let own: TestExchange;
let clock = now * 1000;
beforeAll(async () => {
  own = await testExchange({ issuer: 'https://node.hotline-own.example', clock: () => clock });
});
afterAll(() => own.close());

interface Party {
  readonly issuer: string;
  readonly identity: TestKey;
  keySet(changes?: Json, identity?: TestKey): string;
  card(changes?: Json, identity?: TestKey): string;
}

function party(issuer: string, identity = testKey(), signs = testKey()): Party {
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const made: Party = {
    issuer,
    identity,
    keySet: (changes = {}, key = identity) =>
      makeKeySet({ iss: issuer, endpoints, keys: [keyEntry(signs)], encryption: 'none', ...changes }, { key }),
    card: (changes = {}, key = identity) =>
      makeCard({ iss: issuer, identity_key: key.jwk, key_set: made.keySet({}, key), ...changes }, { key }),
  };
  return made;
}

const add = (card: string) => addPartner(own.exchange, card);
const update = (card: string) => updatePartner(own.exchange, card);

async function added(one: Party): Promise<void> {
  const done = await add(one.card());
  if (isRefusal(done)) throw new Error(`${done.pointer} ${done.message}`);
}

async function confirmed(one: Party): Promise<void> {
  await added(one);
  const done = await confirmPartner(own.exchange, { issuer: one.issuer, fingerprint: one.identity.kid, foreign: true });
  if (isRefusal(done)) throw new Error(`${done.pointer} ${done.message}`);
}

async function shown(issuer: string) {
  const partner = await showPartner(own.exchange, issuer);
  if (isRefusal(partner)) throw new Error(partner.message);
  return partner;
}

async function alertsFor(issuer: string): Promise<string[]> {
  return (await listAlerts(own.exchange))
    .filter(({ partner }) => partner === issuer)
    .map(({ code }) => code)
    .sort();
}

async function eventsOf(issuer: string): Promise<string[]> {
  const rows = await own.exchange.store.db
    .selectFrom('event')
    .select('type')
    .where('partner', '=', issuer)
    .orderBy('position')
    .execute();
  return rows.map(({ type }) => type);
}

describe('a card', () => {
  test('makes a pending partner, with both spellings of its fingerprint', async () => {
    const one = party('https://first.example');
    expect(await add(`\n${one.card()}  `)).toMatchObject({
      state: 'pending',
      fingerprint: one.identity.kid,
      spoken: expect.stringMatching(/^(\d{5} ){7}\d{5}$/),
    });
    expect(await shown(one.issuer)).toMatchObject({ state: 'pending', suspect: { count: 0, items: [] } });
  });

  test('without a current encryption key says that messages would wait; one with a key does not', async () => {
    expect(await add(party('https://no-key.example').card())).toMatchObject({ exchangeable: false });
    const one = party('https://key.example');
    const { kid, jwk } = encryptionKeyPair();
    const entry = { ...keyEntry(testKey()), ...jwk, kid, alg: 'ECDH-ES', use: 'enc' };
    const keys = [keyEntry(testKey()), entry];
    expect(await add(one.card({ key_set: one.keySet({ keys }) }))).toMatchObject({ exchangeable: true });
    expect(await shown(one.issuer)).toMatchObject({ encryption: { mode: 'required', kid } });
    const early = party('https://early.example');
    const later = [keyEntry(testKey()), { ...entry, nbf: now + 3600 }];
    expect(await add(early.card({ key_set: early.keySet({ keys: later }) }))).toMatchObject({ exchangeable: false });
  });

  const strange = party('https://strange.example');
  const other = testKey();
  test.each([
    ['expired', () => strange.card({ iat: now - 40 * 86_400, exp: now - 86_400 }), '/exp', /expired/],
    ['with too long a life', () => strange.card({ exp: now + 31 * 86_400 }), '/exp', /more than 30 days/],
    ['of the future', () => strange.card({ iat: now + 3600, exp: now + 7200 }), '/iat', /future/],
    [
      'signed by another key',
      () => makeCard({ iss: strange.issuer, identity_key: strange.identity.jwk }, { key: other }),
      '/identity_key',
      /not-identity-key/,
    ],
    [
      'that contradicts itself in its kid',
      () => strange.card({ identity_key: { ...strange.identity.jwk, kid: other.kid } }),
      '/identity_key/kid',
      /thumbprint/,
    ],
    [
      'with the key set of another issuer',
      () => strange.card({ key_set: strange.keySet({ iss: 'https://else.example' }) }),
      '/key_set',
      /issuer-mismatch/,
    ],
    [
      'with a key set of another identity',
      () => strange.card({ key_set: strange.keySet({}, other) }),
      '/key_set',
      /not-identity-key/,
    ],
    [
      'with an expired key set',
      () => strange.card({ key_set: strange.keySet({ iat: now - 9 * 86_400, exp: now - 1 }) }),
      '/key_set',
      /key-set-expired/,
    ],
    [
      'that carries the private key',
      () => strange.card({ identity_key: { ...strange.identity.jwk, d: 'AAAA' } }),
      '/identity_key',
      /private key/,
    ],
    [
      'of our own node',
      () =>
        strange.card({
          iss: 'https://node.hotline-own.example',
          key_set: strange.keySet({ iss: 'https://node.hotline-own.example' }),
        }),
      '/iss',
      /our own/,
    ],
    ['that is a key set', () => strange.keySet(), '', /not a peer card/],
    ['that is no token', () => 'hello', '', /not a peer card/],
  ])('%s is refused by add and by update, and nothing is stored', async (_, card, pointer, message) => {
    for (const give of [add, update]) {
      expect(await give(card())).toMatchObject({
        code: 'card-invalid',
        pointer,
        message: expect.stringMatching(message),
      });
    }
    expect(await showPartner(own.exchange, strange.issuer)).toMatchObject({ code: 'not-found' });
  });

  test('of a known issuer with the same identity key is known: the next step is update', async () => {
    const one = party('https://known.example');
    await added(one);
    expect(await add(one.card())).toMatchObject({
      code: 'partner-exists',
      next: expect.stringContaining('partner update'),
    });
    expect(await alertsFor(one.issuer)).toEqual([]);
  });

  test.each(['add', 'update'] as const)(
    'of another issuer with a known identity key is refused by %s, with an alert',
    async (way) => {
      const [one, thief] = [party(`https://owner-${way}.example`), `https://thief-${way}.example`];
      await added(one);
      if (way === 'update') await added(party(thief));
      const give = { add, update }[way];
      const refused = await give(party(thief, one.identity).card());
      expect(refused).toMatchObject({
        code: 'card-invalid',
        pointer: '/identity_key',
        message: expect.stringContaining(one.issuer),
      });
      expect(await alertsFor(one.issuer)).toEqual(['identity-shared']);
    },
  );

  test('with an identity key that waits as a replacement elsewhere is refused too', async () => {
    const one = party('https://waits.example');
    await confirmed(one);
    const stolen = testKey();
    await add(one.card({}, stolen));
    expect(await add(party('https://waits-twin.example', stolen).card())).toMatchObject({ pointer: '/identity_key' });
    expect(await alertsFor(one.issuer)).toEqual(['identity-changed', 'identity-shared']);
  });

  test('signed by our own identity key is refused: somebody has our private key', async () => {
    const ours = own.exchange.keys.identity;
    const thief = party('https://our-thief.example');
    // The store holds a private key that no test can take out: this node's public name is given to the thief's key instead.
    const exchange = {
      ...own.exchange,
      keys: { ...own.exchange.keys, identity: { ...ours, kid: thief.identity.kid } },
    };
    const refused = await addPartner(exchange as typeof own.exchange, thief.card());
    expect(refused).toMatchObject({
      pointer: '/identity_key',
      message: expect.stringContaining('our own identity key'),
    });
  });

  test('whose identity key signs messages of a partner is refused', async () => {
    const operational = testKey();
    await added(party('https://signer.example', testKey(), operational));
    const refused = await add(party('https://mixed.example', operational).card());
    expect(refused).toMatchObject({ pointer: '/identity_key', message: expect.stringContaining('operational key') });
  });
});

describe('a newer card', () => {
  const later = (seconds: number) => ({ iat: now + seconds, exp: now + seconds + 86_400 });

  test('of a partner that nobody knows is refused', async () => {
    expect(await update(party('https://nobody.example').card())).toMatchObject({ code: 'partner-unknown' });
  });

  test('brings contact, name and keys; what was confirmed stays and is told as a proposal', async () => {
    const one = party('https://newer.example');
    await confirmed(one);
    clock += 60_000;
    const next = testKey();
    const organisation = { name: 'Hotline A, renamed', type: 'law-enforcement', jurisdictions: ['DE', 'FR'] };
    const contact = { desk: 'New desk', email: 'desk@hotline-a.example', phone: '+49 30 0000001' };
    const key_set = one.keySet({ seq: now + 30, iat: now + 30, keys: [keyEntry(next)] });
    const updated = await update(one.card({ ...later(30), organisation, contact, key_set }));
    expect(updated).toMatchObject({
      updated: true,
      changed: ['name', 'contact', 'keySet'],
      proposes: { type: 'law-enforcement', jurisdictions: ['DE', 'FR'] },
    });
    expect(await shown(one.issuer)).toMatchObject({
      state: 'active',
      name: 'Hotline A, renamed',
      type: 'hotline',
      jurisdictions: ['DE'],
      contact,
      keySet: { seq: now + 30 },
      keys: expect.arrayContaining([expect.objectContaining({ kid: next.kid })]),
    });
    expect(await eventsOf(one.issuer)).toEqual(expect.arrayContaining(['partner.updated', 'key-set.accepted']));
  });

  test('of a pending partner speaks for itself: nothing was recorded yet', async () => {
    const one = party('https://newer-pending.example');
    await added(one);
    clock += 60_000;
    const organisation = { name: 'B', type: 'law-enforcement', jurisdictions: ['NL'] };
    expect(await update(one.card({ ...later(30), organisation }))).toMatchObject({ proposes: {} });
    expect(await shown(one.issuer)).toMatchObject({ state: 'pending', type: 'law-enforcement', jurisdictions: ['NL'] });
  });

  test('that is the same changes nothing, an older one and one of the same second are refused', async () => {
    const one = party('https://older.example');
    await added(one);
    const same = await shown(one.issuer);
    expect(await update(one.card())).toMatchObject({ updated: false, changed: [] });
    const old = await update(one.card({ iat: now - 5 }));
    expect(old).toMatchObject({ code: 'card-invalid', pointer: '/iat', message: expect.stringContaining('older') });
    const organisation = { name: 'Another', type: 'hotline', jurisdictions: ['DE'] };
    const twin = await update(one.card({ organisation }));
    expect(twin).toMatchObject({
      code: 'card-invalid',
      pointer: '/iat',
      message: expect.stringContaining('same second'),
    });
    expect(await shown(one.issuer)).toEqual(same);
  });

  test('with a key set that forks the known one is refused whole, with the alert of a fork', async () => {
    const one = party('https://fork.example');
    await confirmed(one);
    clock += 60_000;
    const key_set = one.keySet({ keys: [keyEntry(testKey())] });
    const organisation = { name: 'Forked', type: 'hotline', jurisdictions: ['DE'] };
    const refused = await update(one.card({ ...later(20), organisation, key_set }));
    expect(refused).toMatchObject({ code: 'card-invalid', pointer: '/key_set' });
    expect((await shown(one.issuer)).name).toBe('Hotline A');
    expect(await alertsFor(one.issuer)).toEqual(['key-set-fork']);
  });

  test('with a key set that is older than one pushed since keeps the newer keys', async () => {
    const one = party('https://pushed.example');
    await confirmed(one);
    clock += 60_000;
    const key_set = one.keySet({ seq: now - 10, keys: [keyEntry(testKey())] });
    expect(await update(one.card({ ...later(20), key_set }))).toMatchObject({ updated: true, changed: [] });
    expect((await shown(one.issuer)).keySet.seq).toBe(now);
    expect(await alertsFor(one.issuer)).toEqual([]);
  });
});
