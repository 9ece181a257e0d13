import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import {
  activateKey,
  addKey,
  type Changed,
  destroyRevoked,
  futureKey,
  type NodeSecrets,
  retireKey,
  revokeKey,
  type StoredKey,
  shown,
} from '../../src/keys/life-cycle.ts';
import fc from '../support/property.ts';

const algs = ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65', 'ECDH-ES'] as const;
type Alg = (typeof algs)[number];
const EMPTY: NodeSecrets = { master: 'bWFzdGVy', keys: [] };

/** Invented key material: the life cycle never looks into it. */
function madeKey(kid: string, alg: Alg, nbf = 100, exp = 900): StoredKey {
  const pair = { kid, jwk: { kty: 'OKP', x: `public ${kid}` }, private: { kty: 'OKP', d: `secret ${kid}` } };
  return futureKey(pair, { alg, nbf, exp, plan: { activateAt: nbf } });
}

function taken(answer: ReturnType<typeof activateKey>): Changed {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.message}`);
  return answer;
}

const codeOf = (answer: unknown) => (isRefusal(answer) ? `${answer.code} ${answer.pointer}`.trim() : 'taken');
const withKeys = (...keys: StoredKey[]): NodeSecrets => ({ ...EMPTY, keys });
const future = madeKey('one', 'Ed25519');
const active = taken(activateKey(withKeys(future), 'one', {})).key;
const retired = taken(retireKey(withKeys(active), 'one', { exp: 800 })).key;
const revoked = taken(revokeKey(withKeys(active), 'one', { revokedAt: 300, reason: 'stolen' })).key;

test('a new key is for the future, and says what it is for', () => {
  expect(shown(future)).toMatchObject({ use: 'sig', state: 'future', nbf: 100, exp: 900, plan: { activateAt: 100 } });
  expect(madeKey('two', 'ECDH-ES')).toMatchObject({ use: 'enc' });
  expect(shown(future)).not.toHaveProperty('private');
  expect(() => madeKey('three', 'Ed25519', 900, 900)).toThrow(RangeError);
});

describe('activating', () => {
  test('carries out the plan, and may move the begin', () => {
    expect(active).toMatchObject({ state: 'active', nbf: 100 });
    expect(active).not.toHaveProperty('plan');
    expect(taken(activateKey(withKeys(future), 'one', { nbf: 50 })).key).toMatchObject({ nbf: 50 });
  });

  test('replaces the active key of the same algorithm, and no other', () => {
    const other = taken(activateKey(withKeys(madeKey('es', 'ES256')), 'es', {})).key;
    const { secrets } = taken(
      activateKey(withKeys(active, other, madeKey('two', 'Ed25519')), 'two', { retireReplacedAt: 500 }),
    );
    expect(secrets.keys.map(({ kid, state, retireAt }) => [kid, state, retireAt])).toEqual([
      ['one', 'replaced', 500],
      ['es', 'active', undefined],
      ['two', 'active', undefined],
    ]);
    expect(secrets.keys[0]?.private).toEqual(future.private);
  });

  test.each([
    ['an unknown key', withKeys(), {}, 'not-found'],
    ['an active key', withKeys(active), {}, 'state-conflict'],
    ['a retired key', withKeys(retired), {}, 'state-conflict'],
    ['a revoked key', withKeys(revoked), {}, 'state-conflict'],
    ['a key that would end before it begins', withKeys(future), { nbf: 900 }, 'usage-invalid /nbf'],
  ])('refuses %s', (_name, secrets, change, code) => {
    expect(codeOf(activateKey(secrets, 'one', change))).toBe(code);
  });
});

describe('retiring', () => {
  test('destroys the private part and keeps the public entry with its new end', () => {
    expect(retired).toMatchObject({ kid: 'one', state: 'retired', nbf: 100, exp: 800, jwk: future.jwk });
    expect(JSON.stringify(retired)).not.toContain('secret');
  });

  test('gives up a future key as well', () => {
    const { key } = taken(retireKey(withKeys(future), 'one', { exp: 800 }));
    expect(key).not.toHaveProperty('plan');
    expect(key).not.toHaveProperty('private');
  });

  test.each([
    ['an unknown key', withKeys(), 800, 'not-found'],
    ['a retired key', withKeys(retired), 800, 'state-conflict'],
    ['a revoked key', withKeys(revoked), 800, 'state-conflict'],
    ['an end before the begin', withKeys(active), 100, 'usage-invalid /exp'],
  ])('refuses %s', (_name, secrets, exp, code) => {
    expect(codeOf(retireKey(secrets, 'one', { exp }))).toBe(code);
  });
});

describe('revoking', () => {
  const at = (revokedAt: number) => ({ revokedAt, reason: 'stolen' });

  test('destroys the private part and says since when and why', () => {
    expect(revoked).toMatchObject({ state: 'revoked', revoked: { revoked_at: 300, reason: 'stolen' }, exp: 900 });
    expect(JSON.stringify(revoked)).not.toContain('secret');
  });

  test.each([
    ['a future key', future],
    ['a retired key', retired],
    ['from the begin on', active],
  ])('takes %s', (_name, key) => {
    expect(codeOf(revokeKey(withKeys(key), 'one', at(100)))).toBe('taken');
  });

  test('can be moved to an earlier instant when more is known', () => {
    expect(taken(revokeKey(withKeys(revoked), 'one', at(299))).key.revoked?.revoked_at).toBe(299);
  });

  test.each([
    ['an unknown key', withKeys(), 300, 'not-found'],
    ['an instant before the begin', withKeys(active), 99, 'usage-invalid /revokedAt'],
    ['the same revocation again', withKeys(revoked), 300, 'state-conflict'],
    ['a later instant', withKeys(revoked), 301, 'state-conflict'],
  ])('refuses %s', (_name, secrets, revokedAt, code) => {
    expect(codeOf(revokeKey(secrets, 'one', at(revokedAt)))).toBe(code);
  });
});

describe('an encryption key that is revoked', () => {
  const enc = { ...active, alg: 'ECDH-ES', use: 'enc' } as const;
  const lost = taken(revokeKey(withKeys(enc), 'one', { revokedAt: 300, reason: 'stolen' }));

  test('keeps its private part until that is destroyed, and never has it again', () => {
    expect(lost.key).toMatchObject({ state: 'revoked', private: enc.private });
    const destroyed = taken(destroyRevoked(lost.secrets, 'one'));
    expect(destroyed.key).toMatchObject({ state: 'revoked', revoked: { revoked_at: 300 } });
    expect(destroyed.key).not.toHaveProperty('private');
    const earlier = taken(revokeKey(destroyed.secrets, 'one', { revokedAt: 299, reason: 'stolen' }));
    expect(earlier.key).not.toHaveProperty('private');
  });

  test.each(['active', 'replaced', 'future', 'retired'] as const)(
    'is the only one: one that is %s is refused',
    (state) => {
      expect(codeOf(destroyRevoked(withKeys({ ...enc, state }), 'one'))).toBe('state-conflict');
    },
  );
});

describe('whatever is done in whatever order', () => {
  const step = fc.record({
    act: fc.constantFrom('generate', 'generate', 'activate', 'activate', 'activate', 'retire', 'revoke', 'destroy'),
    alg: fc.constantFrom(...algs),
    which: fc.nat(11),
    at: fc.integer({ min: 50, max: 950 }),
  });
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

  function take(secrets: NodeSecrets, { act, alg, which, at }: Step): NodeSecrets {
    if (act === 'generate') return addKey(secrets, madeKey(`key${secrets.keys.length}`, alg)).secrets;
    const kid = `key${which}`;
    const answer =
      act === 'activate'
        ? activateKey(secrets, kid, { retireReplacedAt: at })
        : act === 'retire'
          ? retireKey(secrets, kid, { exp: at })
          : act === 'revoke'
            ? revokeKey(secrets, kid, { revokedAt: at, reason: 'stolen' })
            : destroyRevoked(secrets, kid);
    return isRefusal(answer) ? secrets : answer.secrets;
  }

  function holds(before: NodeSecrets, after: NodeSecrets): void {
    for (const alg of algs)
      expect(after.keys.filter((key) => key.alg === alg && key.state === 'active').length).toBeLessThan(2);
    expect(after.master).toBe(before.master);
    for (const [place, old] of before.keys.entries()) {
      const key = after.keys[place];
      expect(key).toMatchObject({ kid: old.kid, alg: old.alg, jwk: old.jwk });
      if (old.private === undefined) expect(key).not.toHaveProperty('private');
      if (old.revoked) expect(key?.revoked?.revoked_at).toBeLessThanOrEqual(old.revoked.revoked_at);
    }
    for (const key of after.keys) {
      const opens = key.state === 'revoked' && key.use === 'enc';
      if (!opens) expect('private' in key).toBe(['future', 'active', 'replaced'].includes(key.state));
      expect(JSON.stringify(key).includes('secret')).toBe('private' in key);
      expect(key.revoked === undefined).toBe(key.state !== 'revoked');
      expect(key.revoked?.revoked_at ?? key.nbf).toBeGreaterThanOrEqual(key.nbf);
      expect(key.exp).toBeGreaterThan(key.nbf);
    }
  }

  test('one key an algorithm is active, the history never shrinks and what was destroyed stays destroyed', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        let secrets = EMPTY;
        for (const one of steps) {
          const after = take(secrets, one);
          holds(secrets, after);
          for (const { state } of after.keys) reached.add(state);
          secrets = after;
        }
      }),
      { numRuns: 200 },
    );
    expect([...reached].sort()).toEqual(['active', 'future', 'replaced', 'retired', 'revoked']);
  });
});
