import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliNode, makeNode } from '../support/cli-node.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';

const COUNT = 600;
const KILLS = 3;

let hotline: TestNode;
let poller: CliNode;
let serving: ChildProcess;

beforeAll(async () => {
  hotline = await testNode({ name: 'Hotline A' });
  poller = await makeNode({ name: 'Police B', type: 'law-enforcement', jurisdiction: 'NL', pollOnly: true });
  const { card } = await poller.json<{ card: string }>('card');
  const { fingerprint } = await hotline.ask('partner.add', { card });
  await hotline.ask('partner.confirm', { issuer: poller.issuer, fingerprint });
  await hotline.ask('policy.set', { issuer: poller.issuer, document: openPolicy(poller.issuer) });
  const files = { card: join(poller.directory, 'hotline.card'), policy: join(poller.directory, 'policy.json') };
  await writeFile(files.card, (await hotline.ask('card', {})).card);
  await writeFile(files.policy, JSON.stringify(openPolicy(hotline.issuer)));
  const added = await poller.json<{ fingerprint: string }>('partner', 'add', files.card);
  await poller.json('partner', 'confirm', hotline.issuer, '--fingerprint', added.fingerprint);
  await poller.json('policy', 'set', hotline.issuer, files.policy);
  serving = await poller.serve();
}, 120_000);

afterAll(async () => {
  serving.kill('SIGTERM');
  await once(serving, 'exit');
  await poller.remove();
  await hotline.remove();
});

interface Listed {
  readonly items: readonly { readonly id: string }[];
  readonly next: string | null;
}

const states = async () => {
  const { db } = hotline.running.exchange.store;
  const rows = await db.selectFrom('delivery').select(['state', 'n', 'attempts', 'event', 'outcome']).execute();
  return rows.filter(({ event }) => event !== 'receipt');
};

test('a node that polls and is killed again and again has everything, and once', async () => {
  const lines = Array.from({ length: COUNT }, (_, n) => ({
    line: n + 1,
    text: JSON.stringify(inventedReference(n + 1)),
  }));
  for (const half of [lines.slice(0, COUNT / 2), lines.slice(COUNT / 2)])
    await hotline.ask('reference.import', { lines: half });
  const { db } = hotline.running.exchange.store;
  for (let kill = 0; kill < KILLS; kill += 1) {
    await pause(100 + 150 * kill);
    serving.kill('SIGKILL');
    await once(serving, 'exit');
    await pause(200);
    // What was offered to the killed process is offered again after a minute; the test does not wait for it.
    await db
      .updateTable('delivery')
      .set({ lease_until: new Date(0) })
      .where('state', '=', 'queued')
      .execute();
    serving = await poller.serve();
  }
  await eventually('nothing waits any more', async () => (await states()).every(({ state }) => state !== 'queued'));
  const all = await states();
  expect(all).toHaveLength(COUNT);
  // A receipt that the killed process was about to push is pushed when its lease has ended: half a minute later.
  expect(all.every(({ state, outcome }) => state === 'sent' || (state === 'receipted' && outcome === 'accepted'))).toBe(
    true,
  );
  const first = await poller.json<Listed>('reference', 'list', '--limit', '500');
  const second = await poller.json<Listed>('reference', 'list', '--limit', '500', '--cursor', first.next ?? '');
  const ids = [...first.items, ...second.items].map(({ id }) => id);
  expect(ids).toHaveLength(COUNT);
  expect(new Set(ids).size).toBe(COUNT);
}, 120_000);
