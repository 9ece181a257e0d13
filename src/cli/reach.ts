import { setTimeout as pause } from 'node:timers/promises';
import {
  dataDirectory,
  type NodeSettings,
  type RunSettings,
  readNodeSettings,
  type Secret,
  settle,
} from '../config.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { createLog } from '../log.ts';
import { callOperator } from '../operator/call.ts';
import type { OperationAnswers, OperationArgs, OperationName, Operations } from '../operator/operations.ts';
import { findRunningNode } from '../operator/private-directory.ts';
import { answerWith, type Cli, type Everywhere, refuseWith } from './command.ts';
import type { Exit } from './exit.ts';
import { readPassphrase } from './passphrase.ts';

/** The value that an operation answers with. */
export type ValueOf<Name extends OperationName> = Extract<OperationAnswers[Name], { ok: true }>['value'];
/** The arguments of an operation as JSON carries them: instants are text. */
type Given<Args> = {
  [Member in keyof Args]: Args[Member] extends Date | undefined ? string | undefined : Args[Member];
};

/** A node that operations can be asked of: one that runs, through its private socket, or one opened for this command. */
export interface ReachedNode {
  readonly running: boolean;
  call<Name extends OperationName>(name: Name, args: Given<OperationArgs[Name]>): Promise<OperationAnswers[Name]>;
  close(): Promise<void>;
}

/** Everything that opening or starting a node takes. */
export interface NodeChoice {
  readonly dataDir: string;
  readonly settings: NodeSettings;
  readonly run: RunSettings;
  readonly passphrase: Secret;
}

/** Settles directory, settings and passphrase of the node that a command names. */
export async function chooseNode(cli: Cli, options: Everywhere): Promise<NodeChoice | Refusal> {
  const dataDir = dataDirectory(cli.environment, options.data);
  if (isRefusal(dataDir)) return dataDir;
  const settings = await readNodeSettings(dataDir);
  if (isRefusal(settings)) return settings;
  const run = settle(cli.environment, settings);
  if (isRefusal(run)) return run;
  const passphrase = await readPassphrase(cli);
  if (isRefusal(passphrase)) return passphrase;
  return { dataDir, settings, run, passphrase };
}

/**
 * Finds the running node of the directory, which needs no passphrase, or opens the node in this process. The caller
 * closes what it was given.
 */
export async function reach(cli: Cli, options: Everywhere): Promise<ReachedNode | Refusal> {
  const dataDir = dataDirectory(cli.environment, options.data);
  if (isRefusal(dataDir)) return dataDir;
  const socket = await findRunningNode(dataDir);
  return socket === undefined ? openHere(cli, options) : throughSocket(socket);
}

/** Finds the running node of the directory, for commands that make sense beside one only. */
export async function reachRunning(cli: Cli, options: Everywhere): Promise<ReachedNode | Refusal> {
  const dataDir = dataDirectory(cli.environment, options.data);
  if (isRefusal(dataDir)) return dataDir;
  const socket = await findRunningNode(dataDir);
  if (socket !== undefined) return throughSocket(socket);
  return refuse('unavailable', '', 'No node is running in this directory.', 'Start it: caseref serve.');
}

function throughSocket(socket: string): ReachedNode {
  return {
    running: true,
    call: (name, args) => callSocket(socket, name, args),
    close: async () => {},
  };
}

async function callSocket<Name extends OperationName>(
  socket: string,
  name: Name,
  args: Given<OperationArgs[Name]>,
): Promise<OperationAnswers[Name]> {
  try {
    return await callOperator(socket, name, args as OperationArgs[Name]);
  } catch {
    const next = 'Look whether the node runs, and what it did, before you say it again.';
    const broken = { ok: false, refusals: [refuse('unavailable', '', 'The running node broke off.', next)] };
    return broken as unknown as OperationAnswers[Name];
  }
}

const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 200;

/** Waits for whoever holds the store, until it lets go, turns out to be a node that can be asked, or takes too long. */
export interface StoreWait {
  readonly whileLocked: () => Promise<boolean>;
  /** The socket of the node that came up meanwhile. */
  socket(): string | undefined;
}

export function waitForStore(dataDir: string): StoreWait {
  const end = performance.now() + PATIENCE_MS;
  let socket: string | undefined;
  return {
    socket: () => socket,
    async whileLocked() {
      socket = await findRunningNode(dataDir);
      if (socket !== undefined || performance.now() > end) return false;
      await pause(LOOK_AGAIN_MS);
      return true;
    },
  };
}

async function openHere(cli: Cli, options: Everywhere): Promise<ReachedNode | Refusal> {
  const choice = await chooseNode(cli, options);
  if (isRefusal(choice)) return choice;
  const wait = waitForStore(choice.dataDir);
  // Loaded only here: with a running node, a command answers without store, listeners and keys.
  const { openNode } = await import('../node.ts');
  const level = cli.environment.logLevel === undefined ? 'warn' : choice.run.logLevel;
  const node = await openNode({ ...choice, log: createLog({ level }), whileLocked: wait.whileLocked });
  if (isRefusal(node)) {
    const socket = wait.socket();
    return socket === undefined ? node : throughSocket(socket);
  }
  return {
    running: false,
    call: (name, args) => operationOf(node.operations, name)(args),
    close: () => node.close(),
  };
}

/** Operations check what they are given, so text may stand for an instant. */
function operationOf<Name extends OperationName>(operations: Operations, name: Name) {
  return operations[name] as unknown as (args: Given<OperationArgs[Name]>) => Promise<OperationAnswers[Name]>;
}

/** Asks one operation and prints its value or why not: what most commands are. */
export async function ask<Name extends OperationName>(
  cli: Cli,
  options: Everywhere,
  name: Name,
  args: Given<OperationArgs[Name]>,
  show: (value: ValueOf<Name>) => void,
): Promise<Exit> {
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const answer = await node.call(name, args);
    return answer.ok
      ? answerWith(cli, options, answer.value as ValueOf<Name>, show)
      : refuseWith(cli, options, answer.refusals);
  } finally {
    await node.close();
  }
}
