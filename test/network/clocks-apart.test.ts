import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { tidyPolls } from '../../src/exchange/poll-upkeep.ts';
import { type RunningNode, startNode } from '../../src/node.ts';
import { type ForeignPartner, foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { type MoodyPartner, meetMoody, moodyPartner } from '../support/moody-partner.ts';
import { loopbackSettings, type TestNode, testNode } from '../support/node.ts';
import { meetAsPoller, sendPoll, signPoll } from '../support/polling.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// Two processes of one node on one PostgreSQL whose clocks differ.

let database: FreshDatabase;
let ahead: TestNode;
let behind: RunningNode;
let partner: ForeignPartner;
let moody: MoodyPartner;
/** How far the clock of the one process is ahead of that of the other. */
let aheadMs = 0;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  ahead = await testNode({ database: database.url, clock: () => Date.now() + aheadMs });
  const { peer, api, portal } = await loopbackSettings();
  const { clock: _, ...options } = ahead.options;
  const started = await startNode({ ...options, settings: { ...options.settings, peer, api, portal } });
  if (isRefusal(started)) throw new Error(started.message);
  behind = started;
  partner = await foreignPartner();
  await meetAsPoller(partner, ahead, policyFor(partner.issuer));
  moody = await moodyPartner();
}, 60_000);
afterAll(async () => {
  await Promise.all([partner?.close(), moody?.close()]);
  await behind?.close();
  await ahead?.remove();
  await database?.drop();
});

async function poll(request: object): Promise<Record<string, string>> {
  const signed = signPoll(partner.issuer, partner.operational, ahead.issuer, { body: JSON.stringify(request) });
  const { status, text } = await sendPoll(behind.addresses.peer, signed);
  expect(status).toBe(200);
  return (JSON.parse(text) as { sets: Record<string, string> }).sets;
}

test('a poll that was taken once is not taken again, though a process half an hour ahead has tidied up meanwhile', async () => {
  const signed = signPoll(partner.issuer, partner.operational, ahead.issuer);
  expect((await sendPoll(behind.addresses.peer, signed)).status).toBe(200);
  aheadMs = 1_800_000;
  await tidyPolls(ahead.running.exchange);
  aheadMs = 0;
  expect((await sendPoll(behind.addresses.peer, signed)).status).toBe(401);
});

describe('what one process queued by a clock that is ahead', () => {
  test('is acknowledged where another process offered it', async () => {
    aheadMs = 2 * 3_600_000;
    await ahead.ask('reference.submit', { reference: inventedReference(1) });
    aheadMs = 0;
    const [queued] = (await ahead.ask('delivery.list', { partner: partner.issuer })).items;
    await ahead.ask('delivery.retry', { id: queued?.id ?? '' });
    const sets = await poll({ returnImmediately: true });
    expect(Object.keys(sets)).toEqual([queued?.jti]);
    await poll({ returnImmediately: true, ack: Object.keys(sets) });
    const { items } = await ahead.ask('delivery.list', { partner: partner.issuer });
    expect(items.map(({ state }) => state)).toEqual(['sent']);
  });
});

test.each([300_000, 1_800_000])(
  'two that send by clocks %i ms apart leave nothing, and push nothing a third time',
  async (ms) => {
    aheadMs = 0;
    if (moody.pushed.length === 0) await meetMoody(moody, ahead, policyFor(moody.issuer));
    aheadMs = ms;
    const before = moody.pushed.length;
    moody.mood = async (response) => {
      await pause(2500);
      response.writeHead(202).end();
    };
    for (const n of [1, 2, 3, 4]) {
      const args = { reference: inventedReference(ms + n) };
      await (n % 2 === 0 ? ahead.ask('reference.submit', args) : behind.operations['reference.submit'](args));
    }
    // What one took from the other before it was signed waits until its lease is over, half a minute.
    const sent = async () => {
      const { items } = await ahead.ask('delivery.list', { partner: moody.issuer });
      return items.filter(({ event }) => event === 'submitted').every(({ state }) => state === 'sent');
    };
    await vi.waitUntil(sent, { timeout: 60_000, interval: 100 });
    const pushed = Map.groupBy(moody.pushed.slice(before), ({ jti }) => jti);
    expect(pushed.size).toBe(4);
    for (const times of pushed.values()) {
      expect(times.length).toBeLessThanOrEqual(2);
      expect(new Set(times.map(({ compact }) => compact)).size).toBe(1);
    }
  },
  90_000,
);
