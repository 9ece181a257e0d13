// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { decideHeldReferences } from '../../src/exchange/decide-held.ts';
import { addDeny, removeDeny } from '../../src/exchange/denies.ts';
import { findNoLongerAllowed, withdrawNoLongerAllowed } from '../../src/exchange/narrowed.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { reconsider } from '../../src/exchange/reconsider.ts';
import { createShare, type Share } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { resumePartner, suspendPartners } from '../../src/exchange/suspend.ts';
import { claimDeliveries } from '../../src/store/outbox.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type Json, operational, self, sender } from '../support/tokens.ts';

// What a narrower policy, a deny or a suspension leaves behind at a partner, and how it is taken back.

const other = 'https://node.police-c.example';
let node: TestExchange;
let share: Share;
let database: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  node = await testExchange({ issuer: self, store: { kind: 'postgres', url: database.url, schema: 'caseref' } });
  await befriend(node.exchange, sender, {}, operational);
  await befriend(node.exchange, other);
  await policy(sender, 'send');
  await policy(other, 'send');
  share = createShare(node.exchange);
});
afterAll(async () => {
  await node.close();
  await database.drop();
});

async function policy(partner: string, grooming: 'send' | 'hold' | 'withhold') {
  const set = await setPolicy(node.exchange, partner, {
    partner,
    legal: { basis: 'Invented act, section 1', transfer: 'none', route: 'own-police' },
    send: {
      rules: [
        { id: 'grooming', when: { category: ['grooming'] }, then: grooming },
        { id: 'rest', when: { category: ['*'] }, then: 'send' },
      ],
    },
    receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' }] },
  });
  if (!('noLongerAllowed' in set)) throw new Error(JSON.stringify(set));
  return set;
}

async function shared(n: number, category = 'grooming', change: Json = {}): Promise<string> {
  const answer = await share({ ...inventedReference(n), category, ...change });
  if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
  return (answer as Shared).id;
}

/** Everything that is due leaves, as far as its number goes: from then on a partner may have it. */
async function leave(partner = sender, suspended = false): Promise<string[]> {
  const { version } = await node.exchange.directory.within(node.exchange.store.db);
  const at = node.exchange.clock() + 1000;
  const rows = await claimDeliveries(node.exchange.store.db, {
    partner,
    suspended,
    basis: version,
    limit: 1000,
    now: new Date(at),
    lease: crypto.randomUUID(),
    leaseUntil: new Date(at + 30_000),
    which: 'all',
  });
  return rows.map(({ event }) => event);
}

async function deliveriesTo(partner: string, id: string) {
  const { db } = node.exchange.store;
  const query = db.selectFrom('delivery').selectAll().where('partner', '=', partner).where('reference_id', '=', id);
  return query.orderBy('position').execute();
}

async function decisionOf(partner: string, id: string) {
  const { db } = node.exchange.store;
  const query = db.selectFrom('decision').selectAll().where('partner', '=', partner).where('id', '=', id);
  return query.executeTakeFirstOrThrow();
}

async function stateOf(id: string): Promise<string> {
  const { db } = node.exchange.store;
  return (await db.selectFrom('reference').select('state').where('id', '=', id).executeTakeFirstOrThrow()).state;
}

async function found(partner = sender): Promise<string[]> {
  const page = await findNoLongerAllowed(node.exchange, partner);
  if (!('items' in page)) throw new Error(page.code);
  return page.items.map(({ id }) => id).sort();
}

const recall = (partner = sender, more: Json = {}) =>
  withdrawNoLongerAllowed(node.exchange, partner, {
    content: { reason: 'legal', purge: true, ...more },
    by: 'operator',
  });

