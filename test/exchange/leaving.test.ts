import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decideHeldReferences } from '../../src/exchange/decide-held.ts';
import { addDeny } from '../../src/exchange/denies.ts';
import { restrict } from '../../src/exchange/keep.ts';
import { retryDelivery } from '../../src/exchange/retry.ts';
import { suspendPartners } from '../../src/exchange/suspend.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import {
  deliveries,
  deliveryOf,
  type LeavingBench,
  leavingBench,
  references,
  voidedNumbers,
} from '../support/leaving.ts';
import { DAY } from '../support/own-keys.ts';
import type { Json } from '../support/tokens.ts';

// Between the moment that something was queued and the moment that it leaves the policy may narrow, a day may pass, the
// reference may change or be closed. What counts is what holds when it leaves, for signed bytes as well.

let bench: LeavingBench;

beforeAll(async () => {
  bench = await leavingBench();
});
afterAll(() => bench.close());
beforeEach(() => bench.renew());

const spoken = (pushed: readonly { payload: Json }[]) => JSON.stringify(pushed.map(({ payload }) => payload));
const victims = { hosting: 'NL', concerned: [{ country: 'DE-BY', basis: 'victim' }] };
const numberOne = [[1, 1]];

describe('signed bytes that wait', () => {
  test('leave as they were tried before where a new version of the policy says the same', async () => {
    await bench.policy({ send: { disclose: { handles: 'always' } } });
    await bench.share({ handles: [{ system: 'iccam', id: '4711' }] });
    const [tried] = await bench.tryInVain();
    await bench.policy({ send: { disclose: { handles: 'always' } } });
    const left = await bench.leave();
    expect(left.map(({ compact }) => compact)).toEqual([tried?.compact]);
    expect(spoken(left)).toContain('4711');
  });

  test('are made anew without what a newer policy discloses no more, under a new jti and its marking', async () => {
    await bench.policy({ send: { disclose: { handles: 'always', assessments: true, access: true } } });
    const access = { referrer: 'https://ref.example/secret', login: false, geo: false, parts: false };
    await bench.share({ handles: [{ system: 'iccam', id: '4711' }], access });
    const [tried] = await bench.tryInVain();
    expect(spoken([tried ?? { payload: {} }])).toMatch(/4711.*ref\.example|ref\.example.*4711/);
    const disclose = { handles: 'never', assessments: false, access: false };
    await bench.policy({ send: { disclose, marking: { tlpFloor: 'RED' } } });
    const left = await bench.leave();
    expect(references(left)).toMatchObject([{ event: 'submitted', payload: { marking: { tlp: 'RED' } } }]);
    expect(references(left)[0]?.jti).not.toBe(tried?.jti);
    expect(spoken(left)).not.toMatch(/4711|ref\.example/);
    expect(voidedNumbers(left)).toEqual(numberOne);
  });

  test('leave with no police handle to a partner that was confirmed as a hotline since', async () => {
    await bench.policy({ send: { disclose: { handles: 'law-enforcement' } } });
    await bench.share({ handles: [{ system: 'icse', id: '4711' }] });
    expect(spoken(await bench.tryInVain())).toContain('4711');
    await bench.takeOver('hotline');
    const left = await bench.leave();
    expect(references(left)).toHaveLength(1);
    expect(spoken(left)).not.toContain('4711');
  });

  test('leave in the reduced form only to a partner that was confirmed as industry since', async () => {
    await bench.policy({ send: { industry: { requested: 'remove', legalBasis: 'notice-and-action' } } });
    const marking = { tlp: 'AMBER', notifyHost: 'may' };
    await bench.share({ receivedAt: '2026-11-01T00:00:00Z', marking, jurisdiction: victims });
    expect(spoken(await bench.tryInVain())).toContain('victim');
    await bench.takeOver('industry');
    const left = await bench.leave();
    expect(references(left)).toMatchObject([{ payload: { requested: 'remove' } }]);
    expect(spoken(left)).not.toContain('victim');
  });
});

describe('of a reference that was revised', () => {
  test('the older revision leaves no more, though a deny stops only that one', async () => {
    await bench.policy();
    const id = await bench.share({ category: 'trafficking' });
    expect(spoken(await bench.tryInVain())).toContain('trafficking');
    await bench.revise(id, { category: 'csam' });
    const denied = await addDeny(bench.exchange, { ground: 'legal', when: { category: ['trafficking'] } });
    expect(denied).not.toBeInstanceOf(Array);
    const left = await bench.leave();
    expect(spoken(left)).not.toContain('trafficking');
    expect(references(left)).toMatchObject([{ payload: { revision: 2, category: 'csam' } }]);
  });

  test('what the newer one took back leaves no more, and the number of the older one is covered', async () => {
    await bench.policy({ send: { disclose: { handles: 'always' } } });
    const id = await bench.share({ handles: [{ system: 'iccam', id: '4711' }], jurisdiction: victims });
    expect(spoken(await bench.tryInVain())).toContain('4711');
    await bench.revise(id, { marking: { tlp: 'RED' } });
    const left = await bench.leave();
    expect(spoken(left)).not.toMatch(/4711|victim/);
    expect(references(left)).toMatchObject([{ payload: { revision: 2, marking: { tlp: 'RED' } } }]);
    expect(voidedNumbers(left)).toEqual(numberOne);
  });
});

