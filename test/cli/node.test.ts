import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ended, type Ran, run, start } from './run.ts';

const PASSPHRASE = 'an invented passphrase for tests';
const URL_PATH = '/canary-path-7261';
const reference = {
  url: `https://files.host.example${URL_PATH}`,
  jurisdiction: { hosting: 'NL', reporting: 'DE' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
};

let folder = '';
let made: Ran;
const printed: string[] = [];

const environment = (): NodeJS.ProcessEnv => ({
  INIT_CWD: folder,
  CASEREF_DATA: 'node',
  CASEREF_PASSPHRASE: PASSPHRASE,
});
const withoutPassphrase = () => ({ ...environment(), CASEREF_PASSPHRASE: '' });

/** Runs a command on the node; what it prints is kept, to look for what must never be printed. */
async function on(args: readonly string[], given: NodeJS.ProcessEnv = environment(), input?: string): Promise<Ran> {
  const ran = await run(args, { environment: given, ...(input !== undefined && { input }) });
  printed.push(ran.out, ran.err);
  return ran;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-cli-'));
  await writeFile(join(folder, 'reference.json'), JSON.stringify(reference));
  const listen = [
    '--peer',
    '127.0.0.1:0',
    '--api',
    '127.0.0.1:0',
    '--portal',
    '127.0.0.1:0',
    '--private',
    '127.0.0.1:0',
  ];
  const who = [
    '--issuer',
    'http://localhost:8440',
    '--name',
    'Hotline A',
    '--type',
    'hotline',
    '--jurisdiction',
    'DE,AT',
  ];
  made = await on(['init', ...who, ...listen]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a node in the hands of its operator', () => {
  test('init says who the node is, in both spellings, and the next three commands', () => {
    expect(made.code, made.err).toBe(0);
    expect(made.out).toMatch(/^fingerprint +[\w-]{43}$/m);
    expect(made.out).toMatch(/^spoken +(\d{5} ){7}\d{5}$/m);
    const [, steps = ''] = made.err.split('Next:\n');
    expect(
      steps
        .trimEnd()
        .split('\n')
        .map((step) => step.trim().split(' ').slice(0, 2).join(' ')),
    ).toEqual(['caseref serve', 'caseref card', 'caseref partner']);
  });

  test('init takes relative paths from where it was called, and closes the directory to others', async () => {
    expect((await stat(join(folder, 'node'))).mode & 0o777).toBe(0o700);
    expect((await readdir(folder)).sort()).toEqual(['node', 'reference.json']);
  });

  test('a second init overwrites nothing', async () => {
    const who = ['--issuer', 'http://localhost:8440', '--name', 'B', '--type', 'hotline', '--jurisdiction', 'DE'];
    const { code, err } = await on(['init', ...who]);
    expect([code, err]).toEqual([1, expect.stringContaining('state-conflict')]);
  });

  test('a client gets its token on stdout, alone', async () => {
    const { code, out, err } = await on(['client', 'create', 'case system', '--scope', 'references:read']);
    expect([code, out]).toEqual([0, expect.stringMatching(/^caseref_[\w-]{43}\n$/)]);
    expect(err).not.toContain(out.trim());
  });

  test('a reference is submitted from standard input; its address is masked', async () => {
    const { code, out } = await on(['reference', 'submit', '-', '--json'], environment(), JSON.stringify(reference));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      reference: { url: 'hxxps://files[.]host[.]example/…', state: 'open', direction: 'out' },
      decisions: [],
      duplicates: [],
    });
  });

  test('what the gates refuse is named by code, pointer and next step', async () => {
    const wrong = JSON.stringify({ ...reference, category: 'nonsense' });
    const { code, out, err } = await on(['reference', 'submit', '-'], environment(), wrong);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^✗ category-unknown at \/category: .+\n {2}next: .+\n$/);
  });
});

describe('what opens the key store', () => {
  test('is asked for by name when it is missing', async () => {
    const { code, err } = await on(['reference', 'list'], withoutPassphrase());
    expect([code, err]).toEqual([2, expect.stringContaining('CASEREF_PASSPHRASE_FILE')]);
  });

  test('is refused when it is wrong', async () => {
    const { code, err } = await on(['reference', 'list'], { ...environment(), CASEREF_PASSPHRASE: 'some other words' });
    expect([code, err]).toEqual([1, expect.stringContaining('passphrase-wrong')]);
  });

  test('may stand in a file that only the operator reads', async () => {
    const file = join(folder, 'passphrase');
    await writeFile(file, `${PASSPHRASE}\n`, { mode: 0o600 });
    const { code, out } = await on(['keys', 'fingerprint', '--json'], {
      ...withoutPassphrase(),
      CASEREF_PASSPHRASE_FILE: file,
    });
    expect([code, Object.keys(JSON.parse(out))]).toEqual([0, ['fingerprint', 'spoken']]);
  });

  test('opens no key file that others can read', async () => {
    const file = join(folder, 'node', 'keys', 'node.key');
    await chmod(file, 0o644);
    const { code, err } = await on(['reference', 'list']);
    await chmod(file, 0o600);
    expect([code, err]).toEqual([1, expect.stringMatching(/file-mode-lax.*\n {2}next: .*chmod 600/)]);
  });
});

