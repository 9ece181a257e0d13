import { randomBytes } from 'node:crypto';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { apiListener } from './api/listener.ts';
import {
  checkNodeSettings,
  checkVacant,
  type Listen,
  type NodeSettings,
  type RunSettings,
  writeNodeSettings,
} from './config.ts';
import { isRefusal, type Refusal, refuse } from './domain/refusal.ts';
import { systemChance } from './exchange/chance.ts';
import { createAuthenticate } from './exchange/clients.ts';
import type { Exchange } from './exchange/context.ts';
import { createDirectory } from './exchange/directory.ts';
import { checkDurability } from './exchange/durability.ts';
import { createHealth } from './exchange/health.ts';
import { checkPortal } from './exchange/liaison/portal-settings.ts';
import { publishKeys } from './exchange/publish.ts';
import { createReceive } from './exchange/receive.ts';
import { createRevise } from './exchange/revise.ts';
import { createShare, type Share } from './exchange/share.ts';
import { startWitness, withWitness } from './exchange/witness.ts';
import { startWorkers } from './exchange/workers.ts';
import { createKeyStore, type KeyStore, openKeyStore } from './keys/keystore.ts';
import { checkSecretDirectory } from './keys/secret-file.ts';
import { createLog, type Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createOperations, type Operations } from './operator/operations.ts';
import { privateListener } from './operator/private-listener.ts';
import { openOperatorSocket } from './operator/socket.ts';
import { peerListener } from './peer/listener.ts';
import { portalListener } from './portal/listener.ts';
import { createDoor } from './portal/sign-in/sign-in.ts';
import type { Store, StoreSettings } from './store/open.ts';
import { checkOwner, forgetNode, insertNode, nodeIssuer } from './store/own-node.ts';
import { openReadyStore } from './store/ready.ts';
import { createTransport } from './transport/transport.ts';
import { isLoopbackIssuer } from './wire/issuer.ts';

/** A node as it is asked to run. */
export interface NodeOptions {
  /** The node's directory: `node.json`, `keys/`, the embedded store, the operator's socket. */
  readonly dataDir: string;
  readonly settings: NodeSettings;
  readonly run: RunSettings;
  readonly passphrase: { reveal(): string };
  /** Where log lines go; the node's own on stderr where absent. */
  readonly log?: Log;
  readonly clock?: () => number;
  /** Asked while another process holds the embedded store: true to try again. Refused at once where absent. */
  readonly whileLocked?: () => Promise<boolean>;
}

/** A node without listeners and workers: what the command line uses where none is running. */
export interface OpenedNode {
  readonly exchange: Exchange;
  readonly operations: Operations;
  close(): Promise<void>;
}

export interface RunningNode extends OpenedNode {
  /** Where the listeners listen, as URLs. */
  readonly addresses: {
    readonly peer: string;
    readonly api: string;
    readonly portal: string;
    readonly private?: string;
  };
  /** Path of the operator's socket. */
  readonly socket: string;
}

/** How long a closing node waits for what is under way. */
const CLOSE_MS = 10_000;
const SWEEP_MS = 50;

const keysOf = (dataDir: string) => join(dataDir, 'keys');
const storeOf = (dataDir: string) => join(dataDir, 'store');
const placeOf = ({ dataDir, run }: NodeOptions) => ({ dataDir, run });

interface Assembled {
  readonly exchange: Exchange;
  readonly share: Share;
  /** Gives the delivery worker's bell to everything that queues a delivery. */
  wakeWith(bell: () => void): void;
  close(): Promise<void>;
}

// --- opening ---

function storeSettings(dataDir: string, store: RunSettings['store']): StoreSettings {
  return store.kind === 'embedded'
    ? { kind: 'embedded', directory: storeOf(dataDir) }
    : { kind: 'postgres', url: store.url.reveal(), schema: store.schema };
}

interface Ingredients {
  readonly settings: NodeSettings;
  readonly keys: KeyStore;
  readonly store: Store;
  readonly log: Log;
  readonly clock: () => number;
}

function assemble({ settings, keys, store, log, clock }: Ingredients): Assembled {
  const loopback = isLoopbackIssuer(settings.issuer);
  const transport = createTransport({ loopback, clock });
  let bell = () => {};
  const exchange: Exchange = {
    self: settings.issuer,
    settings,
    profile: { loopback },
    store,
    keys,
    vault: keys.vault,
    directory: createDirectory(store.db, clock),
    transport,
    log,
    metrics: createMetrics(),
    clock,
    chance: systemChance(clock),
    wake: { outbox: () => bell() },
  };
  return {
    exchange,
    share: createShare(exchange),
    wakeWith: (given) => {
      bell = given;
    },
    close: once(async () => {
      await transport.close();
      await store.close();
    }),
  };
}

