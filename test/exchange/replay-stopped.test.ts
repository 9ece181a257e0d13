import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { workOffReplays } from '../../src/exchange/replay.ts';
import { createReplayServer } from '../../src/exchange/replay-server.ts';
import { settleAttempts, storeSigned } from '../../src/store/outbox.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// References to a partner wait after a loss of state. What it asks for by its number leaves all the same: its own recovery may
// wait for that number, and two that both lost state must not wait for each other.

let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

/** A message that was numbered and signed, and of which nobody knows whether it left. */
async function signed(): Promise<{ id: string; epoch: string }> {
  await bench.share(1);
  const [claimed] = await bench.claim();
  const id = claimed?.id ?? '';
  await storeSigned(bench.db, [{ id, body: null, plain: 'a.b.c', digest: 'S256:x', kid: 'kid' }], 1);
  const { epoch } = await bench.stream();
  return { id, epoch };
}

async function asks(epoch: string): Promise<void> {
  bench.later(60_000);
  const answer = await createReplayServer(bench.exchange).grant({ issuer: sender }, { epoch, from: 1 });
  expect(answer).toMatchObject({ status: 'granted' });
  await workOffReplays(bench.exchange);
}

const going = async () => (await bench.claim()).filter(({ event }) => event === 'submitted');

test('what was signed and never left stays, until the partner asks for its number', async () => {
  const { id, epoch } = await signed();
  await bench.lose();
  bench.later(60_000);
  expect(await going()).toEqual([]);
  await asks(epoch);
  // Policy speaks before it leaves, and halts look at it as at everything that comes again.
  expect(await going()).toMatchObject([{ id, epoch, n: 1, replayed: true, decided: false }]);
});

test('a dead letter that was never sent leaves when its number is asked for', async () => {
  const { id, epoch } = await signed();
  await bench.db.updateTable('delivery').set({ state: 'dead', lease: null }).where('id', '=', id).execute();
  await bench.lose();
  await asks(epoch);
  const [reference] = await bench.db
    .selectFrom('delivery')
    .select(['state', 'priority'])
    .where('id', '=', id)
    .execute();
  const covered = (await bench.deliveries()).filter(({ event }) => event === 'voided');
  // Its bytes are there, so it comes itself; one without bytes would be covered.
  expect(covered).toEqual([]);
  expect(reference).toEqual({ state: 'queued', priority: 2 });
  expect(await going()).toMatchObject([{ id, n: 1 }]);
});

test('what was shared since still waits', async () => {
  const { epoch } = await signed();
  await bench.lose();
  await bench.share(2);
  await asks(epoch);
  expect(await going()).toHaveLength(1);
});

test('what came again is an ordinary message once it was sent', async () => {
  const { id, epoch } = await signed();
  await bench.lose();
  await asks(epoch);
  await going();
  const row = await sql<{ lease: string }>`select lease from delivery where id = ${id}::uuid`.execute(bench.db);
  const lease = row.rows[0]?.lease ?? '';
  const at = new Date(bench.exchange.clock());
  await settleAttempts(bench.db, [{ id, lease, state: 'sent', code: null, nextAt: at }], at);
  const after = bench.db.selectFrom('delivery').select(['state', 'priority']).where('id', '=', id);
  expect(await after.executeTakeFirst()).toEqual({ state: 'sent', priority: 1 });
});
