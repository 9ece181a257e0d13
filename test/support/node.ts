import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type NodeSettings, type RunSettings, secret } from '../../src/config.ts';
import { isRefusal, type Refusal } from '../../src/domain/refusal.ts';
import { createLog } from '../../src/log.ts';
import { initNode, type NodeOptions, type RunningNode, startNode } from '../../src/node.ts';
import type { OperationAnswer } from '../../src/operator/answer.ts';
import type { OperationAnswers, OperationArgs, OperationName } from '../../src/operator/operations.ts';
import { freePort } from './ports.ts';
import { storeTemplate } from './store-template.ts';

/** The least work factor that the key store takes: these keys live for seconds. */
const COST = 2 ** 14;

export const passphrase = secret('invented words for tests only');

export interface TestNodeSettings {
  readonly name?: string;
  readonly type?: string;
  readonly jurisdictions?: readonly string[];
  /** Address of a fresh PostgreSQL database; the embedded store where absent. */
  readonly database?: string;
  readonly withPrivate?: boolean;
  /** The node's clock, in milliseconds; the system's where absent. */
  readonly clock?: () => number;
  /** Ceiling of retention in days. */
  readonly retainDays?: number;
  /** Takes no inbound connection. */
  readonly pollOnly?: true;
  /** The address that it publishes, where something stands in front of its peer listener; that of the listener where absent. */
  readonly issuer?: string;
}

/** A whole node in this process: real listeners on loopback, a real store, a directory of its own. */
export interface TestNode {
  readonly issuer: string;
  readonly directory: string;
  readonly options: NodeOptions;
  /** The node as it runs now; after `restart` another one. */
  readonly running: RunningNode;
  /** Everything that was logged, as text. */
  logged(): string;
  /** Calls an operation that must be done, and gives its value. */
  ask<Name extends OperationName>(name: Name, args: OperationArgs[Name]): Promise<ValueOf<OperationAnswers[Name]>>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** Stops the node and removes its directory. */
  remove(): Promise<void>;
}

export type ValueOf<Answer> = Answer extends { ok: true; value: infer Value } ? Value : never;

/** Told of a refusal that a test did not expect. */
function agreed<Answer>(answer: Answer | Refusal): Answer {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.pointer} ${answer.message}`);
  return answer;
}

/** Settings of a node on loopback whose issuer is the address of its peer listener. */
export async function loopbackSettings(given: TestNodeSettings = {}): Promise<NodeSettings> {
  const [peer, api, portal, inner] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const at = (port: number) => ({ host: '127.0.0.1', port });
  return {
    issuer: given.issuer ?? `http://127.0.0.1:${peer}`,
    name: given.name ?? 'Hotline of the tests',
    type: given.type ?? 'hotline',
    jurisdictions: given.jurisdictions ?? ['DE'],
    peer: at(peer),
    api: at(api),
    portal: at(portal),
    ...(given.withPrivate && { private: at(inner) }),
    ...(given.database !== undefined && { schema: 'caseref' }),
    ...(given.retainDays !== undefined && { retainDays: given.retainDays }),
    ...(given.pollOnly && { pollOnly: given.pollOnly }),
  };
}

/** Makes a node and starts it. */
export async function testNode(given: TestNodeSettings = {}): Promise<TestNode> {
  const settings = await loopbackSettings(given);
  const folder = await mkdtemp(join(tmpdir(), 'caseref-test-'));
  const directory = join(folder, 'node');
  const store: RunSettings['store'] =
    given.database === undefined
      ? { kind: 'embedded' }
      : { kind: 'postgres', url: secret(given.database), schema: 'caseref' };
  agreed(
    await initNode({
      dataDir: directory,
      settings,
      store,
      passphrase,
      cost: COST,
      ...(given.clock && { clock: given.clock }),
      ...(given.database === undefined && { templateDir: await storeTemplate() }),
    }),
  );
  const lines: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } });
  const run: RunSettings = { logLevel: 'debug', trustProxy: false, store };
  const options: NodeOptions = {
    dataDir: directory,
    settings,
    run,
    passphrase,
    log,
    ...(given.clock && { clock: given.clock }),
  };
  let running = agreed(await startNode(options));
  const node: TestNode = {
    issuer: settings.issuer,
    directory,
    options,
    get running() {
      return running;
    },
    logged: () => lines.join(''),
    async ask<Name extends OperationName>(name: Name, args: OperationArgs[Name]) {
      const call = running.operations[name] as (given: unknown) => Promise<OperationAnswer>;
      const answer = await call(args);
      if (!answer.ok) throw new Error(`${name} was refused: ${JSON.stringify(answer.refusals)}`);
      return answer.value as ValueOf<OperationAnswers[Name]>;
    },
    stop: () => running.close(),
    async restart() {
      await running.close();
      running = agreed(await startNode(options));
    },
    async remove() {
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return node;
}

const rule = (id: string, category: string, outcome: string) =>
  Object.fromEntries([
    ['id', id],
    ['when', { category: [category] }],
    ['then', outcome],
  ]);

/** A policy that sends and takes everything. */
export function openPolicy(partner: string): Record<string, unknown> {
  return {
    partner,
    legal: { basis: 'Invented act, section 1', transfer: 'none' },
    send: { rules: [rule('all', '*', 'send')], disclose: { handles: 'always' } },
    receive: { rules: [rule('all', '*', 'accept')] },
  };
}

/** Makes `partner` known to `node`, pending until it is confirmed. */
export async function introduce(node: TestNode, partner: TestNode): Promise<{ fingerprint: string }> {
  const { card } = await partner.ask('card', {});
  return node.ask('partner.add', { card });
}

/** Introduces, confirms and sets an open policy, one way: `node` now knows `partner`. */
export async function befriendNode(node: TestNode, partner: TestNode): Promise<void> {
  const { fingerprint } = await introduce(node, partner);
  await node.ask('partner.confirm', { issuer: partner.issuer, fingerprint });
  await node.ask('policy.set', { issuer: partner.issuer, document: openPolicy(partner.issuer) });
}

/** Looks until there is something to see, and gives it; fails after a while with what was looked for. */
export async function eventually<Seen>(what: string, look: () => Promise<Seen | undefined | false>): Promise<Seen> {
  for (let tries = 0; tries < 150; tries += 1) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await pause(50);
  }
  throw new Error(`it never came to this: ${what}`);
}
