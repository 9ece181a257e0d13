import { afterAll, beforeAll, expect, test } from 'vitest';
import { eraseByOrder, restrict } from '../../src/exchange/keep.ts';
import { purgeDue } from '../../src/exchange/purge.ts';
import { sender } from '../support/tokens.ts';
import { type LostKeyBench, lostKeyBench, withdrawal } from './lost-key.ts';

// A partner's key was lost. What came by it afterwards is marked, what a forged withdrawal did is undone, and what the
// partner says again under its new key counts as before. Every test works on references of its own.

let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
});
afterAll(() => bench.node.close());

test('what came before the instant is not suspect, what came after it is', async () => {
  const before = await bench.submit();
  bench.later(10_000);
  const instant = bench.now();
  bench.later(10_000);
  const after = await bench.submit();
  expect(await bench.lose(instant)).toBe(1);
  expect([await bench.suspect(before.id), await bench.suspect(after.id)]).toEqual([false, true]);
  expect(await bench.eventsOf(after.id)).toContain('reference.suspect');
  expect(await bench.lose(instant)).toBe(0);
});

test('a suspect withdrawal seals nothing any more', async () => {
  const { id } = await bench.submit();
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  await bench.push('withdrawn', withdrawal, { id });
  expect(await bench.stateOf(id)).toBe('sealed');
  await bench.lose(instant);
  expect(await bench.stateOf(id)).toBe('open');
  bench.later(100 * 3_600_000);
  await purgeDue(bench.node.exchange);
  expect(await bench.stateOf(id)).toBe('open');
  expect(await bench.eventsOf(id)).toContain('reference.unsealed');
});

test('a withdrawal of before the instant stays in force beside a suspect one', async () => {
  const { id } = await bench.submit();
  await bench.push('withdrawn', { ...withdrawal, purge: false }, { id });
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  await bench.push('withdrawn', withdrawal, { id });
  await bench.lose(instant);
  expect(await bench.stateOf(id)).toBe('sealed');
});

test('the same payload under a new key clears the mark', async () => {
  const instant = bench.now();
  bench.later(1000);
  const at = bench.now();
  const { id, jti } = await bench.submit();
  await bench.lose(instant);
  expect(await bench.suspect(id)).toBe(true);
  await bench.submit({ id, jti, key: bench.successor, at });
  expect(await bench.suspect(id)).toBe(false);
  expect(await bench.eventsOf(id)).toContain('message.attested');
});

test('a payload that was said again before the loss became known is not marked at all', async () => {
  const instant = bench.now();
  bench.later(1000);
  const at = bench.now();
  const { id, jti } = await bench.submit();
  await bench.submit({ id, jti, key: bench.successor, at });
  await bench.lose(instant);
  expect(await bench.suspect(id)).toBe(false);
});

test('an attestation by a key that is lost too counts no more', async () => {
  const instant = bench.now();
  bench.later(1000);
  const at = bench.now();
  const { id, jti } = await bench.submit();
  await bench.lose(instant);
  await bench.submit({ id, jti, key: bench.successor, at });
  expect(await bench.suspect(id)).toBe(false);
  expect(await bench.lose(instant, [bench.successor.kid])).toBeGreaterThan(0);
  expect(await bench.suspect(id)).toBe(true);
});

test('an attested withdrawal counts again, with its whole time of mercy', async () => {
  const { id } = await bench.submit();
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  const at = bench.now();
  const { jti } = await bench.push('withdrawn', withdrawal, { id });
  await bench.lose(instant);
  expect(await bench.stateOf(id)).toBe('open');
  await bench.push('withdrawn', withdrawal, { id, jti, key: bench.successor, at });
  expect(await bench.stateOf(id)).toBe('sealed');
  await purgeDue(bench.node.exchange);
  expect(await bench.stateOf(id)).toBe('sealed');
  bench.later(73 * 3_600_000);
  await purgeDue(bench.node.exchange);
  expect(await bench.stateOf(id)).toBe('purged');
});

test('what a suspect withdrawal erased can be sent again by the same message, and is said to have been lost', async () => {
  const at = bench.now();
  const { id, jti } = await bench.submit();
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  await bench.push('withdrawn', { reason: 'legal', purge: true }, { id });
  await purgeDue(bench.node.exchange);
  expect(await bench.stateOf(id)).toBe('purged');
  await bench.lose(instant);
  expect(await bench.row(id)).toMatchObject({ state: 'purged', revision: 1, doubted_at: expect.any(Date) });
  const alerts = await bench.db.selectFrom('alert').select('code').where('subject', '=', id).execute();
  expect(alerts).toEqual([{ code: 'purge-suspect' }]);
  await bench.submit({ id, jti, key: bench.successor, at });
  expect(await bench.stateOf(id)).toBe('open');
});

test('a reference that never came and was withdrawn by a lost key is no tombstone any more', async () => {
  const instant = bench.now();
  bench.later(1000);
  const id = crypto.randomUUID();
  await bench.push('withdrawn', withdrawal, { id });
  expect(await bench.stateOf(id)).toBe('purged');
  await bench.lose(instant);
  await bench.submit({ id, key: bench.successor });
  expect(await bench.stateOf(id)).toBe('open');
});

test('what an operator erased by order stays erased', async () => {
  const { id } = await bench.submit();
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  await bench.push('withdrawn', withdrawal, { id });
  await eraseByOrder(bench.node.exchange, { originator: sender, id }, 'AG-2026/0816');
  await bench.lose(instant);
  expect(await bench.stateOf(id)).toBe('purged');
});

test('what an operator keeps restricted stays so', async () => {
  const { id } = await bench.submit();
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  await restrict(bench.node.exchange, { originator: sender, id }, { ground: 'evidence', until: '2027-06-30' });
  await bench.push('withdrawn', withdrawal, { id });
  await bench.lose(instant);
  expect(await bench.stateOf(id)).toBe('restricted');
});

test('a message that a lost key attested before its first key was known to be lost is suspect in the end', async () => {
  const instant = bench.now();
  bench.later(1000);
  const at = bench.now();
  const { id, jti } = await bench.submit();
  await bench.lose(instant);
  bench.later(20_000);
  const second = bench.now();
  bench.later(10_000);
  await bench.submit({ id, jti, key: bench.successor, at });
  expect(await bench.suspect(id)).toBe(false);
  expect(await bench.lose(second, [bench.successor.kid])).toBeGreaterThan(0);
  expect(await bench.suspect(id)).toBe(true);
});
