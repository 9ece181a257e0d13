import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { secret } from '../../src/config.ts';
import { isRefusal } from '../../src/domain/refusal.ts';
import { initNode } from '../../src/node.ts';
import { passedOn } from './passed-on.ts';
import { freePort } from './ports.ts';
import { storeTemplate } from './store-template.ts';

const entry = fileURLToPath(new URL('../../src/cli/caseref.ts', import.meta.url));
const PASSPHRASE = 'invented words for tests only';
const SCHEMA = 'caseref';
/** The least work factor that the key store takes: these keys live for seconds. */
const COST = 2 ** 14;

export interface CliAnswer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A node that is driven as an operator drives it: real processes of the real CLI, a directory of its own. */
export interface CliNode {
  readonly issuer: string;
  readonly api: string;
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  run(...args: string[]): Promise<CliAnswer>;
  /** Runs a command with `--json` that must succeed and gives its body. */
  json<Body>(...args: string[]): Promise<Body>;
  serve(): Promise<ChildProcess>;
  remove(): Promise<void>;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

async function runCli(args: readonly string[], environment: NodeJS.ProcessEnv, input?: string): Promise<CliAnswer> {
  const child = spawn(process.execPath, [entry, ...args], { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  const chunks = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    chunks.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    chunks.err += text;
  });
  child.stdin.end(input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...chunks };
}

export interface CliNodeSettings {
  readonly name: string;
  readonly type: string;
  readonly jurisdiction: string;
  readonly database?: string | undefined;
  readonly pollOnly?: true;
}

/**
 * What `caseref init` makes (test/cli/node.test.ts and contact.test.ts run that), without its price: a process, the full
 * work factor of the passphrase and the migrations of an embedded store.
 */
async function makeDirectory(
  dataDir: string,
  given: CliNodeSettings & { readonly issuer: string; readonly ports: Record<'peer' | 'api' | 'portal', number> },
): Promise<void> {
  const { issuer, name, type, jurisdiction, database, pollOnly, ports } = given;
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const settings = {
    ...{ issuer, name, type, jurisdictions: jurisdiction.split(',') },
    ...{ peer: at(ports.peer), api: at(ports.api), portal: at(ports.portal) },
    ...(database !== undefined && { schema: SCHEMA }),
    ...(pollOnly && { pollOnly }),
  };
  const store =
    database === undefined
      ? ({ kind: 'embedded' } as const)
      : ({ kind: 'postgres', url: secret(database), schema: SCHEMA } as const);
  const template = database === undefined ? { templateDir: await storeTemplate() } : {};
  const made = await initNode({ dataDir, settings, store, passphrase: secret(PASSPHRASE), cost: COST, ...template });
  if (isRefusal(made)) throw new Error(`no node was made: ${made.code} ${made.pointer} ${made.message}`);
}

/** Makes a node on loopback, embedded unless a database is named. */
export async function makeNode(given: CliNodeSettings): Promise<CliNode> {
  const directory = join(await mkdtemp(join(tmpdir(), 'caseref-node-')), 'node');
  const [peer, api, portal] = [await freePort(), await freePort(), await freePort()];
  const issuer = `http://127.0.0.1:${peer}`;
  const environment: NodeJS.ProcessEnv = {
    ...passedOn,
    HOME: process.env.HOME,
    CASEREF_DATA: directory,
    CASEREF_PASSPHRASE: PASSPHRASE,
    CASEREF_LOG_LEVEL: 'warn',
    ...(given.database !== undefined && { CASEREF_DATABASE: given.database }),
  };
  await makeDirectory(directory, { ...given, issuer, ports: { peer, api, portal } });
  const run = (...args: string[]) => runCli(args, environment);
  return {
    issuer,
    api: `http://127.0.0.1:${api}`,
    directory,
    environment,
    run,
    async json<Body>(...args: string[]) {
      const answer = await run(...args, '--json');
      if (answer.code !== 0)
        throw new Error(`${args.slice(0, 2).join(' ')} failed (${answer.code}): ${answer.err} ${answer.out}`);
      return JSON.parse(answer.out) as Body;
    },
    async serve() {
      const child = spawn(process.execPath, [entry, 'serve'], {
        env: environment,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      for (let tries = 0; tries < 300; tries += 1) {
        const ready = await Promise.all([peer, api, portal].map((port) => answers(`http://127.0.0.1:${port}/health`)));
        if (ready.every(Boolean)) return child;
        if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`);
        await pause(100);
      }
      throw new Error('serve did not become ready in 30 s');
    },
    remove: () => rm(join(directory, '..'), { recursive: true, force: true }),
  };
}

/** What a policy says beyond sending and taking everything. */
export interface Terms {
  readonly perMinute?: number;
  readonly encryption?: 'required' | 'none';
}

/** A policy that sends and takes every category. */
function openPolicy(partner: string, { perMinute, encryption = 'none' }: Terms) {
  return {
    partner,
    legal: { basis: 'agreement of two invented organisations', transfer: 'none' },
    send: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'send' }] },
    receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' }], ...(perMinute && { perMinute }) },
    security: { algs: ['Ed25519'], encryption },
  };
}

/** Introduces two nodes to each other as their operators would: card, fingerprint, policy, on both sides. */
export async function introduce(one: CliNode, other: CliNode, terms: Terms = {}): Promise<void> {
  for (const [node, partner] of [
    [one, other],
    [other, one],
  ] as const) {
    const { card } = await partner.json<{ card: string }>('card');
    const cardFile = join(node.directory, 'partner.card');
    await writeFile(cardFile, card);
    await node.json('partner', 'add', cardFile);
    const { fingerprint } = await partner.json<{ fingerprint: string }>('keys', 'fingerprint');
    await node.json('partner', 'confirm', partner.issuer, '--fingerprint', fingerprint);
    const policyFile = join(node.directory, 'policy.json');
    await writeFile(policyFile, JSON.stringify(openPolicy(partner.issuer, terms)));
    await node.json('policy', 'set', partner.issuer, policyFile);
  }
}

/** Makes a client with every scope and gives its token. */
export async function clientToken(node: CliNode): Promise<string> {
  const scopes = 'references:write,references:read,references:locate,events:read,partners:read';
  const { token } = await node.json<{ token: string }>('client', 'create', 'bench', '--scope', scopes);
  return token;
}
