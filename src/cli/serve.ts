import type { Command } from 'commander';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { settlePortal } from '../exchange/liaison/portal-settings.ts';
import type { RunningNode } from '../node.ts';
import { findRunningNode } from '../operator/private-directory.ts';
import { type Cli, type Everywhere, leaf, refuseWith } from './command.ts';
import { type Exit, exit } from './exit.ts';
import { chooseNode, type NodeChoice, waitForStore } from './reach.ts';
import type { Terminal } from './terminal.ts';

/** `caseref serve`: runs the node until it is told to stop. */
export function serveCommand(cli: Cli): Command {
  return leaf('serve', 'run the node until SIGTERM or Ctrl-C; a second one ends it at once', [
    'caseref serve',
    'caseref serve --trial      embedded store, although the issuer is not this machine',
  ])
    .option('--trial', 'take the embedded store for a public issuer; not for production')
    .action(async (options: Everywhere & { trial?: boolean }) => cli.end(await serve(cli, options)));
}

async function serve(cli: Cli, options: Everywhere & { trial?: boolean }): Promise<Exit> {
  const choice = await chooseNode(cli, options);
  if (isRefusal(choice)) return refuseWith(cli, options, choice);
  // Listened for before anything is begun, so that a signal during the start is kept and not lost.
  const stopping = firstSignal(cli);
  const running = await findRunningNode(choice.dataDir);
  if (running !== undefined) return refuseWith(cli, options, heldBy(running, refuse('store-locked')));
  const { startNode } = await import('../node.ts');
  const wait = waitForStore(choice.dataDir);
  const node = await startNode({ ...choice, trial: options.trial ?? false, whileLocked: wait.whileLocked });
  if (isRefusal(node))
    return refuseWith(cli, options, node.code === 'store-locked' ? heldBy(wait.socket(), node) : node);
  const standing = { issuer: choice.settings.issuer, store: choice.run.store.kind, addresses: node.addresses };
  if (options.json) cli.terminal.json(standing);
  else printAddresses(cli.terminal, choice, node);
  // Beside the wait for the signal: a store that does not answer just now must not keep the node from hearing it.
  sayLimits(cli.terminal, choice, node).catch(() => undefined);
  const signal = await stopping;
  cli.terminal.say(`${signal}: no new work; finishing what is under way.`);
  await node.close();
  cli.terminal.say('Stopped.');
  return exit.done;
}

/**
 * A store that does not answer would keep a node that is told to stop for ever, one that has just been started as well; what was
 * answered for is committed.
 */
const LATE_MS = 20_000;

function endLate({ terminal }: Cli): never {
  terminal.warn('The store does not answer: stopped without it. What was under way goes on at the next start.');
  process.exit(exit.done);
}

/** The same node already, or who holds the store, as far as it can be told: a node's socket is named by its process. */
function heldBy(socket: string | undefined, locked: Refusal): Refusal {
  const pid = /operator-(\d+)\.sock$/.exec(socket ?? '')?.[1];
  if (pid === undefined) return locked;
  const next = `Leave it running, since commands reach it by itself, or stop it first: kill ${pid}`;
  return refuse('store-locked', '', `A node runs on this data directory already (process ${pid}).`, next);
}

function endAtOnce({ terminal }: Cli, signal: NodeJS.Signals): never {
  terminal.warn(`${signal}, the second: ended at once. What was committed stays; the rest goes on at the next start.`);
  process.exit(exit.refused);
}

/** The first signal to stop; a second one ends the program where it is, which loses nothing that was committed. */
function firstSignal(cli: Cli): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let asked = false;
  const stop = (signal: NodeJS.Signals) => {
    if (asked) endAtOnce(cli, signal);
    asked = true;
    setTimeout(() => endLate(cli), LATE_MS).unref();
    resolve(signal);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  return promise;
}

function printAddresses(terminal: Terminal, { settings, run }: NodeChoice, { addresses, socket }: RunningNode): void {
  terminal.fields([
    ['node', `${settings.name}, ${settings.issuer}`, 'strong'],
    ['peer', addresses.peer, 'good'],
    ['api', addresses.api, 'good'],
    ['portal', portalLine(settings, run, addresses.portal), 'good'],
    ['private', addresses.private, 'good'],
    ['operator', socket, 'quiet'],
    ['store', run.store.kind === 'embedded' ? 'embedded' : `PostgreSQL, schema ${run.store.schema}`],
  ]);
}

/** Where liaisons go, which is not where the portal listens: passkeys are for names, not for addresses. */
function portalLine(settings: NodeChoice['settings'], run: NodeChoice['run'], listens: string): string {
  const settled = settlePortal(settings, run.portal);
  const origin = isRefusal(settled) ? undefined : settled.origin;
  return origin === undefined
    ? `${listens}, shut: nobody can sign in until CASEREF_PORTAL_ORIGIN says how it is reached`
    : `${origin} (listens on ${listens})`;
}

/** What this node cannot promise is said where it starts, not only in the documents. */
async function sayLimits(terminal: Terminal, { run }: NodeChoice, { operations }: RunningNode): Promise<void> {
  if (run.store.kind === 'embedded') {
    terminal.warn('The embedded store runs with fsync off: a power cut can lose what this node has answered for.');
    terminal.warn('It serves one process and is not for production; use PostgreSQL there.');
  }
  const operators = await operations['operator.list']({});
  if (operators.ok && !operators.value.enforced)
    terminal.warn('There are fewer than two operators: acts are recorded, a second person is not enforced.');
}
