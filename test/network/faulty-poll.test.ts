import { afterEach, expect, inject, test } from 'vitest';
import { type FaultyNodes, faultyNodes, keepBusy, storm } from '../support/faulty-nodes.ts';
import { seedOfRun } from '../support/seeded.ts';

// A node that only polls among two that push, over a network that breaks by a seed (CASEREF_TEST_SEED). What waits between two
// polls of a node that met a fault is real time, so the scenario is short; CASEREF_FAULTY=20 makes it twenty times as long.

const scale = Number(process.env.CASEREF_FAULTY ?? 1);

let all: FaultyNodes | undefined;
afterEach(async () => {
  await all?.close();
});

test('a node that polls gets everything once and is heard, whatever its polls meet', {
  timeout: 60_000 * Math.max(1, scale),
}, async () => {
  all = await faultyNodes(seedOfRun(), inject('postgresUrl'), [{}, {}, { pollOnly: true }]);
  const { network, nodes } = all;
  const poller = nodes[2];
  network.set(storm);
  const { answered } = await keepBusy(all, { steps: 100 * scale });
  const polls = network.passages.filter(({ from, path }) => from === poller?.issuer && path === '/exchange/poll');
  expect(polls.some(({ fault }) => fault !== undefined)).toBe(true);
  expect(network.passages.filter(({ to, path }) => to === poller?.issuer && path === '/exchange/push')).toEqual([]);
  network.heal();
  // Its operator starts it anew instead of waiting: the pause after faults is gone, what was not acknowledged is not.
  await poller?.restart();
  // A request is signed for a minute: larger steps would end it on its way.
  await all.settle(30_000);
  expect(await all.breaches(answered)).toEqual([]);
});
