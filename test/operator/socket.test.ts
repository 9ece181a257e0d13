import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callOperator } from '../../src/operator/call.ts';
import { chooseSocketPlace, findRunningNode, type RunRecord, recordRun } from '../../src/operator/private-directory.ts';
import { inventedReference } from '../support/invented.ts';
import { type TestNode, testNode } from '../support/node.ts';

let node: TestNode;
let folder: string;

beforeAll(async () => {
  node = await testNode();
  folder = await mkdtemp(join(tmpdir(), 'caseref-test-'));
});
afterAll(async () => {
  await node.remove();
  await rm(folder, { recursive: true, force: true });
});

/** A pid that no process has: above the largest that Linux gives. */
const DEAD = 4_194_305;

function send(method: string, path: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: node.running.socket, method, path }, (response) => {
      text(response).then(resolve, reject);
    });
    call.once('error', reject);
    call.end(body);
  });
}

describe('the operator’s socket', () => {
  test('is for the owner alone and is written down', async () => {
    const { socket } = node.running;
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    expect((await stat(node.directory)).mode & 0o777).toBe(0o700);
    const record = JSON.parse(await readFile(join(node.directory, 'run', `${process.pid}.json`), 'utf8')) as RunRecord;
    expect(record).toMatchObject({ pid: process.pid, socket, node: process.version });
    expect(await findRunningNode(node.directory)).toBe(socket);
  });

  test('answers the same operations with the same values', async () => {
    const answer = await callOperator(node.running.socket, 'status', {});
    expect(answer).toEqual({ ok: true, value: await node.ask('status', {}) });
  });

  test('carries refusals as values', async () => {
    const answer = await callOperator(node.running.socket, 'partner.show', { issuer: 'https://nobody.example' });
    expect(answer).toMatchObject({ ok: false, refusals: [{ code: 'not-found' }] });
  });

  test('carries an import of 500 lines in one call', async () => {
    const lines = Array.from({ length: 500 }, (_, n) => ({ line: n + 1, text: JSON.stringify(inventedReference(n)) }));
    const answer = await callOperator(node.running.socket, 'reference.import', { lines });
    if (!answer.ok) throw new Error('refused');
    expect(answer.value.results.filter(({ status }) => status === 'shared')).toHaveLength(500);
  });

  test.each([
    ['POST', '/toString', '{}', 'usage-invalid'],
    ['POST', '/__proto__', '{}', 'usage-invalid'],
    ['GET', '/status', '', 'usage-invalid'],
    ['POST', '/%', '{}', 'internal'],
    ['POST', '/status', '{', 'json-invalid'],
  ])('%s %s with %s is refused as %s', async (method, path, body, code) => {
    expect(JSON.parse(await send(method, path, body))).toMatchObject({ ok: false, refusals: [{ code }] });
  });

  test('cannot be reached once the node is closed, and leaves nothing behind', async () => {
    const other = await testNode();
    const { socket } = other.running;
    await other.stop();
    await expect(callOperator(socket, 'status', {})).rejects.toThrow();
    expect(await readdir(join(other.directory, 'run'))).toEqual([]);
    expect(await readdir(other.directory)).not.toContain(`operator-${process.pid}.sock`);
    expect(await findRunningNode(other.directory)).toBeUndefined();
    await other.remove();
  });
});

describe('the socket’s place', () => {
  test('falls back to a private folder where the path is too long for a socket', async () => {
    const deep = join(folder, 'd'.repeat(90));
    await mkdir(deep, { recursive: true });
    const place = await chooseSocketPlace(deep);
    expect(place.path.startsWith(deep)).toBe(false);
    expect(Buffer.byteLength(place.path)).toBeLessThanOrEqual(107);
    expect((await stat(dirname(place.path))).mode & 0o777).toBe(0o700);
    await place.remove();
    await expect(stat(dirname(place.path))).rejects.toThrow('ENOENT');
  });

  test('records of dead nodes are ignored and go with the next start', async () => {
    const directory = join(folder, 'killed');
    await mkdir(join(directory, 'run'), { recursive: true });
    const socket = join(directory, `operator-${DEAD}.sock`);
    await writeFile(socket, '');
    await writeFile(join(directory, 'run', `${DEAD}.json`), JSON.stringify({ pid: DEAD, socket }));
    await writeFile(join(directory, 'run', '7.json'), 'half a reco');
    expect(await findRunningNode(directory)).toBeUndefined();
    const forget = await recordRun(directory, join(directory, 'x.sock'), '2026-11-21T10:00:00Z');
    expect(await readdir(join(directory, 'run'))).toEqual([`${process.pid}.json`]);
    expect(await readdir(directory)).toEqual(['run']);
    await forget();
  });

  test('a living process that does not listen there is no running node', async () => {
    const directory = join(folder, 'reused');
    await mkdir(directory);
    await recordRun(directory, join(directory, 'nobody.sock'), '2026-11-21T10:00:00Z');
    expect(await findRunningNode(directory)).toBeUndefined();
  });
});
