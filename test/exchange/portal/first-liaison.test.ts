import { afterAll, beforeAll, expect, test } from 'vitest';
import { placeBeforeReading } from '../../../src/exchange/portal/undecided.ts';
import { createShare } from '../../../src/exchange/share.ts';
import { type TestExchange, testExchange } from '../../support/exchange.ts';
import { inventedReference } from '../../support/invented.ts';
import { accredited, invite } from '../../support/liaisons.ts';

let node: TestExchange;
beforeAll(async () => {
  node = await testExchange({ issuer: 'https://hotline-a.example', clock: () => Date.parse('2026-11-20T12:00:00Z') });
});
afterAll(() => node.close());

async function share(): Promise<string> {
  const marking = { tlp: 'AMBER', portal: 'concerned' };
  const shared = await createShare(node.exchange)({
    ...inventedReference(1),
    jurisdiction: { hosting: 'DE' },
    marking,
  });
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code}`);
  return shared.id;
}
const waiting = () => node.exchange.store.db.selectFrom('portal_pending').select('id').execute();
const placed = () => node.exchange.store.db.selectFrom('portal_place').select('id').distinct().execute();

test('a node without liaisons has no work of the portal; its first liaison finds what was there before', async () => {
  const before = await share();
  expect(await waiting()).toEqual([]);
  await invite(node.exchange, accredited);
  expect(await waiting()).toEqual([{ id: before }]);
  const after = await share();
  await invite(node.exchange, { ...accredited, name: 'B. Officer' });
  await placeBeforeReading(node.exchange);
  expect(await waiting()).toEqual([]);
  expect((await placed()).map(({ id }) => id).sort()).toEqual([before, after].sort());
});