describe('a legal review that falls due', () => {
  const today = () => new Date(bench.exchange.clock()).toISOString().slice(0, 10);
  const threeDays = 3 * DAY * 1000;

  test('while a message waits keeps it back, and a person sees it held', async () => {
    await bench.policy({ legal: { reviewBy: today() } });
    const id = await bench.share();
    expect(references(await bench.tryInVain())).toHaveLength(1);
    bench.later(threeDays);
    expect(references(await bench.leave())).toEqual([]);
    const { db } = bench.exchange.store;
    const decision = await db.selectFrom('decision').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    expect(decision).toMatchObject({ effect: 'hold', decided_by: null });
  });

  test.each([
    ['lets no person send what a rule had held before it', threeDays, 0],
    ['is no hindrance on the day before it', 0, 1],
  ])('%s', async (_name, wait, messages) => {
    await bench.policy({ outcome: 'hold', legal: { reviewBy: today() } });
    const id = await bench.share();
    bench.later(wait);
    const ruled = await decideHeldReferences(bench.exchange, { id }, 'send', 'operator');
    expect(ruled).toMatchObject({ decided: messages, keptCount: 1 - messages });
    expect(references(await bench.leave())).toHaveLength(messages);
  });
});

describe('what is restricted', () => {
  const hold = { ground: 'hold', until: '2027-01-01' };
  const named = (id: string) => ({ originator: bench.exchange.self, id });

  test('before it left does not leave', async () => {
    await bench.policy();
    const id = await bench.share();
    expect(await restrict(bench.exchange, named(id), hold)).toMatchObject({ state: 'restricted' });
    expect(await bench.leave()).toEqual([]);
    expect(await deliveryOf(bench, 'submitted')).toMatchObject({ state: 'dropped', last_code: 'restricted' });
  });

  test('after it was tried does not leave, and its number is covered', async () => {
    await bench.policy();
    const id = await bench.share();
    await bench.tryInVain();
    await restrict(bench.exchange, named(id), hold);
    const left = await bench.leave();
    expect(references(left)).toEqual([]);
    expect(voidedNumbers(left)).toEqual(numberOne);
  });

  test('while it is held cannot be sent by a person', async () => {
    await bench.policy({ outcome: 'hold' });
    const id = await bench.share();
    await restrict(bench.exchange, named(id), hold);
    expect(await decideHeldReferences(bench.exchange, { id }, 'send', 'operator')).not.toHaveProperty('decided');
    expect(await bench.leave()).toEqual([]);
  });
});

describe('a message about a reference that was withdrawn', () => {
  async function withdrawn(): Promise<string> {
    await bench.policy();
    const id = await bench.share();
    await bench.leave();
    await withdraw(bench.exchange, id, { reason: 'sent-in-error', purge: true });
    return (await deliveryOf(bench, 'submitted')).id;
  }

  test('is not sent once more', async () => {
    const submission = await withdrawn();
    expect(await bench.leave()).toMatchObject([{ event: 'withdrawn' }]);
    expect(await retryDelivery(bench.exchange, submission)).toMatchObject({ code: 'reference-withdrawn' });
    expect(await bench.leave()).toEqual([]);
  });

  test('does not stand before its withdrawal at a suspended partner', async () => {
    const submission = await withdrawn();
    await suspendPartners(bench.exchange, { issuer: bench.recipient.issuer, reason: 'examined' });
    expect(await retryDelivery(bench.exchange, submission)).toMatchObject({ code: 'reference-withdrawn' });
    expect(await bench.leave()).toMatchObject([{ event: 'withdrawn' }]);
  });

  test('is not said again either, and a suspended partner learns of the withdrawal once, by a good key', async () => {
    await withdrawn();
    await bench.tryInVain();
    await suspendPartners(bench.exchange, { issuer: bench.recipient.issuer, reason: 'examined' });
    const lost = await bench.revoke();
    const left = await bench.leave();
    expect(left).toMatchObject([{ event: 'withdrawn' }]);
    expect(left[0]?.kid).not.toBe(lost);
    expect((await deliveries(bench)).map(({ event, state }) => [event, state])).toEqual([
      ['submitted', 'sent'],
      ['withdrawn', 'sent'],
    ]);
  });
});
