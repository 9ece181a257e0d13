import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { unlockSecrets } from '../src/keys/container.ts';
import { type Canary, type Seeker, seekerOf, seekFiles, spellingsOf, watchProcess } from './support/canary.ts';
import { type CliNode, introduce, makeNode } from './support/cli-node.ts';
import { type ForeignPartner, foreignPartner, freshJti, wireReference } from './support/foreign-partner.ts';
import { freshDatabase } from './support/postgres.ts';

// A day of two nodes with names and numbers that stand nowhere else; then every place that somebody could read is searched
// for them. Blind indexes and ciphertext may stand there; the words may not.

const entry = fileURLToPath(new URL('../src/cli/caseref.ts', import.meta.url));
const PASSPHRASE = 'invented words for tests only';
const HOST = 'zk7canaryhost.example';
const URL_ = `https://${HOST}/zk7canarypath/4?view=zk7canaryquery#zk7canaryfragment`;

/** What stands in addresses and handles: encrypted in the store, masked for people, and nowhere else. */
const sensitive: Canary[] = [
  { name: 'host', text: 'zk7canaryhost' },
  { name: 'path', text: 'zk7canarypath' },
  { name: 'query', text: 'zk7canaryquery' },
  { name: 'fragment', text: 'zk7canaryfragment' },
  { name: 'referrer', text: 'zk7canaryreferrer' },
  { name: 'handle', text: 'ZK7-CANARY-2026' },
];
/** What only one side may ever have seen. */
const secrets: Canary[] = [
  { name: 'passphrase', text: PASSPHRASE },
  { name: 'wrong token', text: 'caseref_zk7canarywrongtoken' },
];

let hotline: CliNode;
let police: CliNode;
let partner: ForeignPartner;
let broken: Server;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let folder: string;

/** What was said where nothing sensitive may be said; by its source. */
const said = new Map<string, string>();
/** What people were shown of a reference: hosts and handles belong there, whole addresses do not. */
let shown = '';
const visible: Promise<string>[] = [];

const say = (source: string, text: string) => said.set(source, `${said.get(source) ?? ''}${text}\n`);

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command as an operator does, watched from outside. */
async function run(node: CliNode, args: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [entry, ...args], { env: node.environment, stdio: ['pipe', 'pipe', 'pipe'] });
  const ran = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ran.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ran.err += text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  visible.push(watchProcess(child.pid ?? 0, closed));
  child.stdin.end(input);
  const [code] = await closed;
  say(`stderr of ${args.slice(0, 2).join(' ')}`, ran.err);
  return { code, ...ran };
}

const serving = new Map<CliNode, ChildProcess>();

async function serve(node: CliNode): Promise<void> {
  const child = spawn(process.execPath, [entry, 'serve'], { env: node.environment, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => say('log of a node', text));
  visible.push(watchProcess(child.pid ?? 0, once(child, 'exit')));
  serving.set(node, child);
  await until(
    'the node to answer',
    async () => (await fetch(`${node.api}/health`).catch(() => undefined))?.ok === true,
  );
}

async function stop(node: CliNode): Promise<void> {
  const child = serving.get(node);
  serving.delete(node);
  if (!child) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await holds()) return;
    await pause(100);
  }
  throw new Error(`it never came to this: ${what}`);
}