/** An end that may be asked for more than once. */
function once(end: () => Promise<void>): () => Promise<void> {
  let ending: Promise<void> | undefined;
  return () => {
    ending ??= end();
    return ending;
  };
}

/** A command holds the store for a second or two, and a node that starts takes as long to listen: both are waited for. */
async function openPatiently({ dataDir, run, whileLocked }: NodeOptions): Promise<Store | Refusal> {
  for (;;) {
    const store = await openReadyStore(storeSettings(dataDir, run.store));
    if (!isRefusal(store) || store.code !== 'store-locked') return store;
    if (!(await whileLocked?.())) return store;
  }
}

async function openAssembled(options: NodeOptions): Promise<Assembled | Refusal> {
  const { dataDir, settings, run, passphrase, clock = Date.now } = options;
  const lax = await checkSecretDirectory(dataDir);
  if (lax) return lax;
  const keys = await openKeyStore(keysOf(dataDir), passphrase.reveal());
  if (isRefusal(keys)) return keys;
  const store = await openPatiently(options);
  if (isRefusal(store)) return store;
  const log = options.log ?? createLog({ level: run.logLevel });
  const wrong = checkPortal(settings, run.portal) ?? (await checkOwner(store.db, settings.issuer));
  if (!wrong) return withWitness(assemble({ settings, keys, store, log, clock }), dataDir);
  await store.close();
  return wrong;
}

/**
 * Opens a node: keys, store (brought to this release's shape) and use cases. Nothing listens and nothing is sent; what is
 * queued goes when a node runs. Refuses a wrong passphrase, a store in use, a store of another node or a newer release.
 */
export async function openNode(options: NodeOptions): Promise<OpenedNode | Refusal> {
  const node = await openAssembled(options);
  if (isRefusal(node)) return node;
  const { exchange, share, close } = node;
  return {
    exchange,
    operations: createOperations({ exchange, share, place: placeOf(options), running: false }),
    close,
  };
}

// --- running ---

type ListenerName = 'peer' | 'api' | 'portal' | 'private';

function cannotListen(name: ListenerName, { host, port }: Listen, failure: unknown): Refusal {
  const code = (failure as NodeJS.ErrnoException).code;
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'something else listens there',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'the port is not allowed to this user',
    ENOTFOUND: 'the host name is unknown',
  };
  const why = code === undefined ? undefined : known[code];
  if (why === undefined) throw failure;
  const message = `The ${name} listener cannot listen on ${host}:${port}: ${why}.`;
  return refuse('setting-invalid', `/${name}`, message, `Stop what is there, or change "${name}" in node.json.`);
}

async function listen(name: ListenerName, app: FastifyInstance, at: Listen): Promise<string | Refusal> {
  try {
    return await app.listen({ host: at.host, port: at.port });
  } catch (failure) {
    return cannotListen(name, at, failure);
  }
}

/** Ends a listener; connections that do not come to an end by themselves are cut off. */
async function closeListener(app: FastifyInstance): Promise<void> {
  const alarm = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
  // A connection that is busy now, an event stream for one, is idle once its answer ends, and then nobody else closes it.
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
  await app.close();
  clearInterval(sweep);
  clearTimeout(alarm);
}

async function buildListeners(
  node: Assembled,
  options: NodeOptions,
): Promise<[ListenerName, FastifyInstance, Listen][]> {
  const { exchange, share } = node;
  const { settings, run } = options;
  const healthy = createHealth(exchange);
  const receive = createReceive(exchange);
  const built: [ListenerName, FastifyInstance, Listen][] = [
    ['peer', await peerListener({ exchange, receive, healthy, trustProxy: run.trustProxy }), settings.peer],
    [
      'api',
      await apiListener({
        exchange,
        authenticate: createAuthenticate(exchange),
        share,
        revise: createRevise(exchange),
        healthy,
      }),
      settings.api,
    ],
    ['portal', await portalListener(portalParts(node, run, healthy)), settings.portal],
  ];
  if (settings.private) {
    built.push(['private', await privateListener({ metrics: exchange.metrics, healthy }), settings.private]);
  }
  return built;
}

function portalParts({ exchange }: Assembled, { portal, trustProxy }: RunSettings, healthy: () => Promise<boolean>) {
  return { exchange, healthy, trustProxy, ...createDoor(exchange, portal) };
}

/**
 * Starts a node: its listeners, its delivery worker and its operator's socket. Refuses what `openNode` refuses, an address
 * that is taken, and the embedded store for an issuer that is not loopback unless `trial` is given.
 */
