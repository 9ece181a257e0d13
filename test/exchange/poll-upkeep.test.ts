import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Exchange } from '../../src/exchange/context.ts';
import { tidyPolls } from '../../src/exchange/poll-upkeep.ts';
import { type ForeignPartner, foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { meetMoody, moodyPartner, resets } from '../support/moody-partner.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { meetAsPoller, pollAs } from '../support/polling.ts';

const DAY = 86_400_000;

let node: TestNode;
let partner: ForeignPartner;

beforeAll(async () => {
  node = await testNode();
  partner = await foreignPartner();
  await meetAsPoller(partner, node, policyFor(partner.issuer));
});
afterAll(async () => {
  await partner.close();
  await node.remove();
});

const later = (ms: number): Exchange => ({ ...node.running.exchange, clock: () => Date.now() + ms });
const submit = async (n: number) =>
  (await node.ask('reference.submit', { reference: inventedReference(n) })).reference.id;
const deliveryOf = async (id: string) => (await node.ask('reference.show', { id })).deliveries[0];

async function nonces(): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from poll_nonce`.execute(
    node.running.exchange.store.db,
  );
  return rows[0]?.n ?? 0;
}

test('what nobody fetched for 14 days is a dead letter that a person sees, and may be sent again', async () => {
  const id = await submit(1);
  await tidyPolls(later(13.9 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ state: 'queued' });
  await tidyPolls(later(14.1 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ state: 'dead', lastCode: 'expired' });
  const { items } = await node.ask('events', { limit: 500 });
  expect(items.some(({ type, partner: about }) => type === 'delivery.dead' && about === partner.issuer)).toBe(true);
  await node.ask('delivery.retry', { id: (await deliveryOf(id))?.id ?? '' });
  expect(await deliveryOf(id)).toMatchObject({ state: 'queued' });
});

test('what a person sends again has its 14 days anew', async () => {
  const id = await submit(5);
  await tidyPolls(later(15 * DAY));
  await node.ask('delivery.retry', { id: (await deliveryOf(id))?.id ?? '' });
  await tidyPolls(later(13.9 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ state: 'queued' });
});

test('what is kept back from a suspended partner is not given up meanwhile, and has its 14 days anew after it', async () => {
  const id = await submit(6);
  await node.ask('partner.suspend', { issuer: partner.issuer, reason: 'Looked at.' });
  await tidyPolls(later(15 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ state: 'queued' });
  await node.ask('partner.resume', { issuer: partner.issuer });
  await tidyPolls(later(13.9 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ state: 'queued' });
  await tidyPolls(later(14.1 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ state: 'dead' });
});

test('what was never tried, since the line of its partner is shut, is a dead letter after 14 days as well', async () => {
  const away = await moodyPartner(resets);
  await meetMoody(away, node, policyFor(away.issuer));
  const ids: string[] = [];
  for (let n = 0; n < 80; n += 1) ids.push(await submit(500 + n));
  const mine = async () => (await node.ask('delivery.list', { partner: away.issuer, limit: 500 })).items;
  await eventually(
    'the line is shut',
    async () => node.running.exchange.transport.allowance(away.issuer, Date.now()) === 0,
  );
  await eventually('nothing is under way', async () => away.waiting === 0);
  expect((await mine()).some(({ attempts }) => attempts === 0)).toBe(true);
  await tidyPolls(later(14.1 * DAY));
  await eventually('all are dead', async () => {
    await tidyPolls(later(14.1 * DAY));
    return (await mine()).every(({ state, lastCode }) => state === 'dead' && lastCode === 'expired');
  });
  const [opened] = (await node.ask('alert.list', {})).items.filter(({ partner: about }) => about === away.issuer);
  expect(opened).toMatchObject({ code: 'dead-letter', count: 80 });
  await away.close();
});

test('a withdrawal waits on, to the horizon and no longer', async () => {
  const id = await submit(2);
  const { sets } = await pollAs(partner, node.issuer, { returnImmediately: true });
  await pollAs(partner, node.issuer, { maxEvents: 0, ack: Object.keys(sets) });
  await node.ask('reference.withdraw', { id, reason: 'sent-in-error', purge: true });
  await tidyPolls(later(89 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ event: 'withdrawn', state: 'queued' });
  await tidyPolls(later(91 * DAY));
  expect(await deliveryOf(id)).toMatchObject({ event: 'withdrawn', state: 'dead', lastCode: 'expired' });
});

test('a nonce is remembered until a minute after its request has ended, by every clock of the node, and then forgotten', async () => {
  await pollAs(partner, node.issuer, { returnImmediately: true });
  const kept = await nonces();
  expect(kept).toBeGreaterThan(0);
  await tidyPolls(later(60_000));
  expect(await nonces()).toBe(kept);
  await tidyPolls(later(122_000));
  expect(await nonces()).toBe(kept);
  await tidyPolls(later(3_722_000));
  expect(await nonces()).toBe(0);
});