function reference(n: number, changes: Record<string, unknown> = {}) {
  return {
    url: `${URL_}-${n}`,
    jurisdiction: { hosting: 'DE', reporting: 'NL' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
    access: { referrer: `https://zk7canaryreferrer.example/thread/${n}` },
    handles: [{ system: 'own', id: `ZK7-CANARY-2026/${n}` }],
    ...changes,
  };
}

/** Private members and the master key of a node, as they are and as bytes. */
async function keysOf(node: CliNode): Promise<Canary[]> {
  const texts: string[] = [];
  for (const [holds, file] of [
    ['node', 'node.key'],
    ['identity', 'identity.key'],
  ] as const) {
    const opened = await unlockSecrets(holds, await readFile(join(node.directory, 'keys', file), 'utf8'), PASSPHRASE);
    JSON.stringify(opened, (name, value: unknown) => {
      if ((name === 'd' || name === 'master') && typeof value === 'string') texts.push(value);
      return value;
    });
  }
  expect(texts.length).toBeGreaterThan(2);
  return texts.flatMap((text, n) => [
    { name: `private key ${n}`, text },
    { name: `private key ${n} in hex`, text: Buffer.from(text, 'base64url').toString('hex') },
    { name: `private key ${n} in base64`, text: Buffer.from(text, 'base64url').toString('base64').slice(0, 42) },
  ]);
}

async function privateListener(node: CliNode): Promise<string> {
  const file = join(node.directory, 'node.json');
  const settings = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await once(probe.close(), 'close');
  await writeFile(file, JSON.stringify({ ...settings, private: { host: '127.0.0.1', port } }));
  return `http://127.0.0.1:${port}`;
}

const rule = (then: string) => ({ id: 'all', when: { category: ['*'] }, ...Object.fromEntries([['then', then]]) });

async function setPolicy(node: CliNode, issuer: string): Promise<void> {
  const policy = {
    partner: issuer,
    legal: { basis: 'agreement of two invented organisations', transfer: 'none' },
    send: { rules: [rule('send')], disclose: { handles: 'always', access: true } },
    receive: { rules: [rule('accept')] },
    security: { algs: ['Ed25519'], encryption: 'none' },
  };
  const answer = await run(node, ['policy', 'set', issuer, '-'], JSON.stringify(policy));
  if (answer.code !== 0) throw new Error(answer.err);
}

/** A partner that refuses whatever it gets, and repeats it in its answer. */
async function meetBrokenPartner(node: CliNode): Promise<void> {
  broken = createServer((request, response) => {
    request.resume();
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ err: 'invalid_request', description: `${URL_} ZK7-CANARY-2026` }));
  });
  await once(broken.listen(0, '127.0.0.1'), 'listening');
  const push = `http://127.0.0.1:${(broken.address() as AddressInfo).port}/exchange/push`;
  const card = partner.card({ key_set: partner.keySet({ endpoints: { push } }) });
  expect((await run(node, ['partner', 'add', '-'], card)).code).toBe(0);
  expect((await run(node, ['partner', 'confirm', partner.issuer, '--fingerprint', partner.identity.kid])).code).toBe(0);
  await setPolicy(node, partner.issuer);
}

let token: string;

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${hotline.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  // The head of an answer is what proxies log.
  say('heads of answers', JSON.stringify([...answer.headers]));
  if (answer.status >= 400) say('problem bodies', text);
  return { status: answer.status, text };
}

