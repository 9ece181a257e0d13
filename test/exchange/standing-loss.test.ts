import { afterEach, beforeEach, expect, test } from 'vitest';
import { closeAlert, findMissed, listAlerts } from '../../src/exchange/alerts.ts';
import { removePartner } from '../../src/exchange/remove-partner.ts';
import { befriend } from '../support/exchange.ts';
import { policyFor } from '../support/foreign-partner.ts';
import { operational, sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// A loss of state that is not over: it is told until it is, and it ends with the partner.

const HOUR = 3_600_000;
let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

async function acknowledge(): Promise<void> {
  for (const { id } of await listAlerts(bench.exchange)) await closeAlert(bench.exchange, id);
}

test('an alert that was closed comes back after a day while references are closed or wait', async () => {
  await bench.arrive();
  await bench.lose();
  await acknowledge();
  bench.later(23 * HOUR);
  await findMissed(bench.exchange);
  expect(await bench.alerts()).toEqual([]);
  bench.later(2 * HOUR);
  await findMissed(bench.exchange);
  expect(await bench.alerts()).toEqual(['state-lost']);
});

test('another loss is told at once, though the alert was closed a moment ago', async () => {
  await bench.lose();
  await acknowledge();
  await bench.lose('operator');
  expect(await bench.alerts()).toEqual(['state-lost']);
});

test('nothing comes back once everything is in', async () => {
  await bench.lose();
  await bench.everythingCame();
  bench.later(48 * HOUR);
  await findMissed(bench.exchange);
  expect(await bench.alerts()).toEqual([]);
});

test('a partner that is removed ends its recoveries: its references show again, and the alert is over', async () => {
  const id = await bench.arrive();
  await bench.lose();
  expect(await bench.state(id)).toBe('sealed');
  expect(await removePartner(bench.exchange, { issuer: sender, yes: true })).toMatchObject({ state: 'removed' });
  expect(await bench.state(id)).toBe('open');
  expect(await bench.recoveries()).toMatchObject([{ opened_by: 'operator', resumed_by: 'operator' }]);
  expect(await bench.alerts()).not.toContain('state-lost');
});

test.each(['removed by this release', 'removed by an earlier one'])(
  'a partner that was %s in a recovery and is introduced anew is neither stopped nor veiled',
  async (by) => {
    await bench.lose();
    await removePartner(bench.exchange, { issuer: sender, yes: true });
    if (by.endsWith('earlier one'))
      await bench.db.updateTable('recovery').set({ resumed_at: null, opened_at: null }).execute();
    bench.later(5 * 24 * HOUR);
    await befriend(bench.exchange, sender, policyFor(sender), operational);
    expect(await bench.state(await bench.arrive())).toBe('open');
    const shared = await bench.share(1);
    expect((await bench.claim()).map(({ reference_id }) => reference_id)).toContain(shared);
  },
);

test('what a partner says of a loss counts anew from its new introduction on', async () => {
  await bench.lose('receipt-unknown');
  await removePartner(bench.exchange, { issuer: sender, yes: true });
  bench.later(HOUR);
  await befriend(bench.exchange, sender, policyFor(sender), operational);
  await bench.lose('receipt-unknown');
  expect(await bench.recoveries()).toHaveLength(2);
});
