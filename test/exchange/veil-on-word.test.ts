import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listAlerts } from '../../src/exchange/alerts.ts';
import { createReplayServer } from '../../src/exchange/replay-server.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// A partner says that we lost state. One request of it closes all that it gave us, more than the policy lets it withdraw in an
// hour: so it is closed for a day at most, and once in seven days.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench();
});
afterEach(() => bench.close());

/** It asks for a number that we never gave. */
async function overtake(): Promise<void> {
  const { epoch, n } = await bench.stream();
  await createReplayServer(bench.exchange).grant({ issuer: sender }, { epoch, from: n + 2 });
}

async function verified(): Promise<void> {
  const answered = { state: 'receipted', outcome: 'accepted' } as const;
  await bench.db.updateTable('delivery').set(answered).where('event', '=', 'verify').execute();
}

const ofReplays = (change: { state: 'refused' | 'wanted'; code: string | null }) =>
  bench.db.updateTable('replay_request').set(change).execute();

test('ends by itself after a day, though the partner answers nothing, and references to it go on waiting', async () => {
  const id = await bench.arrive();
  await overtake();
  expect(await bench.state(id)).toBe('sealed');
  bench.later(DAY - HOUR);
  await bench.recover();
  expect(await bench.state(id)).toBe('sealed');
  bench.later(HOUR);
  await bench.recover();
  expect(await bench.state(id)).toBe('open');
  expect(await bench.recoveries()).toMatchObject([{ opened_by: 'time', resumed_at: null }]);
});

test('ends when the partner refuses its replay', async () => {
  const id = await bench.arrive();
  await overtake();
  await verified();
  await bench.recover();
  await ofReplays({ state: 'refused', code: 'cursor_too_old' });
  await bench.recover();
  expect(await bench.state(id)).toBe('open');
  expect(await bench.recoveries()).toMatchObject([{ opened_by: 'refused', resumed_at: null }]);
});

test('is drawn once in seven days: the next time our numbers begin anew and nothing is closed', async () => {
  const id = await bench.arrive();
  await overtake();
  bench.later(DAY);
  await bench.recover();
  const { epoch } = await bench.stream();
  await overtake();
  expect((await bench.stream()).epoch).not.toBe(epoch);
  expect(await bench.state(id)).toBe('open');
  expect(await bench.state(await bench.arrive())).toBe('open');
  expect(await bench.recoveries()).toMatchObject([{ opened_by: 'time' }, { opened_by: 'undrawn', resumed_at: null }]);
  expect(await bench.alerts()).toContain('state-lost');
  bench.later(6 * DAY + HOUR);
  await overtake();
  expect(await bench.state(id)).toBe('sealed');
});

test('that was not drawn ends as any other: references go again when everything came', async () => {
  await overtake();
  bench.later(DAY);
  await bench.recover();
  await overtake();
  await bench.arrive();
  await bench.everythingCame();
  const resumed = (await bench.recoveries()).map(({ resumed_by }) => resumed_by);
  expect(resumed).toEqual(['replay', 'replay']);
  expect(await bench.alerts()).not.toContain('state-lost');
});

describe('where our own witness or operator vouches for the loss', () => {
  test.each(['store-restored', 'operator'] as const)('(%s) nothing opens by time or refusal', async (because) => {
    const id = await bench.arrive();
    await overtake();
    await bench.lose(because);
    await verified();
    await bench.recover();
    await ofReplays({ state: 'refused', code: 'cursor_too_old' });
    bench.later(10 * DAY);
    await bench.recover();
    expect(await bench.state(id)).toBe('sealed');
  });

  test('it is drawn however often the partner spoke before', async () => {
    const id = await bench.arrive();
    await overtake();
    bench.later(DAY);
    await bench.recover();
    await bench.lose('operator');
    expect(await bench.state(id)).toBe('sealed');
  });
});

test('the alert says how many are closed, and how to open them', async () => {
  await bench.arrive();
  await bench.arrive();
  await overtake();
  const [alert] = (await listAlerts(bench.exchange)).filter(({ code }) => code === 'state-lost');
  expect(alert?.message).toContain('2 of its references are closed');
  expect(alert?.next).toContain(`caseref reconcile ${sender} --open --yes`);
  bench.later(DAY);
  await bench.recover();
  const [later] = (await listAlerts(bench.exchange)).filter(({ code }) => code === 'state-lost');
  expect(later?.message).not.toContain('closed');
});

test('a partner whose recovery breaks keeps no other partner waiting', async () => {
  const id = await bench.arrive();
  await bench.lose('store-restored');
  const earlier = new Date(bench.exchange.clock() - 2 * DAY);
  await sql`
    insert into recovery (partner, epoch, because, at)
    values ('https://broken.example', gen_random_uuid(), 'counter-overtaken', ${earlier})`.execute(bench.db);
  await sql`
    create function breaks() returns trigger language plpgsql as $$ begin raise 'a defect'; end $$`.execute(bench.db);
  await sql`
    create trigger breaks before update on recovery for each row
    when (old.partner = 'https://broken.example') execute function breaks()`.execute(bench.db);
  await bench.everythingCame();
  expect(await bench.state(id)).toBe('open');
});
