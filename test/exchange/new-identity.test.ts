import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type IdentityWish, replaceIdentity } from '../../src/exchange/new-identity.ts';
import { generateKey } from '../../src/exchange/own-keys.ts';
import {
  activeKey,
  BEGIN,
  claimsOf,
  DAY,
  done,
  eventsOf,
  HOUR,
  iso,
  type KeyBench,
  keyBench,
  refusalOf,
} from '../support/own-keys.ts';

// The identity key is lost or taken: what the node does with its other keys, in which order, and what it says of it.

let bench: KeyBench;

beforeAll(async () => {
  bench = await keyBench();
});
afterAll(() => bench.close());
beforeEach(async () => {
  await bench.renew();
  await bench.exchange.store.db.updateTable('node').set({ identity_seq: 0, identity_at: null }).execute();
});

const replace = (wish: Omit<IdentityWish, 'reason'>) =>
  replaceIdentity(bench.exchange, { reason: 'The machine was stolen', ...wish });
const entryOf = async (kid: string) => (await claimsOf(bench.exchange)).keys.find((key) => key.kid === kid);

describe('a new identity', () => {
  test.each<[string, Omit<IdentityWish, 'reason'>, string]>([
    ['without a word on the other keys', {}, 'usage-invalid'],
    ['with two words that contradict', { since: iso(BEGIN), keepKeys: true }, 'usage-invalid'],
    ['from an instant that is to come', { since: iso(BEGIN + HOUR) }, 'usage-invalid /since'],
  ])('is not made %s', async (_name, wish, refusal) => {
    const before = bench.exchange.keys.identity?.kid;
    const refused = await replace(wish);
    expect(refusalOf(refused)).toBe(refusal);
    if (refusal === 'usage-invalid')
      expect(refused).toMatchObject({ next: expect.stringMatching(/--since INSTANT.*--keep-keys/) });
    expect(bench.exchange.keys.identity?.kid).toBe(before);
    expect(await activeKey(bench.exchange)).toMatchObject({ notBefore: iso(BEGIN) });
  });

  test('revokes what was stolen with it: keys in use, to come, and destroyed only since', async () => {
    const [sig, enc] = [await activeKey(bench.exchange), await activeKey(bench.exchange, 'enc')];
    const planned = done(await generateKey(bench.exchange));
    bench.now += 5 * DAY;
    const since = iso(bench.now - DAY);
    const { revoked } = done(await replace({ since }));
    const kids = revoked.map(({ kid }) => kid);
    expect(kids.toSorted()).toEqual([sig.kid, enc.kid, planned.kid].toSorted());
    for (const { kid } of [sig, enc])
      expect((await entryOf(kid))?.revoked).toEqual({ revoked_at: bench.now - DAY, reason: 'compromised' });
    const now = [await activeKey(bench.exchange), await activeKey(bench.exchange, 'enc')];
    expect(now.some(({ kid }) => kids.includes(kid))).toBe(false);
    expect(await eventsOf(bench.exchange, 'keys.revoked')).toEqual(
      expect.arrayContaining([{ kid: sig.kid, reason: 'The machine was stolen', since }]),
    );
  });

  test('signs under a key that began with the oldest and that the old identity never published', async () => {
    const old = await activeKey(bench.exchange);
    bench.now += DAY;
    const { revoked } = done(await replace({ keepKeys: true }));
    expect(revoked).toEqual([]);
    const key = await activeKey(bench.exchange);
    expect(key).toMatchObject({ notBefore: iso(BEGIN) });
    expect(key.kid).not.toBe(old.kid);
    expect((await entryOf(old.kid))?.revoked).toEqual({ revoked_at: bench.now, reason: 'superseded' });
    expect(await activeKey(bench.exchange, 'enc')).toMatchObject({ notBefore: iso(BEGIN) });
  });

  test('leaves the old file aside and says where', async () => {
    const { formerFile, former } = done(await replace({ keepKeys: true }));
    expect(formerFile).toBe(`keys/identity-${former}.old`);
    expect((await stat(join(bench.folder, '..', formerFile ?? ''))).isFile()).toBe(true);
    await bench.renew();
    await bench.exchange.store.db.updateTable('node').set({ identity_seq: 0, identity_at: null }).execute();
    await rename(join(bench.folder, 'identity.key'), join(bench.folder, '..', 'elsewhere.key'));
    expect(done(await replace({ keepKeys: true }))).not.toHaveProperty('formerFile');
  });

  test('is not made a second time within a day, unless that is what is meant', async () => {
    const { fingerprint } = done(await replace({ keepKeys: true }));
    const again = await replace({ keepKeys: true });
    expect([refusalOf(again), again]).toEqual([
      'state-conflict',
      expect.objectContaining({ next: expect.stringContaining('--again') }),
    ]);
    expect(bench.exchange.keys.identity?.kid).toBe(fingerprint);
    expect(done(await replace({ keepKeys: true, again: true })).fingerprint).not.toBe(fingerprint);
    bench.now += DAY + 1;
    done(await replace({ keepKeys: true }));
  });

  test('is made after a crash in the middle, with nothing revoked twice', async () => {
    bench.now += DAY;
    const since = iso(bench.now - HOUR);
    const first = done(await replace({ since }));
    const second = done(await replace({ since, again: true }));
    expect(first.revoked.length).toBeGreaterThan(0);
    expect(second.revoked.map(({ kid }) => kid)).not.toEqual(
      expect.arrayContaining(first.revoked.map(({ kid }) => kid)),
    );
  });
});
