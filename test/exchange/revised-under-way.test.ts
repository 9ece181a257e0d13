// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PostOutcome } from '../../src/domain/attempt.ts';
import { settleBatch, settledBy } from '../../src/exchange/attempts.ts';
import { type Claim, claim } from '../../src/exchange/deliver.ts';
import { createPollServer } from '../../src/exchange/poll-server.ts';
import { reconsider } from '../../src/exchange/reconsider.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { seal } from '../../src/exchange/seal.ts';
import { createShare } from '../../src/exchange/share.ts';
import { wayTo } from '../../src/exchange/way.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { bumpDirectory } from '../../src/store/partners.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { self, now as start, testKey } from '../support/tokens.ts';

// One process posts a submission while the reference is revised in another one. What is about one reference comes in its
// order: the revision waits for the end of that post, a recall waits for nothing.

const LEASE_MS = 30_000;
const OFFER_MS = 60_000;

let node: TestExchange;
let partner: string;
let made = 0;
let time = start * 1000;

beforeAll(async () => {
  node = await testExchange({ issuer: self, clock: () => time });
});
afterAll(() => node.close());
beforeEach(async () => {
  made += 1;
  partner = `https://node.p${made}.example`;
  const rules = [
    { id: 'sent', when: { category: ['csam'] }, then: 'send' },
    { id: 'held', when: { category: ['grooming'] }, then: 'hold' },
  ];
  await befriend(node.exchange, partner, { send: { rules } }, testKey());
  // What an earlier test left to other partners is none of this one's.
  await sql`delete from delivery`.execute(node.exchange.store.db);
});

const reference = (category: string) => ({ ...inventedReference(0), category });

async function share(): Promise<string> {
  const shared = await createShare(node.exchange)(reference('csam'));
  if (!('id' in shared)) throw new Error(JSON.stringify(shared));
  return shared.id as string;
}

async function revise(id: string, category = 'csam', expected = 1): Promise<void> {
  expect(await createRevise(node.exchange)(id, expected, reference(category))).toMatchObject({ id });
}

/** Claims as a process does and signs what may leave: from here on it is under way. */
async function take(): Promise<readonly Claim[]> {
  const claims = await claim(node.exchange, partner, 10);
  const ready = claims.filter(({ delivery }) => delivery.decided);
  const [first] = ready;
  if (!first) return [];
  const way = await wayTo(node.exchange, first.partner);
  if (typeof way === 'string') throw new Error(way);
  const deliveries = ready.map(({ delivery }) => delivery);
  const { sealed } = await seal(node.exchange, first.partner, deliveries, way.signer, first.basis);
  return ready.filter(({ delivery }) => sealed.some((one) => one.delivery.id === delivery.id));
}

/** What is under way, alone; the first thing about its reference. */
async function posting(): Promise<{ readonly id: string; readonly post: Claim }> {
  const id = await share();
  const [post, ...others] = await take();
  if (!post || others.length > 0) throw new Error('one post was expected');
  return { id, post };
}

async function ends({ delivery, lease }: Claim, outcome: PostOutcome): Promise<void> {
  await settleBatch(node.exchange, [settledBy(node.exchange, partner, delivery, lease, outcome)]);
}

const eventsOf = (claims: readonly Claim[]) => claims.map(({ delivery }) => delivery.event);
/** Everything that leaves now: what is ended because it is decided anew makes room for what waits behind it. */
async function leaves(): Promise<string[]> {
  const [first, second, third] = [await take(), await take(), await take()];
  return eventsOf([...first, ...second, ...third]);
}

async function rows() {
  const columns = ['event', 'revision', 'state', 'last_code', 'reached', 'n', 'payload'] as const;
  const query = node.exchange.store.db.selectFrom('delivery').select(columns).where('partner', '=', partner);
  return await query.orderBy('position').execute();
}
const voided = async () =>
  (await rows()).flatMap(({ event, payload }) => (event === 'voided' ? [payload as Record<string, unknown>] : []));

const accepted: PostOutcome = { status: 'accepted' };
const unreachable: PostOutcome = { status: 'unreachable', code: 'connect-refused' };

