import { afterAll, beforeAll, expect, test } from 'vitest';
import { purgeDue } from '../../src/exchange/purge.ts';
import { releaseWithdrawals } from '../../src/exchange/release.ts';
import { heldWithdrawals } from '../../src/store/recall.ts';
import { wireReference } from '../support/foreign-partner.ts';
import { operational, sender } from '../support/tokens.ts';
import { type LostKeyBench, lostKeyBench, supersedes, withdrawal } from './lost-key.ts';

// What a forged withdrawal did, and what of it is left once its key is known to be lost.

let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
});
afterAll(() => bench.node.close());

const legal = { reason: 'legal', purge: true };

/** From here on the key `operational` is in other hands. */
function stolen(): number {
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  return instant;
}

async function setPartner(state: 'active' | 'suspended'): Promise<void> {
  await bench.db.updateTable('partner').set({ state }).where('issuer', '=', sender).execute();
  await bench.directoryMoved();
  bench.later(1000);
}

test('erasure that only a suspect withdrawal asked for is undone beside a genuine seal without purge', async () => {
  const { id } = await bench.submit();
  await bench.push('withdrawn', { ...withdrawal, purge: false }, { id });
  const instant = stolen();
  await bench.push('withdrawn', legal, { id });
  await bench.lose(instant);
  expect(await bench.row(id)).toMatchObject({ state: 'sealed', withdrawn_reason: 'sent-in-error', purge_after: null });
  bench.later(100 * 3_600_000);
  await purgeDue(bench.node.exchange);
  expect(await bench.stateOf(id)).toBe('sealed');
});

test('the time of erasure that a genuine withdrawal gave stands beside an earlier one of a lost key', async () => {
  const { id } = await bench.submit();
  await bench.push('withdrawn', withdrawal, { id });
  const before = await bench.row(id);
  const instant = stolen();
  await bench.push('withdrawn', legal, { id });
  expect((await bench.row(id))?.purge_after).not.toEqual(before?.purge_after);
  await bench.lose(instant);
  expect(await bench.row(id)).toMatchObject({ state: 'sealed', purge_after: before?.purge_after });
});

test('an attested withdrawal of a suspended partner is held for the operator, and seals when it is released', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  const at = bench.now();
  const { jti } = await bench.push('withdrawn', legal, { id });
  await bench.lose(instant);
  await setPartner('suspended');
  await bench.push('withdrawn', legal, { id, jti, key: bench.successor, at });
  await purgeDue(bench.node.exchange);
  expect([await bench.stateOf(id), (await bench.message(jti)).outcome]).toEqual(['open', 'held']);
  await setPartner('active');
  expect(await releaseWithdrawals(bench.node.exchange, { issuer: sender }, 'accept')).toEqual({ decided: 1 });
  expect(await bench.stateOf(id)).toBe('sealed');
});

test('an attestation that the gates refuse clears no mark', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  const at = bench.now();
  const { jti } = await bench.push('withdrawn', withdrawal, { id });
  await bench.lose(instant);
  const policy = bench.db.updateTable('policy').where('partner', '=', sender).where('state', '=', 'active');
  const before = await bench.db
    .selectFrom('policy')
    .selectAll()
    .where('partner', '=', sender)
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow();
  const set = async (document: unknown) => {
    await policy.set({ document: JSON.stringify(document) }).execute();
    await bench.directoryMoved();
    bench.later(1000);
  };
  await set({ ...before.document, security: { encryption: 'required' } });
  await bench.push('withdrawn', withdrawal, { id, jti, key: bench.successor, at });
  await set(before.document);
  expect([await bench.stateOf(id), (await bench.message(jti)).attested_at]).toEqual(['open', null]);
  await bench.push('withdrawn', withdrawal, { id, jti, key: bench.successor, at });
  expect([await bench.stateOf(id), (await bench.message(jti)).attested_at]).toEqual(['sealed', expect.any(Date)]);
});

test('a genuine withdrawal that the thief of another key says again is not put in doubt', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  const at = bench.now();
  const { jti } = await bench.push('withdrawn', withdrawal, { id, key: bench.successor });
  bench.later(1000);
  await bench.push('withdrawn', withdrawal, { id, jti, key: operational, at });
  await bench.lose(instant);
  expect([await bench.stateOf(id), (await bench.message(jti)).suspect_at]).toEqual(['sealed', null]);
});