describe('beside a running node', () => {
  let node: ReturnType<typeof start>;
  let finished: Promise<Ran>;
  let id = '';

  beforeAll(async () => {
    node = start(['serve'], environment());
    finished = ended(node);
    const ready = Promise.withResolvers<void>();
    node.stderr?.on('data', (text: string) => text.includes('fewer than two operators') && ready.resolve());
    await Promise.race([ready.promise, finished.then(({ err }) => Promise.reject(new Error(err)))]);
  });

  afterAll(async () => {
    node.kill('SIGKILL');
    await finished;
  });

  test('commands need no passphrase: they go through its socket', async () => {
    const { code, out } = await on(['reference', 'list', '--json'], withoutPassphrase());
    expect(code).toBe(0);
    const { items, next } = JSON.parse(out);
    expect([items.length, next, items[0].url]).toEqual([1, null, 'hxxps://files[.]host[.]example/…']);
    id = items[0].id;
  });

  test('an import answers for each line, and exits 1 for a refused one', async () => {
    const lines = [
      JSON.stringify({ ...reference, url: `${reference.url}/2` }),
      '',
      JSON.stringify({ ...reference, url: 'data:text/plain,a' }),
      '{"cut',
      `{"a":"${'x'.repeat(70_000)}"}`,
      JSON.stringify({ ...reference, url: `${reference.url}/3` }),
    ];
    await writeFile(join(folder, 'references.ndjson'), lines.join('\n'));
    const args = ['reference', 'import', 'references.ndjson', '--results', 'results.ndjson'];
    const { code, out, err } = await on(args, withoutPassphrase());
    expect(code).toBe(1);
    expect(out).toMatch(/^taken +2\nrefused +3$/m);
    expect(err.match(/^✗ .*? at line \d+/gm)).toEqual([
      '✗ media-refused at line 3',
      '✗ json-invalid at line 4',
      '✗ too-large at line 5',
    ]);
    const results = (await readFile(join(folder, 'results.ndjson'), 'utf8')).trim().split('\n');
    expect(results.map((line) => JSON.parse(line)).map(({ line, status }) => [line, status])).toEqual([
      [1, 'shared'],
      [3, 'refused'],
      [4, 'refused'],
      [5, 'refused'],
      [6, 'shared'],
    ]);
    expect((await stat(join(folder, 'results.ndjson'))).mode & 0o777).toBe(0o600);
  });

  test('an import larger than one call answers for each line, in order', async () => {
    const lines = Array.from({ length: 450 }, (_, at) =>
      JSON.stringify({ ...reference, url: `${reference.url}/many/${at}` }),
    );
    const { code, out } = await on(['reference', 'import', '-', '--json'], withoutPassphrase(), lines.join('\n'));
    expect(code).toBe(0);
    const numbers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).line);
    expect(numbers).toEqual(lines.map((_, at) => at + 1));
  });

  test('a page tells how to read on, and reading on repeats nothing', async () => {
    const first = await on(['reference', 'list', '--limit', '2'], withoutPassphrase());
    const [, cursor = ''] = /--cursor (\S+)/.exec(first.err) ?? [];
    const second = await on(['reference', 'list', '--limit', '2', '--cursor', cursor], withoutPassphrase());
    const idsOf = ({ out }: Ran) =>
      out
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(' ')[0]);
    expect(new Set([...idsOf(first), ...idsOf(second)]).size).toBe(4);
  });

  test('the address is masked without a purpose, and shown whole with one, which is recorded', async () => {
    const masked = await on(['reference', 'show', id], withoutPassphrase());
    expect([masked.code, masked.out]).toEqual([0, expect.stringContaining('hxxps://files[.]host[.]example/…')]);
    const args = ['reference', 'show', id, '--reveal', '--purpose', 'audit', '--json'];
    const whole = await run(args, { environment: withoutPassphrase() });
    expect(JSON.parse(whole.out)).toMatchObject({ id, url: reference.url, history: {}, decisions: [], deliveries: [] });
    const events = await on(['events', '--limit', '500', '--json'], withoutPassphrase());
    expect(JSON.parse(events.out).items).toContainEqual(
      expect.objectContaining({
        type: 'address.revealed',
        code: 'audit',
        reference: { originator: 'http://localhost:8440', id },
      }),
    );
  });

  test('what a running node refuses is refused here', async () => {
    const [gone, retry] = await Promise.all([
      on(['reference', 'show', '00000000-0000-4000-8000-000000000000'], withoutPassphrase()),
      on(['delivery', 'retry', '00000000-0000-4000-8000-000000000000', '--json'], withoutPassphrase()),
    ]);
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('not-found')]);
    expect([retry.code, JSON.parse(retry.err).code]).toEqual([1, 'delivery-unknown']);
  });

  test('a deny is added, listed disarmed, and removed', async () => {
    const document = JSON.stringify({ id: 'by-file', destination: ['AQ'], ground: 'legal' });
    const args = ['policy', 'deny', 'add', '--host', 'bad.host.example', '--ground', 'mandate', '--id', 'by-hand'];
    expect((await on(args, withoutPassphrase())).code).toBe(0);
    expect((await on(['policy', 'deny', 'add', '--file', '-'], withoutPassphrase(), document)).code).toBe(0);
    const listed = await on(['policy', 'deny', 'list'], withoutPassphrase());
    expect(listed.out).toMatch(/^by-file .*AQ/m);
    expect(listed.out).toMatch(/^by-hand .*bad\[\.\]host\[\.\]example/m);
    expect((await on(['policy', 'deny', 'remove', 'by-hand'], withoutPassphrase())).code).toBe(0);
    expect((await on(['policy', 'deny', 'remove', 'by-hand'], withoutPassphrase())).code).toBe(1);
  });

  test('a policy is checked without being stored', async () => {
    const { code, err } = await on(['policy', 'check', '-'], withoutPassphrase(), '{"partner":"https://a.example"}');
    expect([code, err]).toEqual([1, expect.stringMatching(/^✗ policy-invalid at \/\w+/)]);
  });

  test('our own card is no partner', async () => {
    const { out: card } = await on(['card'], withoutPassphrase());
    const { code, err } = await on(['partner', 'add', '-'], withoutPassphrase(), card);
    expect([code, err]).toEqual([1, expect.stringContaining('card-invalid at /iss')]);
  });

  test('followed events come as they happen, until Ctrl-C', async () => {
    const follower = start(['events', '--follow', '--json'], withoutPassphrase());
    const seen = Promise.withResolvers<void>();
    follower.stdout
      ?.setEncoding('utf8')
      .on('data', (text: string) => text.includes('client.revoked') && seen.resolve());
    const followed = ended(follower);
    const { out } = await on(['client', 'create', 'b', '--scope', 'events:read', '--json'], withoutPassphrase());
    await on(['client', 'revoke', JSON.parse(out).id], withoutPassphrase());
    await seen.promise;
    follower.kill('SIGINT');
    expect((await followed).code).toBe(0);
  });

  test('a reader that has seen enough is no error', async () => {
    const child = start(['reference', 'list', '--limit', '500', '--json'], withoutPassphrase());
    child.stdout?.destroy();
    const { code, err } = await ended(child);
    expect([code, err]).toEqual([0, '']);
  });

  test.runIf(process.platform === 'linux')('its arguments hold no secret', () => {
    const line = readFileSync(`/proc/${node.pid}/cmdline`, 'utf8');
    expect(line).toContain('serve');
    expect(line).not.toContain(PASSPHRASE);
  });

  test('a second node on the same directory cannot start', async () => {
    const { code, err } = await on(['serve']);
    expect([code, err]).toEqual([3, expect.stringContaining('store-locked')]);
  });

  test('a node that does not answer any more is said to be out of reach', async () => {
    node.kill('SIGKILL');
    await finished;
    // Another process has its pid now, for all one can tell: this one.
    const record = { pid: process.pid, socket: join(folder, 'node', 'gone.sock'), startedAt: '', node: '' };
    await writeFile(join(folder, 'node', 'run', `${process.pid}.json`), JSON.stringify(record));
    const { code, err } = await on(['events', '--follow'], withoutPassphrase());
    expect([code, err]).toEqual([3, expect.stringContaining('caseref serve')]);
  });

  test('a node that was killed starts again, says what it cannot promise, and stops at once when it is told to', async () => {
    const again = start(['serve', '--json'], environment());
    again.stdout?.once('data', () => again.kill('SIGTERM'));
    const { code, out, err } = await ended(again);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ issuer: 'http://localhost:8440', store: 'embedded', addresses: {} });
    expect(Object.keys(JSON.parse(out).addresses)).toEqual(['peer', 'api', 'portal', 'private']);
    expect(err).toMatch(/fsync off.*power cut/);
    expect(err).toContain('not for production');
    expect(err).toContain('recorded, a second person is not enforced');
    const left = await readdir(join(folder, 'node'));
    expect(left.filter((name) => name.endsWith('.sock'))).toEqual([]);
  });
});

test('nothing printed the address, the passphrase or where in the program it happened', () => {
  const all = printed.join('\n');
  expect(all).toContain('hxxps://');
  expect(all).not.toContain(URL_PATH);
  expect(all).not.toContain(PASSPHRASE);
  expect(all).not.toMatch(/^\s+at .*\.ts/m);
});
