import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliAnswer, type CliNode, makeNode } from '../support/cli-node.ts';
import { inventedReference } from '../support/invented.ts';

let node: CliNode;
let serving: ChildProcess;
const said: string[] = [];

beforeAll(async () => {
  node = await makeNode({ name: 'Hotline A', type: 'hotline', jurisdiction: 'DE' });
  serving = await node.serve();
}, 60_000);
afterAll(async () => {
  serving.kill('SIGTERM');
  await once(serving, 'exit');
  await node.remove();
});

const at = (name: string) => join(node.directory, '..', name);
const asCsv = ['--format', 'scart-csv', '--category', 'not-assessed', '--hosting', 'XX', '--reporting', 'DE'];

/** Imports a file; what is printed is kept, to look for what must never be printed. */
async function importFile(name: string, ...options: string[]): Promise<CliAnswer> {
  const answer = await node.run('reference', 'import', at(name), ...options);
  said.push(answer.out, answer.err);
  return answer;
}

interface Line {
  readonly line: number;
  readonly status: string;
  readonly id?: string;
  readonly replayed?: true;
  readonly errors?: readonly { readonly code: string; readonly pointer: string }[];
}

async function resultsIn(name: string): Promise<Line[]> {
  const text = await readFile(at(name), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

async function listed(): Promise<string[]> {
  const { items } = await node.json<{ items: { id: string }[] }>('reference', 'list', '--limit', '500');
  return items.map(({ id }) => id);
}

const EMAIL = 'jo.canary-4481@hotline.example';
const PATH = 'canary-path-9137';

describe('a CSV of SCART', () => {
  test('is imported with what every row is given; the whole of what is said is this', async () => {
    const rows = [
      `https://files.host.example/${PATH}/1;https://board.example/${PATH};${EMAIL};2026-1;webform;imagehost`,
      `"https://files.host.example/${PATH}/2?a=1;b=2";;"${EMAIL}";"Fall Nürnberg 7";police;cctv`,
      `https://files.host.example/${PATH}/3;;${EMAIL};;;;;`,
      `ftps://files.host.example/${PATH}/4;;${EMAIL};;;`,
      `https://files.host.example/${PATH}/5;;${EMAIL};d41d8cd98f00b204e9800998ecf8427e;;`,
    ];
    await writeFile(
      at('inputs.csv'),
      `\ufeffURL;REFERER;WORKUSER-EMAIL;REFERENCE;SOURCE;TYPE\r\n${rows.join('\r\n')}\r\n`,
    );
    const { code, out, err } = await importFile(
      'inputs.csv',
      ...asCsv,
      '--tlp',
      'AMBER',
      '--results',
      at('csv.ndjson'),
    );
    expect(code).toBe(1);
    const transcript = `${err}${out.replace(/^(in +)\d+ s$/m, '$1N s')}`;
    await expect(transcript).toMatchFileSnapshot('import.transcript.txt');
    const results = await resultsIn('csv.ndjson');
    expect(results.map(({ line, errors }) => [line, errors?.[0]?.code])).toEqual([
      [2, undefined],
      [3, undefined],
      [4, 'schema-invalid'],
      [5, 'url-scheme-refused'],
      [6, 'fingerprint-refused'],
    ]);
  });

  test('becomes references with handle, site and referrer, and nothing else', async () => {
    const [first, second] = await resultsIn('csv.ndjson');
    const show = (id = '') =>
      node.json<Record<string, unknown>>('reference', 'show', id, '--reveal', '--purpose', 'audit');
    const [one, other] = [await show(first?.id), await show(second?.id)];
    expect(one).toMatchObject({
      url: `https://files.host.example/${PATH}/1`,
      access: { referrer: `https://board.example/${PATH}` },
      handles: [{ system: 'scart', id: '2026-1' }],
      site: { type: 'image-host' },
      category: 'not-assessed',
      jurisdiction: { hosting: 'XX', reporting: 'DE' },
      marking: { tlp: 'AMBER' },
    });
    expect(other).toMatchObject({ handles: [{ system: 'scart', id: 'Fall Nürnberg 7' }] });
    expect(Object.keys(other)).not.toEqual(expect.arrayContaining(['site', 'access', 'source']));
  });

  test('imported again makes nothing new, and other values for its rows are refused', async () => {
    const before = await listed();
    const again = await importFile('inputs.csv', ...asCsv, '--tlp', 'AMBER', '--results', at('again.ndjson'));
    expect(again.out).toMatch(/^taken +0\nrefused +3\ntaken before +2$/m);
    expect(again.err).toContain('This file was imported before');
    const [first, again1] = [await resultsIn('csv.ndjson'), await resultsIn('again.ndjson')];
    expect(again1.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    const other = await importFile('inputs.csv', ...asCsv, '--tlp', 'RED', '--json');
    expect(JSON.parse(other.out.split('\n')[0] ?? '')).toMatchObject({ errors: [{ code: 'reference-exists' }] });
    expect(await listed()).toEqual(before);
  });

  test('leaves the address of the worker nowhere, and that of the content in the clear nowhere', async () => {
    const files = await readdir(at('node'), { recursive: true, withFileTypes: true });
    let searched = 0;
    for (const file of files.filter((entry) => entry.isFile())) {
      const bytes = await readFile(join(file.parentPath, file.name));
      searched += bytes.length;
      for (const canary of [EMAIL, 'canary-4481', PATH]) expect(bytes.includes(canary), file.name).toBe(false);
    }
    expect(searched).toBeGreaterThan(1_000_000);
    const all = [...said, await readFile(at('csv.ndjson'), 'utf8')].join('\n');
    expect(all).toContain('WORKUSER-EMAIL is dropped');
    expect(all).not.toMatch(/canary/);
  });
});

describe('newline-delimited JSON', () => {
  const lines = (...references: object[]) => `${references.map((one) => JSON.stringify(one)).join('\n')}\n`;

  test('a line that names its id is no error when its own import took it, and is one for any other content', async () => {
    const own = { ...inventedReference(1), id: randomUUID() };
    await writeFile(at('own.ndjson'), lines(own, inventedReference(2)));
    expect((await importFile('own.ndjson')).code).toBe(0);
    const before = await listed();
    const again = await importFile('own.ndjson', '--json');
    expect(again.code).toBe(0);
    const [first] = again.out.split('\n').map((line) => (line === '' ? {} : JSON.parse(line)) as Line);
    expect(first).toMatchObject({ line: 1, id: own.id, replayed: true });
    await writeFile(at('other.ndjson'), lines({ ...own, url: 'https://elsewhere.example/' }));
    const other = await importFile('other.ndjson');
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('reference-exists at line 1 /id')]);
    expect(await listed()).toEqual(before);
  });

  test('two equal lines of one file are two references; the same lines in another file are two more', async () => {
    const before = (await listed()).length;
    await writeFile(at('equal.ndjson'), lines(inventedReference(3), inventedReference(3)));
    expect((await importFile('equal.ndjson')).code).toBe(0);
    expect((await listed()).length).toBe(before + 2);
    await writeFile(at('equal-too.ndjson'), `\n${lines(inventedReference(3), inventedReference(3))}`);
    expect((await importFile('equal-too.ndjson')).code).toBe(0);
    expect((await listed()).length).toBe(before + 4);
  });

  test('a finished file has nothing left to resume', async () => {
    const { code, out, err } = await importFile('equal.ndjson', '--resume');
    expect([code, err]).toEqual([0, expect.stringContaining('Goes on after line 2')]);
    expect(out).toMatch(/^taken +0$/m);
  });

  test('a results file that is none, or is of another import, is not written to', async () => {
    await writeFile(at('letter.txt'), 'Dear colleague,\n');
    const wrong = await importFile('equal.ndjson', '--resume', '--results', at('letter.txt'));
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('not the results file of an import')]);
    expect(await readFile(at('letter.txt'), 'utf8')).toBe('Dear colleague,\n');
    const before = await readFile(at('csv.ndjson'), 'utf8');
    const other = await importFile('equal.ndjson', '--resume', '--results', at('csv.ndjson'));
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('behind line 2')]);
    expect(await readFile(at('csv.ndjson'), 'utf8')).toBe(before);
  });

  test('results that were lost are written again, each once', async () => {
    await rm(at('results.ndjson'), { force: true });
    expect((await importFile('own.ndjson', '--resume', '--results', at('results.ndjson'))).code).toBe(0);
    const results = await resultsIn('results.ndjson');
    expect(results.map(({ line, replayed }) => [line, replayed])).toEqual([
      [1, true],
      [2, true],
    ]);
  });
});
