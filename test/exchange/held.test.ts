// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { findMissed, listAlerts } from '../../src/exchange/alerts.ts';
import { showReference } from '../../src/exchange/browse.ts';
import { decideHeldReferences, showHeld, tallyHeld } from '../../src/exchange/decide-held.ts';
import { addDeny, removeDeny } from '../../src/exchange/denies.ts';
import { restrict } from '../../src/exchange/keep.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { purgeDue } from '../../src/exchange/purge.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { decideAgain } from '../../src/exchange/redecide.ts';
import { releaseWithdrawals } from '../../src/exchange/release.ts';
import { createShare, type Share, type ShareOptions } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { claimDeliveries } from '../../src/store/outbox.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase } from '../support/postgres.ts';
import { honestClaims, type Json, makeToken, now, operational, self, sender } from '../support/tokens.ts';

// What waits for a person, and what becomes of it; on PostgreSQL, where two people can decide at once.

const HOUR = 3_600_000;
let node: TestExchange;
let share: Share;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let ahead = 0;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  const started = performance.now();
  const clock = () => now * 1000 + Math.floor(performance.now() - started) + ahead;
  node = await testExchange({ issuer: self, clock, store: { kind: 'postgres', url: database.url, schema: 'caseref' } });
  await befriend(node.exchange, sender, {}, operational);
  share = createShare(node.exchange);
});
afterAll(async () => {
  await node.close();
  await database.drop();
});
beforeEach(() => receive('accept'));

const rules = (then: string) => ({ rules: [{ id: 'all', when: { category: ['*'] }, then }] });

async function receive(then: 'accept' | 'hold', more: Json = {}): Promise<void> {
  const set = await setPolicy(node.exchange, sender, {
    partner: sender,
    legal: { basis: 'Invented act, section 1', transfer: 'none', route: 'own-police' },
    send: {
      rules: [
        { id: 'csam', when: { category: ['csam'] }, then: 'send' },
        { id: 'by-hand', when: { category: ['*'] }, then: 'hold' },
      ],
    },
    receive: { ...rules(then), ...more },
  });
  expect(Array.isArray(set) ? set : []).toEqual([]);
}

async function shared(n: number, change: Json = {}, options: ShareOptions = {}): Promise<string> {
  const answer = await share({ ...inventedReference(n), category: 'grooming', ...change }, options);
  if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
  return (answer as Shared).id;
}

async function arrive(id: string, event: string, payload: Json): Promise<string> {
  const jti = freshJti();
  const claims = honestClaims({
    jti,
    sub_id: { format: 'iss_sub', iss: sender, sub: id },
    events: { [`urn:caseref:event:1:${event}`]: payload },
  });
  expect(await createReceive(node.exchange)(Buffer.from(makeToken({ payload: claims })))).toEqual({ status: 'taken' });
  return jti;
}

function claimed(lease = crypto.randomUUID()) {
  return node.exchange.directory.within(node.exchange.store.db).then(({ version }) =>
    claimDeliveries(node.exchange.store.db, {
      partner: sender,
      suspended: false,
      basis: version,
      limit: 1000,
      now: new Date(node.exchange.clock() + 1000),
      lease,
      leaseUntil: new Date(node.exchange.clock() + 30_000),
      which: 'all',
    }),
  );
}

async function deliveriesOf(id: string) {
  const { db } = node.exchange.store;
  return db.selectFrom('delivery').selectAll().where('reference_id', '=', id).orderBy('position').execute();
}

async function receiptsFor(jti: string): Promise<Json[]> {
  const { db } = node.exchange.store;
  const rows = await db
    .selectFrom('delivery')
    .select('payload')
    .where('answers', '=', jti)
    .orderBy('position')
    .execute();
  return rows.map(({ payload }) => (payload as unknown as { content: Json }).content);
}

const outcomes = async (jti: string) => (await receiptsFor(jti)).map(({ outcome }) => outcome);

