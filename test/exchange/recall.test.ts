// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { browseReferences, showDecisions } from '../../src/exchange/browse.ts';
import { decideHeldReferences } from '../../src/exchange/decide-held.ts';
import { addDeny, removeDeny } from '../../src/exchange/denies.ts';
import { eraseByOrder, restrict } from '../../src/exchange/keep.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { releaseWithdrawals } from '../../src/exchange/release.ts';
import { createShare, type Share, type ShareOptions } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { claimDeliveries } from '../../src/store/outbox.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase } from '../support/postgres.ts';
import { honestClaims, type Json, makeToken, operational, self, sender } from '../support/tokens.ts';

// Recalls and decisions that come twice, at once, in bulk or against each other; on PostgreSQL, where they can.

let node: TestExchange;
let share: Share;
let database: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  node = await testExchange({ issuer: self, store: { kind: 'postgres', url: database.url, schema: 'caseref' } });
  await befriend(node.exchange, sender, {}, operational);
  share = createShare(node.exchange);
});
afterAll(async () => {
  await node.close();
  await database.drop();
});

async function shared(n: number, change: Json = {}, options: ShareOptions = {}): Promise<string> {
  const answer = await share({ ...inventedReference(n), ...change }, options);
  if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
  return (answer as Shared).id;
}

async function claim() {
  const { version } = await node.exchange.directory.within(node.exchange.store.db);
  const at = node.exchange.clock() + 1000;
  return claimDeliveries(node.exchange.store.db, {
    partner: sender,
    suspended: false,
    basis: version,
    limit: 1000,
    now: new Date(at),
    lease: crypto.randomUUID(),
    leaseUntil: new Date(at + 30_000),
  });
}

async function asked(id: string) {
  const { db } = node.exchange.store;
  const rows = await db
    .selectFrom('delivery')
    .select('payload')
    .where('reference_id', '=', id)
    .where('event', '=', 'withdrawn')
    .orderBy('position')
    .execute();
  return rows.map(({ payload }) => payload);
}

