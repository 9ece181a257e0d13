// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { browseReferences, searchMacs, showDecisions, showReference } from '../../src/exchange/browse.ts';
import { decideHeldReferences, showHeld, tallyHeld } from '../../src/exchange/decide-held.ts';
import { explainReference } from '../../src/exchange/explain.ts';
import { declareRestored, openPartner } from '../../src/exchange/reconcile.ts';
import { releaseWithdrawals } from '../../src/exchange/release.ts';
import { revealReference } from '../../src/exchange/reveal.ts';
import { createShare } from '../../src/exchange/share.ts';
import { befriend } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { sender } from '../support/tokens.ts';
import { type LossBench, lossBench } from './loss-bench.ts';

// While a partner's withdrawals of the lost time are not in, nobody sees its references, and what comes about them counts all the same.

const MINUTE = 60_000;
const held = { when: { category: ['grooming'] }, id: 'look', then: 'hold' };
const all = { when: { category: ['*'] }, id: 'all', then: 'accept' };
const policy = { receive: { rules: [held, all], withdrawalsPerHour: 3 } };

let bench: LossBench;
beforeEach(async () => {
  bench = await lossBench(policy);
});
afterEach(() => bench.close());

/** Everything that any reader gives of a reference, as one text. */
async function seen(id: string): Promise<string> {
  const { exchange } = bench;
  const url = `https://host.example/${id}`;
  const page = { limit: 500 };
  const listed = await browseReferences(exchange, {}, page, 'whole');
  const byPartner = await browseReferences(exchange, { partner: sender, category: 'csam' }, page, 'whole');
  const macs = searchMacs(exchange, { url });
  const found = 'refused' in macs ? macs : await browseReferences(exchange, { macs }, page, 'whole');
  const shown = await showReference(exchange, sender, id, 'whole');
  const decisions = await showDecisions(exchange, sender, id);
  const waiting = [await showHeld(exchange, {}, 500), await tallyHeld(exchange, {})];
  const revealed = await revealReference(exchange, sender, id, 'investigation');
  const { duplicates } = (await createShare(exchange)({ ...inventedReference(1), url, category: 'csam-textual' })) as {
    duplicates: unknown;
  };
  const explained = await explainReference(exchange, { partner: sender, id } as never).catch(() => undefined);
  const content = { ...alone(shown), state: undefined };
  const names = [listed, byPartner, found, waiting, duplicates, explained];
  return JSON.stringify([
    names.map((one) => JSON.stringify(one)?.includes(`"id":"${id}"`) ?? false),
    content,
    decisions,
    alone(revealed),
  ]);
}

/** Without the others to its address: looking submits one more each time. */
function alone(one: object): object {
  return { ...one, duplicates: undefined, duplicateAnswer: undefined };
}

test('a veiled reference is out of every list, search, count, held decision, duplicate answer and view, as one that is sealed', async () => {
  const open = await bench.arrive();
  const waits = await bench.arrive({ category: 'grooming' });
  const gone = await bench.arrive();
  const before = await seen(open);
  expect(before).toContain('https://host.example');
  await bench.withdraw(gone, { purge: false });
  await bench.lose();
  const sealed = (await seen(gone)).replaceAll(gone, 'ID');
  for (const id of [open, waits]) {
    const veiled = await seen(id);
    expect(veiled).not.toContain('host.example');
    expect(veiled).toContain('[false,false,false,false,false,false]');
    const { state } = (await showReference(bench.exchange, sender, id, 'whole')) as { state: string };
    expect(state).toBe('sealed');
  }
  expect(sealed).toContain('[false,false,false,false,false,false]');
  expect(await openPartner(bench.exchange, sender)).toEqual({ partner: sender, opened: 2 });
  expect(JSON.parse(await seen(open))).toEqual(
    JSON.parse(before.replace('[true,true,true,false,false,', '[true,true,true,false,true,')),
  );
  expect(await bench.state(waits)).toBe('held');
  expect(await bench.state(gone)).toBe('sealed');
});

test('what a person would decide by its id is not there to be decided', async () => {
  const id = await bench.arrive({ category: 'grooming' });
  await bench.lose();
  expect(await decideHeldReferences(bench.exchange, { id }, 'accept', 'operator')).toMatchObject({ code: 'not-found' });
});

