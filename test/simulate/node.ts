import { attestDue } from '../../src/exchange/attest.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { createDelivery } from '../../src/exchange/deliver.ts';
import { createDirectory } from '../../src/exchange/directory.ts';
import { createHalt, type Halt } from '../../src/exchange/halt.ts';
import { createKeyPlan } from '../../src/exchange/key-plan.ts';
import { askOnce, newLine } from '../../src/exchange/poll-client.ts';
import { createPollServer } from '../../src/exchange/poll-server.ts';
import { tidyPolls } from '../../src/exchange/poll-upkeep.ts';
import { purgeDue } from '../../src/exchange/purge.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { createReconsidering } from '../../src/exchange/reconsider.ts';
import { recover } from '../../src/exchange/recovering.ts';
import { createRefreshes } from '../../src/exchange/refresh.ts';
import { workOffReplays } from '../../src/exchange/replay.ts';
import { askForReplays } from '../../src/exchange/replay-ask.ts';
import { followReplays } from '../../src/exchange/replay-follow.ts';
import { createReplayServer } from '../../src/exchange/replay-server.ts';
import { createRevise, type Revise } from '../../src/exchange/revise.ts';
import { createShare, type Share } from '../../src/exchange/share.ts';
import { watch } from '../../src/exchange/watch.ts';
import { consultWitness } from '../../src/exchange/witness.ts';
import type { Log } from '../../src/log.ts';
import type { Metrics } from '../../src/metrics.ts';
import type { Store } from '../../src/store/open.ts';
import type { Transport } from '../../src/transport/transport.ts';
import type { Life } from './database.ts';
import { type Dice, diceChance } from './dice.ts';
import { faceOf } from './face.ts';
import { type KeyDisk, openKeyDisk } from './keys.ts';
import type { Face } from './network.ts';

/** What a node is, whether it runs or not. */
export interface Site {
  readonly number: number;
  readonly issuer: string;
  readonly disk: KeyDisk;
  /** Where it keeps what lies beside its store. */
  readonly folder: string;
  readonly pollOnly: boolean;
}

/** A node while it lives: its use cases, what it shows to partners, and the rounds that its workers would do by themselves. */
export interface LivingNode {
  readonly site: Site;
  readonly life: Life;
  readonly exchange: Exchange;
  readonly share: Share;
  readonly revise: Revise;
  readonly halt: Halt;
  readonly face: Face;
  /** Lets the delivery worker look for work. */
  deliver(): void;
  readonly rounds: Readonly<Record<Round, () => Promise<unknown>>>;
  /** Asks one partner for what waits there; `rest` in milliseconds, `again` where it has something to acknowledge. */
  ask(issuer: string): Promise<{ readonly rest: number; readonly again: boolean }>;
}

export const roundNames = [
  'watch',
  'purge',
  'refresh',
  'reconsider',
  'keys',
  'attest',
  'upkeep',
  'replay',
  'asking',
  'recovery',
  'witness',
] as const;
export type Round = (typeof roundNames)[number];

export interface Surroundings {
  readonly store: Store;
  readonly transport: Transport;
  readonly clock: () => number;
  readonly dice: Dice;
  readonly log: Log;
  readonly wake: () => void;
  /** Tells the turnstile of work that also waits for files. */
  readonly outside: <Answer>(work: Promise<Answer>) => Promise<Answer>;
}

const silent: Metrics = {
  sent: () => undefined,
  received: () => undefined,
  grouped: () => undefined,
  waiting: () => undefined,
  text: async () => '',
};

/** The exchange of a node over what surrounds it here. */
export async function exchangeOf(site: Omit<Site, 'folder'>, around: Surroundings): Promise<Exchange> {
  const { store, clock, transport, log } = around;
  const keys = await openKeyDisk(site.disk);
  const anywhere = { host: '127.0.0.1', port: 0 };
  return {
    self: site.issuer,
    settings: {
      issuer: site.issuer,
      name: `Invented hotline ${site.number}`,
      type: 'hotline',
      jurisdictions: [site.number % 2 === 0 ? 'DE' : 'NL'],
      ...{ peer: anywhere, api: anywhere, portal: anywhere },
      ...(site.pollOnly && { pollOnly: true as const }),
    },
    profile: { loopback: true },
    store,
    keys,
    vault: keys.vault,
    directory: createDirectory(store.db, clock),
    transport,
    log,
    metrics: silent,
    clock,
    chance: diceChance(around.dice, clock),
    wake: { outbox: around.wake },
  };
}

/** Starts a node over its store: everything that it had in memory before is gone. */
export async function startLife(site: Site, life: Life, around: Surroundings): Promise<LivingNode> {
  const exchange = await exchangeOf(site, around);
  // As at the start of a process: a store that was put back is known for one before anybody works with it.
  await around.outside(consultWitness(exchange, site.folder));
  const halt = createHalt(exchange);
  const receive = createReceive(exchange);
  const delivery = createDelivery(exchange, halt);
  const polls = createPollServer(exchange);
  const lines = new Map<string, ReturnType<typeof newLine>>();
  const never = new AbortController().signal;
  return {
    site,
    life,
    exchange,
    share: createShare(exchange),
    revise: createRevise(exchange),
    halt,
    face: faceOf(exchange, receive, polls, createReplayServer(exchange)),
    deliver: delivery.wake,
    rounds: {
      watch: () => watch(exchange),
      purge: () => purgeDue(exchange),
      refresh: createRefreshes(exchange).look,
      reconsider: createReconsidering(exchange),
      keys: createKeyPlan(exchange),
      attest: () => attestDue(exchange),
      upkeep: () => tidyPolls(exchange),
      replay: () => workOffReplays(exchange),
      asking: async () => {
        await followReplays(exchange);
        await askForReplays(exchange);
      },
      recovery: () => recover(exchange),
      witness: () => around.outside(consultWitness(exchange, site.folder)),
    },
    async ask(issuer) {
      const line = lines.get(issuer) ?? newLine(issuer);
      lines.set(issuer, line);
      const rest = (await askOnce(exchange, receive, line, never)) ?? 0;
      return { rest, again: line.answers.acks.size + line.answers.errors.size > 0 };
    },
  };
}
