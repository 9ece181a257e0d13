import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { unlockSecrets } from '../../src/keys/container.ts';
import { type Canary, watchProcess } from './canary.ts';
import { type CliNode, introduce, makeNode } from './cli-node.ts';
import { type ForeignPartner, foreignPartner, freshJti, wireReference } from './foreign-partner.ts';
import { freshDatabase } from './postgres.ts';

// A day of a hotline on PostgreSQL and a police unit on the embedded store, with names and numbers that stand nowhere else:
// shared, revised, found again, refused at every door, undelivered, dead, come back, withdrawn.

const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));
const PASSPHRASE = 'invented words for tests only';
const HOST = 'zk7canaryhost.example';
export const URL_ = `https://${HOST}/zk7canarypath/4?view=zk7canaryquery#zk7canaryfragment`;

/** What stands in addresses and handles: encrypted in the store, masked for people, and nowhere else. */
export const sensitive: Canary[] = [
  { name: 'host', text: 'zk7canaryhost' },
  { name: 'path', text: 'zk7canarypath' },
  { name: 'query', text: 'zk7canaryquery' },
  { name: 'fragment', text: 'zk7canaryfragment' },
  { name: 'referrer', text: 'zk7canaryreferrer' },
  { name: 'handle', text: 'ZK7-CANARY-2026' },
];
/** What only one side may ever have seen. */
export const secrets: Canary[] = [
  { name: 'passphrase', text: PASSPHRASE },
  { name: 'wrong token', text: 'caseref_zk7canarywrongtoken' },
];

export let hotline: CliNode;
export let police: CliNode;
let partner: ForeignPartner;
const broken: Server[] = [];
export let database: Awaited<ReturnType<typeof freshDatabase>>;
let folder: string;

/** What was said where nothing sensitive may be said; by its source. */
export const said = new Map<string, string>();
/** What people were shown of a reference: hosts and handles belong there, whole addresses do not. */
export let shown = '';
export const visible: Promise<string>[] = [];

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
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ err: 'invalid_request', description: `${URL_} ZK7-CANARY-2026` }));
  });
  broken.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const push = `http://127.0.0.1:${(server.address() as AddressInfo).port}/exchange/push`;
  const card = partner.card({ key_set: partner.keySet({ endpoints: { push } }) });
  expect((await run(node, ['partner', 'add', '-'], card)).code).toBe(0);
  expect((await run(node, ['partner', 'confirm', partner.issuer, '--fingerprint', partner.identity.kid])).code).toBe(0);
  await setPolicy(node, partner.issuer);
}

export let token: string;

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

/** Gives the id of the reference that it submitted. */
async function workOfTheTerminal(): Promise<string> {
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
  return id;
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

/** Lives through the day; both nodes are stopped at its end. */
export async function liveThroughTheDay(postgresUrl: string): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'caseref-canary-'));
  database = await freshDatabase(postgresUrl);
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
  const withdrawn = await workOfTheTerminal();
  const { out } = await run(hotline, ['delivery', 'list', '--state', 'queued', '--json']);
  for (const { id } of (JSON.parse(out) as { items: { id: string }[] }).items.slice(0, 3))
    await run(hotline, ['delivery', 'retry', id]);
  await until('references at the police unit', async () =>
    (await run(police, ['reference', 'list', '--json'])).out.includes('zk7canaryhost'),
  );
  const erased = await run(hotline, ['reference', 'withdraw', withdrawn, '--reason', 'legal', '--purge', '--yes']);
  say('a withdrawal', erased.out);
  expect(erased.code).toBe(0);
  for (const listener of inner) say('metrics', await (await fetch(`${listener}/metrics`)).text());
  await allEvents(hotline);
  await allEvents(police);
  say('feed', (await call('GET', '/v1/events?limit=500')).text);
  await stop(hotline);
  await stop(police);
}

/** Ends what still runs and removes it all. */
export async function clearAway(): Promise<void> {
  for (const node of serving.keys()) await stop(node);
  await partner?.close();
  for (const server of broken) server.close();
  await Promise.all([hotline?.remove(), police?.remove()]);
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
}