describe('a revision waits for the post of the submission', () => {
  test('until it was taken; then it follows, and no number is voided', async () => {
    const { id, post } = await posting();
    await revise(id);
    expect(await leaves()).toEqual([]);
    await ends(post, accepted);
    expect(await leaves()).toEqual(['revised']);
    expect(await rows()).toMatchObject([
      { event: 'submitted', state: 'sent', n: 1 },
      { event: 'revised', revision: 2, n: 2 },
    ]);
  });

  test('until it failed; then that one ends at once, whatever its pause would be, and its number is voided', async () => {
    const { id, post } = await posting();
    await revise(id);
    expect(await leaves()).toEqual([]);
    await ends(post, unreachable);
    expect(await leaves()).toEqual(['voided', 'revised']);
    expect((await rows())[0]).toMatchObject({ state: 'dropped', last_code: 'superseded', n: 1 });
    expect(await voided()).toMatchObject([{ ranges: [[1, 1]], reason: 'dropped' }]);
  });

  test('until the lease of a process that was killed ends; what may have arrived is not sent again', async () => {
    const { id } = await posting();
    await revise(id);
    time += LEASE_MS - 1;
    expect(await leaves()).toEqual([]);
    time += 2;
    expect(await leaves()).toEqual(['voided', 'revised']);
    expect((await rows())[0]).toMatchObject({ state: 'dropped', last_code: 'superseded', reached: true });
  });

  test('and so does a second one, in the place of the first', async () => {
    const { id, post } = await posting();
    await revise(id);
    await revise(id, 'csam', 2);
    expect(await leaves()).toEqual([]);
    await ends(post, accepted);
    expect(await leaves()).toEqual(['revised']);
    expect((await rows()).map(({ revision, state }) => [revision, state])).toEqual([
      [1, 'sent'],
      [2, 'dropped'],
      [3, 'queued'],
    ]);
  });

  test('and where it is held for this partner, the submission that failed is not tried again', async () => {
    const { id, post } = await posting();
    await revise(id, 'grooming');
    await ends(post, unreachable);
    expect(await leaves()).toEqual(['voided']);
    expect((await rows())[0]).toMatchObject({ state: 'dropped', last_code: 'superseded' });
  });
});

/** As a suspension and its end do it, without what they end beside. */
async function stands(state: 'active' | 'suspended'): Promise<void> {
  const { db } = node.exchange.store;
  await db.updateTable('partner').set({ state }).where('issuer', '=', partner).execute();
  await bumpDirectory(db);
}

test('a revision that is held while the partner is suspended goes when it is back, though its submission is ended first', async () => {
  const { id, post } = await posting();
  await stands('suspended');
  await revise(id);
  await ends(post, unreachable);
  await stands('active');
  expect(await leaves()).toEqual(['voided']);
  await reconsider(node.exchange);
  expect(await leaves()).toEqual(['revised']);
});

describe('a revision does not wait', () => {
  test('for a submission that was claimed and has no bytes yet: it can have none any more', async () => {
    const id = await share();
    const [claimed] = await claim(node.exchange, partner, 10);
    if (!claimed) throw new Error('nothing was claimed');
    await revise(id);
    const way = await wayTo(node.exchange, claimed.partner);
    if (typeof way === 'string') throw new Error(way);
    const { sealed } = await seal(node.exchange, claimed.partner, [claimed.delivery], way.signer, claimed.basis);
    expect(sealed).toEqual([]);
    expect(await leaves()).toEqual(['voided', 'revised']);
  });

  test('for one whose sender was killed so long ago that its lease has ended', async () => {
    const { id } = await posting();
    time += LEASE_MS + 1;
    await revise(id);
    expect((await rows())[0]).toMatchObject({ state: 'dropped', last_code: 'superseded', reached: true });
    expect(await leaves()).toEqual(['voided', 'revised']);
  });

  test('for one whose post has ended and that waits for its next try', async () => {
    const { id, post } = await posting();
    await ends(post, unreachable);
    await revise(id);
    expect((await rows())[0]).toMatchObject({ state: 'dropped', last_code: 'superseded' });
    expect(await leaves()).toEqual(['voided', 'revised']);
  });
});

describe('a recall waits for no post', () => {
  test('by a withdrawal, whether a revision waits or not', async () => {
    const { id } = await posting();
    await revise(id);
    await withdraw(node.exchange, id, { reason: 'sent-in-error', purge: true });
    expect((await leaves()).sort()).toEqual(['voided', 'withdrawn']);
    expect((await rows())[0]).toMatchObject({ state: 'dropped', reached: true });
  });

  test('by a revision that this partner may not have; its number is voided once', async () => {
    const { id } = await posting();
    await revise(id, 'sexual-extortion');
    expect((await leaves()).sort()).toEqual(['voided', 'withdrawn']);
    expect(await voided()).toMatchObject([{ ranges: [[1, 1]] }]);
  });
});

describe('a revision waits for a partner that fetched the submission', () => {
  const polls = (request: object) => {
    const server = createPollServer(node.exchange);
    return server.poll({ issuer: partner }, { returnImmediately: true, ...request }, new AbortController().signal);
  };
  const offered = async () => {
    const id = await share();
    const { answer, written } = await polls({});
    await written();
    await revise(id);
    return { id, jtis: Object.keys(answer.sets) };
  };
  const fetched = async (request: object) => {
    const { answer } = await polls(request);
    const query = node.exchange.store.db.selectFrom('delivery').select('event').orderBy('n');
    return (await query.where('jti', 'in', ['', ...Object.keys(answer.sets)]).execute()).map(({ event }) => event);
  };

  test('until it says that it has it, be that late', async () => {
    const { jtis } = await offered();
    expect(jtis).toHaveLength(1);
    expect(await fetched({})).toEqual([]);
    time += OFFER_MS + 1;
    expect(await fetched({ ack: jtis })).toEqual(['revised']);
    expect((await rows()).map(({ state }) => state)).toEqual(['sent', 'queued']);
  });

  test('until it has not said so for a minute', async () => {
    await offered();
    expect(await fetched({})).toEqual([]);
    time += OFFER_MS + 1;
    expect(await fetched({})).toEqual(['voided', 'revised']);
  });
});