/** Shared, a duplicate, revised, found again, refused in every way. */
async function workOfTheApi(): Promise<void> {
  const { text } = await call('POST', '/v1/references', reference(1), { 'idempotency-key': 'zk7' });
  const { id } = (JSON.parse(text) as { reference: { id: string } }).reference;
  expect((await call('POST', '/v1/references', reference(1))).status).toBe(201);
  expect(
    (await call('PUT', `/v1/references/${id}`, reference(1, { category: 'grooming' }), { 'if-match': '"1"' })).status,
  ).toBe(200);
  for (const body of [{ url: `${URL_}-1` }, { host: HOST }])
    expect((await call('POST', '/v1/references:search', body)).status).toBe(200);
  const refused: Record<string, unknown>[] = [
    { url: `https://user:zk7canarypath@${HOST}/` },
    { url: `gopher://${HOST}/zk7canarypath` },
    { [URL_]: 1 },
    { 'ZK7-CANARY-2026': 1 },
    { site: { [`${HOST}/thumbnail`]: 1 } },
    { category: 'zk7canarypath' },
    { handles: [{ system: 'zk7canaryquery', id: 'ZK7-CANARY-2026!' }] },
    { handles: [{ system: 'own', id: `ZK7-CANARY-2026 ${'0123456789abcdef'.repeat(2)}` }] },
    { jurisdiction: { hosting: 'zk7canaryhost' } },
    { assessments: [{ scheme: 'zk7canaryquery', code: URL_ }] },
  ];
  for (const changes of refused) expect((await call('POST', '/v1/references', reference(2, changes))).status).toBe(422);
  await call('POST', '/v1/references', `{"url":"${URL_}",`);
  await call('POST', '/v1/references', reference(3), { 'content-type': 'text/zk7canaryquery' });
  await call('POST', '/v1/references', reference(1, { category: 'grooming' }), { 'idempotency-key': 'zk7' });
  await call('GET', `/v1/references?host=${HOST}&cursor=zk7canaryquery`);
  await call('GET', `/v1/references/${encodeURIComponent(URL_)}`);
  await call('GET', `/zk7canarypath?token=caseref_zk7canarywrongtoken`);
  await call('GET', '/v1/events?after=zk7canaryquery');
  await call('GET', '/v1/references', undefined, { authorization: 'Bearer caseref_zk7canarywrongtoken' });
  const batch = [reference(4), { url: URL_ }, URL_].map((one) => JSON.stringify(one)).join('\n');
  const { text: results } = await call('POST', '/v1/references:batch', batch, {
    'content-type': 'application/x-ndjson',
  });
  say('problem bodies', results.split('\n').slice(1).join('\n'));
}

async function workOfTheTerminal(): Promise<void> {
  const file = join(folder, 'lines.ndjson');
  await writeFile(
    file,
    [reference(5), reference(6, { url: 'zk7canarypath' }), URL_].map((one) => JSON.stringify(one)).join('\n'),
  );
  const submitted = await run(hotline, ['reference', 'submit', '-', '--json'], JSON.stringify(reference(7)));
  const { id } = (JSON.parse(submitted.out) as { reference: { id: string } }).reference;
  say('import', (await run(hotline, ['reference', 'import', file])).out);
  say(
    'a refused submission',
    (await run(hotline, ['reference', 'submit', '-'], JSON.stringify({ ...reference(8), url: `x:${URL_}` }))).out,
  );
  for (const node of [hotline, police])
    for (const args of [
      ['delivery', 'list'],
      ['delivery', 'list', '--json'],
      ['events', '--json'],
      ['doctor'],
      ['partner', 'list'],
      ['client', 'list'],
    ])
      say(args.join(' '), (await run(node, args)).out);
  for (const args of [
    ['reference', 'list'],
    ['reference', 'list', '--json'],
    ['reference', 'show', id],
    ['reference', 'show', id, '--json'],
  ])
    shown += (await run(hotline, args)).out;
  const whole = await run(hotline, ['reference', 'show', id, '--reveal', '--purpose', 'investigation']);
  // The negative control of all that is masked: here it stands.
  expect(whole.out).toContain('zk7canarypath');
}

async function badPushes(): Promise<void> {
  const push = async (text: string, type?: string) =>
    say('answers to pushes', await (await partner.push(police, text, type)).text());
  const honest = (changes: Record<string, unknown>) =>
    partner.token(police, { jti: freshJti(), events: { 'urn:caseref:event:1:submitted': wireReference(changes) } });
  await push(URL_);
  await push(honest({ url: URL_ }), `text/zk7canaryquery`);
  await push(`${honest({ url: URL_ }).slice(0, -8)}AAAAAAAA`);
  await push(partner.token(police, { zk7canaryquery: URL_ }));
  await push(partner.token(police, { iss: 'https://zk7canaryhost.example' }));
  await push(partner.token(police, { jti: 'zk7canaryquery zk7' }));
  await push(`${'A'.repeat(40_000)}zk7canarypath`);
  await push(honest({ [URL_]: 1 }));
  await push(honest({ site: { [`${HOST}/thumbnail`]: 1 } }));
  await push(honest({ url: `https://${HOST}/?md5=${'0123456789abcdef'.repeat(2)}` }));
  await push(honest({ url: URL_, handles: [{ system: 'own', id: 'ZK7-CANARY-2026' }] }));
  await push(partner.token(police, { events: { 'urn:caseref:event:1:photographed': { url: URL_ } } }));
}