test('withdrawals that are held and suspect are shown as such and not accepted before they are said again', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  bench.later(3_600_001);
  const instant = stolen();
  for (let n = 0; n < 20; n += 1) await bench.push('withdrawn', withdrawal, { id: crypto.randomUUID() });
  const at = bench.now();
  const { jti } = await bench.push('withdrawn', withdrawal, { id });
  expect((await bench.message(jti)).outcome).toBe('held');
  await bench.lose(instant);
  const held = await heldWithdrawals(bench.db, { issuer: sender });
  expect(held.map((one) => [one.jti, one.suspect])).toEqual([[jti, true]]);
  const release = () => releaseWithdrawals(bench.node.exchange, { issuer: sender }, 'accept');
  expect(await release()).toMatchObject({ code: 'state-conflict', message: expect.stringContaining('1 withdrawals') });
  expect(await bench.stateOf(id)).toBe('open');
  await bench.push('withdrawn', withdrawal, { id, jti, key: bench.successor, at });
  expect(await release()).toEqual({ decided: 1 });
  expect(await bench.stateOf(id)).toBe('sealed');
  bench.later(3_600_001);
});

test('a doubted tombstone leaves the message that it erased as evidence: another payload under its name is refused', async () => {
  const at = bench.now();
  const { id, jti } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  await bench.push('withdrawn', legal, { id });
  await purgeDue(bench.node.exchange);
  await bench.lose(instant);
  const other = bench.record('submitted', wireReference({ category: 'grooming' }), {
    id,
    jti,
    key: bench.successor,
    at,
  });
  expect(await bench.receive(other)).toMatchObject({ refusal: { reason: 'jti-reused' } });
  expect(await bench.stateOf(id)).toBe('purged');
});

test('an old revision, recorded by an outsider, does not bring an erased reference back; the newest does, once', async () => {
  const id = crypto.randomUUID();
  const key = bench.successor;
  const first = bench.record('submitted', wireReference({ revision: 1 }), { id, key });
  const last = bench.record(
    'revised',
    { ...wireReference({ revision: 5, category: 'grooming' }), supersedes },
    { id, key },
  );
  expect(await bench.receive(first)).toEqual({ status: 'taken' });
  expect(await bench.receive(last)).toEqual({ status: 'taken' });
  const instant = stolen();
  const at = bench.now();
  const { jti } = await bench.push('withdrawn', legal, { id });
  await purgeDue(bench.node.exchange);
  await bench.lose(instant);
  expect(await bench.receive(first)).toEqual({ status: 'taken' });
  expect(await bench.row(id)).toMatchObject({ state: 'purged', revision: 5 });
  expect(await bench.receive(last)).toEqual({ status: 'taken' });
  expect(await bench.row(id)).toMatchObject({ state: 'open', revision: 5, category: 'grooming', doubted_at: null });
  expect(await bench.receive(last)).toEqual({ status: 'taken' });
  const received = (await bench.eventsOf(id)).filter((type) => type === 'reference.received');
  expect(received).toHaveLength(2);
  // The withdrawal was its originator's own after all.
  await bench.push('withdrawn', legal, { id, jti, key, at });
  await purgeDue(bench.node.exchange);
  expect(await bench.row(id)).toMatchObject({ state: 'purged', doubted_at: null });
  expect(await bench.receive(last)).toEqual({ status: 'taken' });
  expect(await bench.stateOf(id)).toBe('purged');
});

test('a withdrawal that counts makes a doubted tombstone firm', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  await bench.push('withdrawn', legal, { id });
  await purgeDue(bench.node.exchange);
  await bench.lose(instant);
  await bench.push('withdrawn', legal, { id, key: bench.successor });
  const { jti } = await bench.submit({ id, key: bench.successor });
  expect(await bench.message(jti)).toMatchObject({ outcome: 'refused', code: 'reference-withdrawn' });
});

test('a new message of a lower revision does not bring back what was erased, one of the same does', async () => {
  const id = crypto.randomUUID();
  await bench.submit({ id, key: bench.successor }, { revision: 3 });
  const instant = stolen();
  await bench.push('withdrawn', legal, { id });
  await purgeDue(bench.node.exchange);
  await bench.lose(instant);
  const { jti } = await bench.submit({ id, key: bench.successor }, { revision: 2 });
  expect(await bench.message(jti)).toMatchObject({ outcome: 'refused', code: 'reference-withdrawn' });
  await bench.submit({ id, key: bench.successor }, { revision: 3 });
  expect(await bench.row(id)).toMatchObject({ state: 'open', revision: 3 });
});
