import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import type { ImportResult } from '../../src/exchange/import.ts';
import { beginImport, finishImport, importFileLines } from '../../src/exchange/import-file.ts';
import { createShare, type Share } from '../../src/exchange/share.ts';
import { readWithdrawal, withdraw } from '../../src/exchange/withdraw.ts';
import { type TestExchange, testExchange } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';

const DAY = 86_400_000;
let now = Date.parse('2026-11-20T10:00:00Z');
let node: TestExchange;
let share: Share;

beforeAll(async () => {
  node = await testExchange({ issuer: 'https://node.hotline-a.example', clock: () => now });
  share = createShare(node.exchange);
});
afterAll(() => node.close());

const digestOf = (letter: string) => letter.repeat(64);
const linesOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ line: n + 1, text: JSON.stringify(inventedReference(n)) }));
const give = (digest: string, count = 3) => importFileLines(node.exchange, share, digest, linesOf(count));
const idsOf = (results: readonly ImportResult[]) =>
  results.map((result) => (result.status === 'shared' ? result.id : result.errors[0]?.code));

async function stored(): Promise<number> {
  const { n } = await node.exchange.store.db
    .selectFrom('reference')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow();
  return Number(n);
}

test('a line of a file has the same id whenever it is given, for longer than any idempotency key', async () => {
  const first = await give(digestOf('a'));
  const before = await stored();
  now += 400 * DAY;
  const again = await give(digestOf('a'));
  expect(idsOf(again)).toEqual(idsOf(first));
  expect(again.every((result) => result.status === 'shared' && result.replayed)).toBe(true);
  expect(first.some((result) => 'replayed' in result)).toBe(false);
  expect(await stored()).toBe(before);
});

test('the ids are UUIDs of version 4 that differ by line and by file', async () => {
  const ids = [...idsOf(await give(digestOf('b'))), ...idsOf(await give(digestOf('c')))];
  expect(new Set(ids).size).toBe(6);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('two imports of one file at the same time make each reference once', async () => {
  const before = await stored();
  const [one, other] = await Promise.all([give(digestOf('d'), 150), give(digestOf('d'), 150)]);
  expect(idsOf(one)).toEqual(idsOf(other));
  expect(await stored()).toBe(before + 150);
});

test('a line that was withdrawn since is not brought back', async () => {
  const [first, second] = idsOf(await give(digestOf('e'), 2));
  const content = readWithdrawal({ reason: 'sent-in-error', purge: true });
  if (isRefusal(content)) throw new Error(content.code);
  expect(isRefusal(await withdraw(node.exchange, String(first), content))).toBe(false);
  const before = await stored();
  expect(idsOf(await give(digestOf('e'), 2))).toEqual(['reference-withdrawn', second]);
  expect(await stored()).toBe(before);
});

test('how far a file came is known by its bytes, and another file of its path is not gone on with', async () => {
  const file = { digest: digestOf('f'), path: '/drop/monday.ndjson' };
  expect(await beginImport(node.exchange, file, true)).toMatchObject({ line: 0, finishedAt: null });
  await give(file.digest, 2);
  expect(await beginImport(node.exchange, file, true)).toMatchObject({ line: 2, finishedAt: null });
  const changed = { ...file, digest: digestOf('0') };
  expect(await beginImport(node.exchange, changed, true)).toMatchObject({ refused: true, code: 'state-conflict' });
  await finishImport(node.exchange, file.digest, 2);
  expect(await beginImport(node.exchange, file, true)).toMatchObject({ line: 2, finishedAt: expect.any(String) });
  expect(await beginImport(node.exchange, changed, true)).toMatchObject({ line: 0 });
});

test('a file and its path stand in the store as keyed digests only', async () => {
  const rows = await node.exchange.store.db.selectFrom('import_file').selectAll().execute();
  expect(rows.length).toBeGreaterThan(0);
  const text = rows.map(({ digest, path }) => `${digest.toString('hex')} ${path.toString('hex')}`).join('\n');
  expect(text).not.toContain(digestOf('f'));
  expect(text).not.toContain(Buffer.from('monday').toString('hex'));
});