async function stateOf(id: string, originator = sender): Promise<Json> {
  const shown = await showReference(node.exchange, originator, id, 'whole');
  return shown as unknown as Json;
}

describe('two people at once', () => {
  test('decide each reference once, and each is told what became of it', async () => {
    const ids = await Promise.all(Array.from({ length: 60 }, (_, n) => shared(n)));
    const names = ids.map((id) => ({ originator: self, id }));
    const [one, other] = await Promise.all([
      decideHeldReferences(node.exchange, { partner: sender, names }, 'withhold', 'Ada (client 1)'),
      decideHeldReferences(node.exchange, { partner: sender, names }, 'withhold', 'Ben (client 2)'),
    ]);
    const done = [one, other].flatMap((answer) =>
      'decided' in answer ? answer.results.filter(({ outcome }) => outcome === 'decided') : [],
    );
    expect(done.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const made = await node.exchange.store.db
      .selectFrom('event')
      .select('reference_id')
      .where('type', '=', 'decision.made')
      .where('reference_id', 'in', ids)
      .execute();
    expect(made).toHaveLength(60);
  });

  test('the second is told who was first', async () => {
    const id = await shared(100);
    const names = [{ originator: self, id }];
    await decideHeldReferences(node.exchange, { partner: sender, names }, 'send', 'Ada (client 1)');
    const late = await decideHeldReferences(node.exchange, { partner: sender, names }, 'withhold', 'Ben (client 2)');
    expect(late).toMatchObject({ code: 'state-conflict', message: expect.stringContaining('send by Ada (client 1)') });
  });

  test('a limit leaves the rest, and says how much', async () => {
    await Promise.all(Array.from({ length: 5 }, (_, n) => shared(n + 110)));
    const some = await decideHeldReferences(node.exchange, { partner: sender }, 'withhold', 'operator', 2);
    expect(some).toMatchObject({ decided: 2, remaining: 3, unlisted: 0 });
    await decideHeldReferences(node.exchange, { partner: sender }, 'withhold', 'operator');
  });
});

describe('the queue', () => {
  test('is the oldest first, says the age, and what has waited for a day is overdue and one alert', async () => {
    const old = await shared(200);
    ahead += 25 * HOUR;
    const fresh = await shared(201);
    const items = await showHeld(node.exchange, { partner: sender }, 10);
    expect(items).toMatchObject([
      { id: old, rule: 'by-hand', hours: 25, overdue: true },
      { id: fresh, hours: 0, overdue: false },
    ]);
    expect(await tallyHeld(node.exchange, { partner: sender })).toEqual({ waiting: 2, overdue: 1 });
    await findMissed(node.exchange);
    await findMissed(node.exchange);
    const alerts = (await listAlerts(node.exchange)).filter(({ code }) => code === 'decisions-overdue');
    expect(alerts).toMatchObject([{ partner: sender, count: 1, urgent: false }]);
    expect(alerts[0]?.next).toBe(`Look at them, the oldest first: caseref reference held --partner ${sender}`);
    await decideHeldReferences(node.exchange, { partner: sender }, 'withhold', 'operator');
  });

  test('marks what a lost key may have signed', async () => {
    await receive('hold');
    const [doubted, honest] = [crypto.randomUUID(), crypto.randomUUID()];
    const jti = await arrive(doubted, 'submitted', wireReference());
    await arrive(honest, 'submitted', wireReference({ url: 'https://host.example/other' }));
    await node.exchange.store.db
      .updateTable('message')
      .set({ suspect_at: new Date() })
      .where('jti', '=', jti)
      .execute();
    const items = await showHeld(node.exchange, { partner: sender, direction: 'in' }, 10);
    expect(items.map(({ id, suspect }) => [id, suspect ?? false])).toEqual([
      [doubted, true],
      [honest, false],
    ]);
    await decideHeldReferences(node.exchange, { partner: sender }, 'accept', 'operator');
  });
});

describe('a revision that is held', () => {
  test('and refused leaves the accepted one as it was', async () => {
    const id = crypto.randomUUID();
    const first = await arrive(id, 'submitted', wireReference({ category: 'csam' }));
    await receive('hold');
    const second = await arrive(id, 'revised', {
      ...wireReference({ revision: 2, category: 'grooming' }),
      supersedes: `S256:${'A'.repeat(43)}`,
    });
    const third = await arrive(id, 'revised', {
      ...wireReference({ revision: 3, category: 'livestream' }),
      supersedes: `S256:${'A'.repeat(43)}`,
    });
    expect(await stateOf(id)).toMatchObject({ state: 'held' });
    await decideHeldReferences(node.exchange, { id }, 'refuse', 'operator');
    expect(await stateOf(id)).toMatchObject({
      state: 'open',
      revision: 1,
      category: 'csam',
      url: 'https://host.example/path',
      history: { revisions: [{ revision: 1 }] },
    });
    expect([await outcomes(first), await outcomes(second), await outcomes(third)]).toEqual([
      ['accepted'],
      ['held', 'refused'],
      ['held', 'refused'],
    ]);
    await receive('accept');
    const again = await arrive(id, 'revised', {
      ...wireReference({ revision: 4, category: 'other-child-protection' }),
      supersedes: `S256:${'A'.repeat(43)}`,
    });
    expect(await outcomes(again)).toEqual(['accepted']);
    expect(await stateOf(id)).toMatchObject({ state: 'open', revision: 4 });
  });

  test('of a reference that nobody had accepted erases it when it is refused', async () => {
    await receive('hold');
    const id = crypto.randomUUID();
    await arrive(id, 'submitted', wireReference());
    await decideHeldReferences(node.exchange, { id }, 'refuse', 'operator');
    expect(await stateOf(id)).toMatchObject({ state: 'purged' });
  });
});

describe('a submission that is held and then withdrawn', () => {
  test('is answered sealed, and purged with its erasure', async () => {
    await receive('hold');
    const id = crypto.randomUUID();
    const submission = await arrive(id, 'submitted', wireReference());
    const withdrawal = await arrive(id, 'withdrawn', { reason: 'legal', purge: true });
    expect([await outcomes(submission), await outcomes(withdrawal)]).toEqual([['held', 'sealed'], ['sealed']]);
    ahead += 1000;
    await purgeDue(node.exchange);
    expect(await outcomes(submission)).toEqual(['held', 'sealed', 'purged']);
    expect((await receiptsFor(submission)).at(-1)).toHaveProperty('backupsUntil');
    expect(await outcomes(withdrawal)).toEqual(['sealed', 'purged']);
  });

  test('is answered sealed by the release of a held withdrawal as well', async () => {
    await receive('hold', { withdrawalsPerHour: 0 });
    const id = crypto.randomUUID();
    const submission = await arrive(id, 'submitted', wireReference());
    await arrive(id, 'withdrawn', { reason: 'sent-in-error', purge: false });
    await releaseWithdrawals(node.exchange, { issuer: sender }, 'accept');
    expect(await outcomes(submission)).toEqual(['held', 'sealed']);
  });
});

describe('the limit of withdrawals in an hour', () => {
  const purge = { reason: 'legal', purge: true };
  const taken = async (jti: string) => (await outcomes(jti))[0];

  test('does not count what repeats itself about something erased', async () => {
    ahead += 2 * HOUR;
    await receive('accept', { withdrawalsPerHour: 2 });
    const id = crypto.randomUUID();
    for (let n = 0; n < 5; n += 1) expect(await taken(await arrive(id, 'withdrawn', purge))).toBe('purged');
    expect(await taken(await arrive(crypto.randomUUID(), 'withdrawn', purge))).toBe('purged');
    expect(await taken(await arrive(crypto.randomUUID(), 'withdrawn', purge))).toBe('held');
    await releaseWithdrawals(node.exchange, { issuer: sender }, 'refuse');
  });

  test('counts what a duty keeps', async () => {
    ahead += 2 * HOUR;
    await receive('accept', { withdrawalsPerHour: 2 });
    for (let n = 0; n < 2; n += 1) {
      const id = crypto.randomUUID();
      await arrive(id, 'submitted', wireReference());
      await restrict(node.exchange, { originator: sender, id }, { ground: 'evidence', until: '2099-01-01' });
      expect(await taken(await arrive(id, 'withdrawn', purge))).toBe('retained');
    }
    expect(await taken(await arrive(crypto.randomUUID(), 'withdrawn', purge))).toBe('held');
    await releaseWithdrawals(node.exchange, { issuer: sender }, 'refuse');
  });
});

describe('what an operator restricts', () => {
  test('does not leave any more, and its numbers are covered', async () => {
    const id = await shared(300, { category: 'csam' });
    const numbered = (await claimed()).find(({ reference_id }) => reference_id === id);
    await restrict(node.exchange, { originator: self, id }, { ground: 'evidence', until: '2099-01-01' });
    expect(await deliveriesOf(id)).toMatchObject([{ event: 'submitted', state: 'dropped', last_code: 'restricted' }]);
    const voids = await node.exchange.store.db
      .selectFrom('delivery')
      .select('payload')
      .where('event', '=', 'voided')
      .orderBy('position', 'desc')
      .limit(1)
      .execute();
    expect(voids).toMatchObject([{ payload: { ranges: [[numbered?.n, numbered?.n]], reason: 'dropped' } }]);
  });

  test('is not shared again by an import that is repeated', async () => {
    const name = { id: crypto.randomUUID() };
    const id = await shared(301, {}, name);
    expect(await share({ ...inventedReference(301), category: 'grooming' }, name)).toMatchObject({
      id,
      replayed: true,
    });
    await restrict(node.exchange, { originator: self, id }, { ground: 'evidence', until: '2099-01-01' });
    expect(await share({ ...inventedReference(301), category: 'grooming' }, name)).toMatchObject([
      { code: 'reference-withdrawn' },
    ]);
  });
});

test('what a person withholds is asked back from a partner that had an earlier revision', async () => {
  const id = await shared(400, { category: 'csam' });
  await claimed();
  const deny = await addDeny(node.exchange, { id: 'none-of-it', ground: 'legal', when: { category: ['csam'] } });
  expect(Array.isArray(deny) ? deny : []).toEqual([]);
  const { db } = node.exchange.store;
  await db.updateTable('decision').set({ effect: 'hold' }).where('id', '=', id).execute();
  await decideHeldReferences(node.exchange, { id }, 'withhold', 'operator');
  await removeDeny(node.exchange, 'none-of-it');
  expect(await deliveriesOf(id)).toMatchObject([
    { event: 'submitted' },
    { event: 'withdrawn', payload: { reason: 'superseded', purge: true } },
  ]);
});

test('a purge between a claim and the decision on it voids each number once', async () => {
  const id = await shared(401, { category: 'csam' });
  const lease = crypto.randomUUID();
  const mine = (await claimed(lease)).filter(({ reference_id }) => reference_id === id);
  await withdraw(node.exchange, id, { reason: 'legal', purge: true });
  ahead += 1000;
  await purgeDue(node.exchange);
  await decideAgain(node.exchange, sender, mine, lease);
  const { db } = node.exchange.store;
  const voids = await db.selectFrom('delivery').select('payload').where('event', '=', 'voided').execute();
  const ranges = voids.flatMap(({ payload }) => (payload as unknown as { ranges: [number, number][] }).ranges);
  expect(ranges.filter(([n]) => n === mine[0]?.n)).toHaveLength(1);
  expect(await deliveriesOf(id)).toMatchObject([{ state: 'dropped', last_code: 'withdrawn' }, {}]);
});