async function allEvents(node: CliNode): Promise<void> {
  const { out } = await run(node, ['events', '--json']);
  say('feed', out);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caseref-canary-'));
  database = await freshDatabase(inject('postgresUrl'));
  [hotline, police] = await Promise.all([
    makeNode({ name: 'Hotline of the canary', type: 'hotline', jurisdiction: 'NL', database: database.url }),
    makeNode({ name: 'Police of the canary', type: 'law-enforcement', jurisdiction: 'DE' }),
  ]);
  for (const node of [hotline, police]) node.environment.CASEREF_LOG_LEVEL = 'debug';
  const inner = [await privateListener(hotline), await privateListener(police)];
  await Promise.all([serve(hotline), serve(police)]);
  await introduce(hotline, police);
  await Promise.all([setPolicy(hotline, police.issuer), setPolicy(police, hotline.issuer)]);
  partner = await foreignPartner();
  await meetBrokenPartner(hotline);
  await meetBrokenPartner(police);
  const scopes = 'references:write,references:read,references:locate,events:read,partners:read';
  ({ token } = await hotline.json<{ token: string }>('client', 'create', 'canary', '--scope', scopes));
  secrets.push({ name: 'client token', text: token }, { name: 'end of the client token', text: token.slice(-30) });
  secrets.push(...(await keysOf(hotline)), ...(await keysOf(police)));

  // The police unit is down while the work is done, so that deliveries fail; then it comes back.
  await stop(police);
  await workOfTheApi();
  await until('failed attempts and a dead letter', async () => {
    const { out } = await run(hotline, ['delivery', 'list', '--json']);
    return out.includes('"dead"') && out.includes('connection-refused');
  });
  await serve(police);
  await badPushes();
  await workOfTheTerminal();
  const { out } = await run(hotline, ['delivery', 'list', '--state', 'queued', '--json']);
  for (const { id } of (JSON.parse(out) as { items: { id: string }[] }).items.slice(0, 3))
    await run(hotline, ['delivery', 'retry', id]);
  await until('references at the police unit', async () =>
    (await run(police, ['reference', 'list', '--json'])).out.includes('zk7canaryhost'),
  );
  for (const listener of inner) say('metrics', await (await fetch(`${listener}/metrics`)).text());
  await allEvents(hotline);
  await allEvents(police);
  say('feed', (await call('GET', '/v1/events?limit=500')).text);
  await stop(hotline);
  await stop(police);
}, 180_000);

afterAll(async () => {
  for (const node of serving.keys()) await stop(node);
  await partner?.close();
  broken?.close();
  await Promise.all([hotline?.remove(), police?.remove()]);
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

const everything = () => seekerOf([...sensitive, ...secrets]);

/** Every row of every table of the database, as JSON text; `bytea` columns, where ciphertext stands, are hex there. */
async function seekRows(seeker: Seeker): Promise<string[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, relname) as name from pg_stat_user_tables`,
    );
    expect(tables.length).toBeGreaterThan(15);
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select to_json(t)::text as row from ${name} t`);
      for (const { row } of rows) found.push(...seeker.seek(row).map((told) => `${name}: ${told}`));
    }
    return found;
  } finally {
    await client.end();
  }
}

/** The server's own files, write-ahead log included, after all of it is on the disk. */
async function seekServer(seeker: Seeker): Promise<string[]> {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  const { rows } = await client.query<{ data_directory: string }>('show data_directory');
  await client.query('checkpoint');
  await client.end();
  return seekFiles(rows[0]?.data_directory ?? '', seeker);
}