export async function startNode(options: NodeOptions & { readonly trial?: boolean }): Promise<RunningNode | Refusal> {
  const { settings, run, trial = false } = options;
  const weak = trial ? undefined : checkDurability(settings.issuer, run.store.kind);
  if (weak) return weak;
  const node = await openAssembled(options);
  if (isRefusal(node)) return node;
  const apps: FastifyInstance[] = [];
  try {
    const addresses: Partial<Record<ListenerName, string>> = {};
    for (const [name, app, at] of await buildListeners(node, options)) {
      apps.push(app);
      const address = await listen(name, app, at);
      if (!isRefusal(address)) addresses[name] = address;
      else {
        await abandon(node, apps);
        return address;
      }
    }
    return await begin(node, options, apps, addresses as RunningNode['addresses']);
  } catch (failure) {
    await abandon(node, apps);
    throw failure;
  }
}

async function abandon(node: Assembled, apps: readonly FastifyInstance[]): Promise<void> {
  await Promise.all(apps.map(closeListener));
  await node.close();
}

async function begin(
  node: Assembled,
  options: NodeOptions,
  apps: readonly FastifyInstance[],
  addresses: RunningNode['addresses'],
): Promise<RunningNode> {
  const { exchange, share } = node;
  const operations = createOperations({ exchange, share, place: placeOf(options), running: true });
  const socket = await openOperatorSocket(exchange, operations, options.dataDir);
  const workers = startWorkers(exchange, options.run.alertCommand);
  node.wakeWith(workers.wake);
  const witness = startWitness(exchange, options.dataDir);
  const close = once(async () => {
    // Nothing more is claimed, and requests come to their end meanwhile; the store goes when nobody can ask it any more.
    await Promise.all([workers.stop(CLOSE_MS), socket.close(CLOSE_MS), ...apps.map(closeListener)]);
    await witness.stop();
    await node.close();
  });
  return { exchange, operations, addresses, socket: socket.path, close };
}

// --- making ---

export interface InitOptions {
  readonly dataDir: string;
  readonly settings: NodeSettings;
  readonly store: RunSettings['store'];
  readonly passphrase: { reveal(): string };
  /** Work factor of the key store's passphrase; lower only for nodes that are thrown away. */
  readonly cost?: number;
  /** An embedded store as `makeStoreTemplate` left it, copied instead of made anew (which takes seconds). */
  readonly templateDir?: string;
  readonly clock?: () => number;
}

/** A new node, by the thumbprint of its identity key. */
export interface Made {
  readonly fingerprint: string;
}

/**
 * Makes a node: directory, keys, settings, store, first key set. Everything is made in a sibling directory that gets its
 * name in one step at the end, so that what fails leaves nothing behind.
 */
export async function initNode(options: InitOptions): Promise<Made | Refusal> {
  const settings = checkNodeSettings(options.settings);
  if (isRefusal(settings)) return settings;
  const dataDir = resolve(options.dataDir);
  const taken = await checkVacant(dataDir);
  if (taken) return taken;
  await mkdir(dirname(dataDir), { recursive: true });
  const draft = `${dataDir}.new-${randomBytes(4).toString('hex')}`;
  await mkdir(draft, { mode: 0o700 });
  try {
    return await makeNode({ ...options, dataDir }, draft);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function makeNode(options: InitOptions, draft: string): Promise<Made | Refusal> {
  const { settings, passphrase, cost, templateDir, clock = Date.now } = options;
  const keyOptions = { now: Math.floor(clock() / 1000), ...(cost !== undefined && { cost }) };
  const keys = await createKeyStore(keysOf(draft), passphrase.reveal(), keyOptions);
  if (isRefusal(keys)) return keys;
  await writeNodeSettings(draft, settings);
  const embedded = options.store.kind === 'embedded';
  if (templateDir !== undefined && embedded) await cp(templateDir, storeOf(draft), { recursive: true });
  const store = await openReadyStore(storeSettings(draft, options.store));
  if (isRefusal(store)) return store;
  if ((await nodeIssuer(store.db)) !== undefined) {
    await store.close();
    return refuse(
      'state-conflict',
      '/schema',
      'There is a node in this store already.',
      'Name another schema: --schema.',
    );
  }
  const node = assemble({ settings, keys, store, log: createLog({ level: 'silent' }), clock });
  try {
    await insertNode(store.db, settings.issuer, new Date(clock()));
    const published = await publishKeys(node.exchange);
    const fingerprint = keys.identity?.kid;
    if (isRefusal(published) || fingerprint === undefined) throw new Error('a new node has no identity key');
    // An embedded store moves with its directory, and must be closed before.
    if (embedded) await node.close();
    await rename(draft, options.dataDir);
    if (!embedded) await node.close();
    return { fingerprint };
  } catch (failure) {
    if (!embedded) await forgetNode(store.db);
    await node.close();
    throw failure;
  }
}

/**
 * Makes an empty embedded store that `initNode` copies: what takes seconds is then paid once for all the nodes of a test
 * run or a demonstration. Refuses a directory that is in use.
 */
export async function makeStoreTemplate(directory: string): Promise<Refusal | undefined> {
  const store = await openReadyStore({ kind: 'embedded', directory });
  if (isRefusal(store)) return store;
  await store.close();
  return undefined;
}
