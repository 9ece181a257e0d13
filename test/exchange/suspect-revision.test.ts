import { afterAll, beforeAll, expect, test } from 'vitest';
import { showReference } from '../../src/exchange/browse.ts';
import { operational, sender } from '../support/tokens.ts';
import { type LostKeyBench, lostKeyBench, withdrawal } from './lost-key.ts';

// What a lost key said of a reference binds nobody: neither its number nor its address, nor what policy made of it.

let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
});
afterAll(() => bench.node.close());

const HUGE = Number.MAX_SAFE_INTEGER;

function stolen(): number {
  bench.later(10_000);
  const instant = bench.now();
  bench.later(1000);
  return instant;
}

const aside = (id: string) =>
  bench.db.selectFrom('doubted_revision').select(['revision', 'jti']).where('id', '=', id).execute();

test('the newest revision of a good key is in force again, the suspect one is set aside, and a lower number is taken', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  const { jti } = await bench.revise(HUGE, { id }, { category: 'grooming' });
  expect(await bench.row(id)).toMatchObject({ revision: HUGE, category: 'grooming' });
  await bench.lose(instant);
  expect(await bench.row(id)).toMatchObject({ state: 'open', revision: 1, category: 'csam' });
  expect(await aside(id)).toEqual([{ revision: HUGE, jti }]);
  expect(await bench.suspect(id)).toBe(false);
  const shown = await showReference(bench.node.exchange, sender, id, 'masked');
  expect(shown).toMatchObject({ revision: 1, category: 'csam' });
  await bench.revise(2, { id, key: bench.successor }, { category: 'self-generated' });
  expect(await bench.row(id)).toMatchObject({ revision: 2 });
});

test('a suspect revision that is attested is in force again', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  const at = bench.now();
  const { jti } = await bench.revise(7, { id }, { category: 'grooming' });
  await bench.lose(instant);
  expect(await bench.row(id)).toMatchObject({ revision: 1 });
  await bench.revise(7, { id, jti, key: bench.successor, at }, { category: 'grooming' });
  expect(await bench.row(id)).toMatchObject({ revision: 7, category: 'grooming' });
  expect(await aside(id)).toEqual([]);
  expect(await bench.suspect(id)).toBe(false);
});

test('where a good revision of the same number came meanwhile, the attested one changes nothing', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  const at = bench.now();
  const { jti } = await bench.revise(2, { id }, { category: 'grooming' });
  await bench.lose(instant);
  await bench.revise(2, { id, key: bench.successor }, { category: 'csam' });
  await bench.revise(2, { id, jti, key: bench.successor, at }, { category: 'grooming' });
  expect(await bench.row(id)).toMatchObject({ revision: 2, category: 'csam' });
});

test('a first word that a lost key said under a huge number gives way to whatever its originator says', async () => {
  const instant = stolen();
  const id = crypto.randomUUID();
  const forged = 'https://forged.example/';
  await bench.submit({ id }, { revision: HUGE, url: forged });
  await bench.lose(instant);
  expect(await bench.suspect(id)).toBe(true);
  await bench.submit({ id, key: bench.successor }, { revision: 1 });
  expect(await bench.row(id)).toMatchObject({ revision: 1, state: 'open' });
  expect(await bench.suspect(id)).toBe(false);
  const macs = await bench.db.selectFrom('reference_index').select('mac').where('id', '=', id).execute();
  expect(macs).toHaveLength(3);
});

test('what a forged withdrawal sealed opens with what the last good revision said', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  const instant = stolen();
  await bench.revise(HUGE, { id, key: operational }, { category: 'grooming' });
  await bench.push('withdrawn', withdrawal, { id });
  expect(await bench.stateOf(id)).toBe('sealed');
  await bench.lose(instant);
  expect(await bench.row(id)).toMatchObject({ state: 'open', revision: 1, category: 'csam' });
});

test('an attestation of the first thief by the next one is worth nothing once both keys are known to be lost', async () => {
  const first = stolen();
  const at = bench.now();
  const { id, jti } = await bench.submit();
  await bench.lose(first);
  bench.later(86_400_000);
  const second = bench.now();
  bench.later(1000);
  await bench.submit({ id, jti, key: bench.successor, at });
  expect(await bench.suspect(id)).toBe(false);
  await bench.lose(second, [bench.successor.kid]);
  expect(await bench.suspect(id)).toBe(true);
});