describe('addresses, hosts, handles, tokens and keys', () => {
  test('stand in no log line, metric, problem, answer to a push, feed, delivery list, finding or head', () => {
    expect([...said.keys()]).toEqual(
      expect.arrayContaining([
        'log of a node',
        'metrics',
        'problem bodies',
        'answers to pushes',
        'feed',
        'doctor',
        'heads of answers',
        'delivery list',
        'import',
      ]),
    );
    expect(said.get('log of a node')).toContain('push.refused');
    expect(said.get('problem bodies')).toContain('fingerprint-refused');
    expect(said.get('feed')).toContain('delivery.dead');
    const seeker = everything();
    expect([...said].flatMap(([source, text]) => seeker.seek(text).map((told) => `${source}: ${told}`))).toEqual([]);
  });

  test('are masked for people: neither path nor query, nor a token', () => {
    const masked = seekerOf([
      ...sensitive.filter(({ name }) => name !== 'host' && name !== 'handle' && name !== 'referrer'),
      ...secrets,
    ]);
    expect(shown).toContain('zk7canaryhost[.]example');
    expect(masked.seek(shown)).toEqual([]);
  });

  test('stand in no argument and no name of a process', async () => {
    const seen = await Promise.all(visible);
    expect(seen.join('\n')).toContain('serve');
    expect(everything().seek(seen.join('\n'))).toEqual([]);
  });

  test('stand in no file of the node with the embedded store, its data and write-ahead log included', async () => {
    expect(await seekFiles(police.directory, everything())).toEqual([]);
    expect(await seekFiles(hotline.directory, everything())).toEqual([]);
  });

  test('stand in no row and no file of PostgreSQL', async () => {
    expect(await seekRows(everything())).toEqual([]);
    expect(await seekServer(everything())).toEqual([]);
  });
});

describe('the search finds what was planted', () => {
  test.each([...spellingsOf('zk7canaryhost')])('in a log line, %s', (name, bytes) => {
    const line = Buffer.concat([Buffer.from('{"level":30,"msg":"'), bytes, Buffer.from('"}')]);
    expect(everything().seek(line).join('\n')).toContain(
      name.startsWith('URI') || name === 'masked' ? 'host, raw' : 'host,',
    );
  });

  test('at any place of a longer base64 text', () => {
    for (let shift = 0; shift < 6; shift += 1)
      expect(everything().seek(Buffer.from(`${'x'.repeat(shift)}${URL_}!`).toString('base64url'))).not.toEqual([]);
  });

  test('in the files of the embedded store', async () => {
    const store = await PGlite.create(join(police.directory, 'store'));
    await store.exec(
      `create table planted (note text); insert into planted values ('ZK7-CANARY-2026 and ${URL_}'); checkpoint`,
    );
    await store.close();
    const found = (await seekFiles(police.directory, everything())).join('\n');
    expect(found).toContain('host, raw');
    expect(found).toContain('handle, raw');
    expect(found).toMatch(/pg_wal/);
    expect(found).toMatch(/\/base\//);
  });

  test('in the rows and files of PostgreSQL', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(`create table planted (note jsonb)`);
    // Several rows: one alone may be cut in two by the head of a page of the write-ahead log.
    for (let row = 0; row < 5; row += 1)
      await client.query('insert into planted values ($1)', [JSON.stringify({ seen: [URL_, token] })]);
    await client.query('analyze planted');
    await client.end();
    const rows = (await seekRows(everything())).join('\n');
    expect(rows).toContain('planted: host, raw');
    expect(rows).toContain('planted: client token, raw');
    const files = (await seekServer(everything())).join('\n');
    expect(files).toMatch(/pg_wal.*host, raw/);
    expect(files).toMatch(/\/base\/.*host, raw/);
  });

  test('in the arguments of a process', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 400)', URL_]);
    expect(everything().seek(await watchProcess(child.pid ?? 0, once(child, 'exit')))).toContain('host, raw');
  });
});