async function reference(id: string) {
  const { db } = node.exchange.store;
  return db.selectFrom('reference').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

test('who was asked to seal is asked again to erase, and a weaker withdrawal does not call the erasure off', async () => {
  const id = await shared(1, { category: 'csam' });
  await claim();
  await withdraw(node.exchange, id, { reason: 'duplicate', purge: false });
  await withdraw(node.exchange, id, { reason: 'sent-in-error', purge: true });
  const due = (await reference(id)).purge_after;
  expect(due).not.toBeNull();
  const third = await withdraw(node.exchange, id, { reason: 'duplicate', purge: false });
  expect(third).toMatchObject({ recipients: [{ state: 'asked-before' }] });
  expect((await reference(id)).purge_after).toEqual(due);
  expect(await asked(id)).toMatchObject([{ purge: false }, { purge: true }]);
});

test('an order to erase what was only sealed reaches who holds it', async () => {
  const id = await shared(2, { category: 'csam' });
  await claim();
  await withdraw(node.exchange, id, { reason: 'duplicate', purge: false });
  await eraseByOrder(node.exchange, { originator: self, id }, 'AG-2026/0816');
  expect(await asked(id)).toMatchObject([{ purge: false }, { reason: 'court-or-authority-order', purge: true }]);
});

test('an idempotency key does not show again what was withdrawn', async () => {
  const idempotency = { client: crypto.randomUUID(), key: 'key', body: 'body' };
  const id = await shared(3, {}, { idempotency });
  expect(await share(inventedReference(3), { idempotency })).toMatchObject({ id, replayed: true });
  await withdraw(node.exchange, id, { reason: 'duplicate', purge: true });
  expect(await share(inventedReference(3), { idempotency })).toMatchObject([{ code: 'reference-withdrawn' }]);
});

test('what was withdrawn is neither found by what it said nor explained by it', async () => {
  const id = await shared(4, { category: 'csam' });
  const listed = async (filter: Parameters<typeof browseReferences>[1]) => {
    const page = await browseReferences(node.exchange, filter, { limit: 500 }, 'masked');
    return 'items' in page ? page.items.map((one) => one.id) : page;
  };
  const explained = async () => {
    const decisions = await showDecisions(node.exchange, self, id);
    return 'items' in decisions ? decisions.items : [];
  };
  expect(await listed({ category: 'csam' })).toContain(id);
  expect((await explained())[0]?.trace.length).toBeGreaterThan(0);
  await withdraw(node.exchange, id, { reason: 'duplicate', purge: false });
  expect(await listed({ state: 'sealed' })).toContain(id);
  expect(await listed({ state: 'sealed', category: 'csam' })).toEqual([]);
  expect(await explained()).toMatchObject([{ trace: [] }]);
  expect((await explained())[0]).not.toHaveProperty('disclosed');
});

async function arrive(id: string, event: string, payload: Json): Promise<void> {
  const claims = honestClaims({
    jti: freshJti(),
    sub_id: { format: 'iss_sub', iss: sender, sub: id },
    events: { [`urn:caseref:event:1:${event}`]: payload },
  });
  expect(await createReceive(node.exchange)(Buffer.from(makeToken({ payload: claims })))).toEqual({ status: 'taken' });
}

test('held withdrawals are answered once, the earliest erasure counts, and what is kept is answered retained', async () => {
  const policy = {
    partner: sender,
    legal: { basis: 'Invented act, section 1', transfer: 'none', route: 'own-police' },
    send: { rules: [{ id: 'by-hand', when: { category: ['*'] }, then: 'hold' }] },
    receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' }], withdrawalsPerHour: 0 },
  };
  const set = await setPolicy(node.exchange, sender, policy);
  expect(Array.isArray(set) ? set : []).toEqual([]);
  const [twice, kept] = [crypto.randomUUID(), crypto.randomUUID()];
  for (const id of [twice, kept]) await arrive(id, 'submitted', wireReference({}));
  await arrive(twice, 'withdrawn', { reason: 'sent-in-error', purge: true });
  await arrive(twice, 'withdrawn', { reason: 'duplicate', purge: false });
  await arrive(kept, 'withdrawn', { reason: 'sent-in-error', purge: true });
  await restrict(node.exchange, { originator: sender, id: kept }, { ground: 'evidence', until: '2099-01-01' });
  const release = () => releaseWithdrawals(node.exchange, { issuer: sender }, 'accept');
  const answers = await Promise.all([release(), release()]);
  expect(answers.filter((answer) => 'decided' in answer)).toEqual([{ decided: 3 }]);
  expect(await reference(twice)).toMatchObject({ state: 'sealed', purge_after: expect.any(Date) });
  const { db } = node.exchange.store;
  const receipts = async (id: string) => {
    const rows = await db
      .selectFrom('delivery')
      .select('payload')
      .where('reference_id', '=', id)
      .where('event', '=', 'receipt')
      .orderBy('position')
      .execute();
    return rows.map(({ payload }) => (payload as unknown as { content: Json }).content.outcome);
  };
  expect(await receipts(twice)).toEqual(['accepted', 'held', 'held', 'sealed', 'sealed']);
  expect(await receipts(kept)).toEqual(['accepted', 'held', 'retained']);
});

test('all that is held is decided, whatever waits the other way or may not be released before it', async () => {
  const gated: string[] = [];
  for (let n = 100; n < 103; n += 1) gated.push(await shared(n, { role: undefined }));
  await Promise.all(Array.from({ length: 399 }, (_, n) => shared(n + 200, { role: 'content' })));
  // Of those that say no role nobody knows whether the deny is about them: it holds them, and no person sends them.
  const deny = await addDeny(node.exchange, { id: 'no-sources', ground: 'legal', when: { role: ['source'] } });
  expect(Array.isArray(deny) ? deny : []).toEqual([]);
  expect(await decideHeldReferences(node.exchange, {}, 'accept', 'operator')).toMatchObject({ code: 'not-found' });
  const answer = await decideHeldReferences(node.exchange, { rule: 'by-hand' }, 'send', 'operator');
  expect(answer).toMatchObject({ decided: 399 });
  expect('kept' in answer && answer.kept.map(({ id }) => id).sort()).toEqual(gated.sort());
  await removeDeny(node.exchange, 'no-sources');
});

test('what a deny forbids since it was held is kept back from the person who would send it', async () => {
  const id = await shared(900, { role: 'content' });
  const deny = await addDeny(node.exchange, { id: 'no-more', ground: 'legal' });
  expect(Array.isArray(deny) ? deny : []).toEqual([]);
  const answer = await decideHeldReferences(node.exchange, { id }, 'send', 'operator');
  expect(answer).toMatchObject({ decided: 0, kept: [{ id }] });
  expect((await claim()).filter((one) => one.reference_id === id)).toEqual([]);
});