describe('behind the veil', () => {
  test('a revision is taken and stays unseen until the veil is lifted', async () => {
    const id = await bench.arrive();
    await bench.lose();
    await bench.revise(id, { revision: 2, marking: { tlp: 'GREEN' } });
    expect(await bench.state(id)).toBe('sealed');
    await bench.everythingCame();
    expect(await showReference(bench.exchange, sender, id, 'whole')).toMatchObject({
      state: 'open',
      marking: { tlp: 'GREEN' },
    });
  });

  test('what comes anew is veiled from its first moment, and shows with the others', async () => {
    await bench.arrive();
    await bench.lose();
    const id = await bench.arrive();
    expect(await bench.state(id)).toBe('sealed');
    await bench.everythingCame();
    expect(await bench.state(id)).toBe('open');
  });

  test('emergency-veiled: an emergency that nobody may see yet is told at once, and once', async () => {
    await bench.arrive({ urgency: { level: 'emergency', code: 'live-now' } });
    await bench.lose();
    await bench.recover();
    expect(await bench.alerts()).toEqual(['emergency-arrived', 'state-lost']);
    await bench.arrive({ urgency: { level: 'emergency', code: 'live-now' } });
    await bench.recover();
    await bench.recover();
    expect(new Set(await bench.alerts())).toEqual(new Set(['emergency-arrived', 'emergency-veiled', 'state-lost']));
    const { count } = await bench.db
      .selectFrom('alert')
      .select('count')
      .where('code', '=', 'emergency-veiled')
      .executeTakeFirstOrThrow();
    expect(Number(count)).toBe(1);
  });

  test('a withdrawal of the lost time seals for good, before anything shows', async () => {
    const id = await bench.arrive();
    await bench.lose();
    await bench.withdraw(id);
    await bench.everythingCame();
    expect(await bench.state(id)).toBe('sealed');
    const row = await bench.db.selectFrom('reference').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    expect(row).toMatchObject({ veiled_state: null, withdrawn_reason: 'sent-in-error' });
    expect(row.purge_after).not.toBeNull();
  });

  test('withdrawals that wait for a decision keep theirs veiled, and a refusal of them lifts it', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push(await bench.arrive());
    await bench.lose();
    for (const id of ids) await bench.withdraw(id);
    await bench.everythingCame();
    const states = await Promise.all(ids.map(bench.state));
    expect(states).toEqual(['sealed', 'sealed', 'sealed', 'sealed', 'sealed']);
    await releaseWithdrawals(bench.exchange, { issuer: sender }, 'refuse');
    expect(await Promise.all(ids.map(bench.state))).toEqual(['sealed', 'sealed', 'sealed', 'open', 'open']);
  });

  test('retention goes on: what is erased stays erased when the veil is lifted', async () => {
    const id = await bench.arrive();
    await bench.lose();
    await bench.db.updateTable('reference').set({ state: 'expired' }).where('id', '=', id).execute();
    await bench.everythingCame();
    expect(await bench.state(id)).toBe('expired');
  });

  test('what another partner passes on of it is taken, since nobody withdrew it', async () => {
    const { closedAmong } = await import('../../src/store/recall.ts');
    const id = await bench.arrive();
    await bench.lose();
    expect(await closedAmong(bench.db, [{ originator: sender, id }])).toEqual([]);
  });
});

describe('the veil is lifted', () => {
  test('not before the round trip is answered, since the partner would leave out what it thinks that we have', async () => {
    const id = await bench.arrive();
    await bench.lose();
    await bench.recover();
    expect(await bench.db.selectFrom('replay_request').selectAll().execute()).toEqual([]);
    expect(await bench.state(id)).toBe('sealed');
  });

  test('not before every known stream of the partner was replayed', async () => {
    const id = await bench.arrive();
    await bench.lose();
    await bench.db.updateTable('delivery').set({ outcome: 'accepted' }).where('event', '=', 'verify').execute();
    await bench.recover();
    const asked = await bench.db.selectFrom('replay_request').selectAll().execute();
    expect(asked).toMatchObject([{ partner: sender, epoch: bench.theirs, from_n: 1, cause: 'state', state: 'wanted' }]);
    await bench.recover();
    expect(await bench.db.selectFrom('replay_request').selectAll().execute()).toHaveLength(1);
    expect(await bench.state(id)).toBe('sealed');
  });

  test('by itself once it was, and references go to the partner again, and the alert is closed', async () => {
    const id = await bench.arrive();
    await bench.lose();
    await bench.everythingCame();
    expect(await bench.state(id)).toBe('open');
    expect(await bench.alerts()).toEqual([]);
    expect(await bench.events('recovery.opened')).toMatchObject([
      { partner: sender, detail: { by: 'replay', count: 1 } },
    ]);
    expect(await bench.events('recovery.resumed')).toMatchObject([{ partner: sender, detail: { by: 'replay' } }]);
    const own = await bench.share(3);
    bench.later(MINUTE);
    expect((await bench.claim()).map(({ reference_id }) => reference_id)).toContain(own);
  });

  test('of one partner, while another one is away: a dead partner closes nothing but its own', async () => {
    const other = 'https://node.other.example';
    await befriend(bench.exchange, other);
    const id = await bench.arrive();
    await declareRestored(bench.exchange, { all: true });
    await bench.db
      .updateTable('delivery')
      .set({ state: 'receipted', outcome: 'accepted' })
      .where('event', '=', 'verify')
      .where('partner', '=', sender)
      .execute();
    await bench.recover();
    await bench.db.updateTable('replay_request').set({ state: 'done' }).execute();
    await bench.recover();
    expect(await bench.state(id)).toBe('open');
    const open = (await bench.recoveries()).filter(({ opened_at }) => opened_at === null);
    expect(open).toMatchObject([{ partner: other, resumed_at: null }]);
  });

  test('cursor_too_old: not by itself where the partner keeps too little; a person opens it', async () => {
    const id = await bench.arrive();
    await bench.lose();
    await bench.db.updateTable('delivery').set({ outcome: 'accepted' }).where('event', '=', 'verify').execute();
    await bench.recover();
    await bench.db.updateTable('replay_request').set({ state: 'refused', code: 'cursor_too_old' }).execute();
    await bench.recover();
    expect(await bench.state(id)).toBe('sealed');
    expect(await openPartner(bench.exchange, sender)).toEqual({ partner: sender, opened: 1 });
    expect(await bench.state(id)).toBe('open');
  });
});