describe('a policy that narrows', () => {
  test('tells how much was sent that would not be sent now, and takes it back from that partner only', async () => {
    const [gone, kept] = [await shared(1), await shared(2, 'csam')];
    await leave();
    await leave(other);
    expect((await policy(sender, 'send')).noLongerAllowed).toEqual([]);
    expect((await policy(sender, 'withhold')).noLongerAllowed).toEqual([
      { partner: sender, references: 1, complete: true },
    ]);
    expect(await found()).toEqual([gone]);
    const batch = crypto.randomUUID();
    expect(await recall(sender, { batch })).toEqual({ batch, looked: 2, withdrawn: 1, next: null });
    expect((await deliveriesTo(sender, gone)).at(-1)).toMatchObject({
      event: 'withdrawn',
      payload: { reason: 'legal', purge: true, batch },
    });
    expect((await deliveriesTo(sender, kept)).map(({ event }) => event)).toEqual(['submitted']);
    expect((await deliveriesTo(other, gone)).map(({ event }) => event)).toEqual(['submitted']);
    expect(await stateOf(gone)).toBe('open');
    expect(await found()).toEqual([]);
  });

  test('lists nothing twice: what was asked for is not asked for again', async () => {
    expect(await recall()).toMatchObject({ withdrawn: 0, next: null });
  });

  test('counts what it holds now as well, and names the rule', async () => {
    await policy(sender, 'send');
    const id = await shared(3);
    await leave();
    await policy(sender, 'hold');
    expect(await findNoLongerAllowed(node.exchange, sender)).toMatchObject({
      items: [{ id, effect: 'hold', rule: 'grooming' }],
    });
    await recall();
  });

  test('leaves what a person let go to that person', async () => {
    await policy(sender, 'hold');
    const id = await shared(4);
    await decideHeldReferences(node.exchange, { id, partner: sender }, 'send', 'operator');
    await leave();
    expect(await found()).toEqual([]);
    const deny = await addDeny(node.exchange, {
      id: 'over-persons',
      ground: 'legal',
      when: { category: ['grooming'] },
    });
    expect(deny).toMatchObject({
      noLongerAllowed: expect.arrayContaining([{ partner: sender, references: 1, complete: true }]),
    });
    expect(await found()).toEqual([id]);
    await removeDeny(node.exchange, 'over-persons');
  });

  test('goes through more than a page', async () => {
    await policy(sender, 'send');
    await Promise.all(Array.from({ length: 450 }, (_, n) => shared(n + 1000)));
    await leave();
    await policy(sender, 'withhold');
    let after: string | undefined;
    const pages: number[] = [];
    do {
      const page = await withdrawNoLongerAllowed(node.exchange, sender, {
        content: { reason: 'legal', purge: false },
        by: 'operator',
        after,
      });
      if (!('withdrawn' in page)) throw new Error(page.code);
      pages.push(page.withdrawn);
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(pages.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(450);
    expect(pages.length).toBeGreaterThan(2);
    expect(await found()).toEqual([]);
  });

  test.each([['an organisation that is no partner', 'https://node.nobody.example', 'partner-unknown']])(
    '%s is refused',
    async (_, issuer, code) => {
      expect(await findNoLongerAllowed(node.exchange, issuer)).toMatchObject({ refused: true, code });
      expect(await recall(issuer)).toMatchObject({ refused: true, code });
    },
  );
});

describe('a partner that is suspended', () => {
  test('holds everything without leave; withdrawals pass, and its return sends none of it again', async () => {
    await policy(other, 'send');
    const id = await shared(20, 'csam');
    await leave(other);
    const suspended = await suspendPartners(node.exchange, { issuer: other, reason: 'examined' });
    expect(suspended).toMatchObject({ noLongerAllowed: [{ partner: other, complete: true }] });
    expect(await found(other)).toContain(id);
    await recall(other);
    expect(new Set(await leave(other, true))).toEqual(new Set(['withdrawn']));
    expect(await decisionOf(other, id)).toMatchObject({ effect: 'withhold', decided_by: 'operator' });
    await resumePartner(node.exchange, other);
    await reconsider(node.exchange);
    expect((await deliveriesTo(other, id)).map(({ event }) => event)).toEqual(['submitted', 'withdrawn']);
  });

  test('gets by itself what was shared meanwhile, but not what a person withheld', async () => {
    await suspendPartners(node.exchange, { issuer: other, reason: 'examined' });
    const [going, withheld] = [await shared(30, 'csam'), await shared(31, 'csam')];
    expect(await decisionOf(other, going)).toMatchObject({ effect: 'hold', code: 'partner-suspended' });
    expect(await decideHeldReferences(node.exchange, { id: going, partner: other }, 'send', 'operator')).toMatchObject({
      decided: 0,
      kept: [{ id: going, rule: 'partner-state' }],
    });
    await decideHeldReferences(node.exchange, { id: withheld, partner: other }, 'withhold', 'operator');
    expect(await reconsider(node.exchange)).toBe(0);
    await resumePartner(node.exchange, other);
    expect(await reconsider(node.exchange)).toBe(1);
    expect(await decisionOf(other, going)).toMatchObject({ effect: 'send', decided_by: null });
    expect((await deliveriesTo(other, going)).map(({ event }) => event)).toEqual(['submitted']);
    expect(await decisionOf(other, withheld)).toMatchObject({ effect: 'withhold', decided_by: 'operator' });
    expect(await deliveriesTo(other, withheld)).toEqual([]);
    expect(await reconsider(node.exchange)).toBe(0);
  });

  test('and whose policy changed meanwhile is decided for by the new one, in two processes once', async () => {
    await suspendPartners(node.exchange, { issuer: other, reason: 'examined' });
    const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => shared(n + 100)));
    const going = await shared(140, 'csam');
    await policy(other, 'withhold');
    await resumePartner(node.exchange, other);
    const made = await Promise.all([reconsider(node.exchange), reconsider(node.exchange)]);
    expect(made.reduce((sum, n) => sum + n, 0)).toBe(31);
    expect(await decisionOf(other, ids[0] ?? '')).toMatchObject({ effect: 'withhold', rule: 'grooming' });
    expect(await deliveriesTo(other, going)).toHaveLength(1);
  });
});
