import { createHash } from 'node:crypto';
import type { Log } from '../../src/log.ts';
import { type Checks, createChecks, type Violation } from './checks.ts';
import { createClock, type VirtualClock } from './clock.ts';
import { Killed, type Life } from './database.ts';
import { createDice, type Dice } from './dice.ts';
import { type FaultLevel, type Faults, faultsOf } from './faults.ts';
import type { OwnReference } from './load.ts';
import { createNetwork, type Network } from './network.ts';
import type { LivingNode, Site } from './node.ts';
import { START, type World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly hours: number;
  /** Acts of people and their software. */
  readonly messages: number;
  readonly faults: FaultLevel;
  /** Told of everything that happens. */
  readonly trace?: (line: string) => void;
  /** Breaks the network or a node on purpose, so that it can be shown that somebody notices. */
  readonly sabotage?: Sabotage;
}

export interface Sabotage {
  network?(network: Network): Network;
  node?(node: LivingNode): LivingNode;
}

/** One node's place in the simulation, whether it lives or not. */
export interface Place {
  readonly site: Site;
  readonly driftMs: number;
  readonly own: OwnReference[];
  /** What it answered with 201. */
  readonly answered: string[];
  readonly partners: readonly number[];
  living: LivingNode | undefined;
  life: Life | undefined;
  lives: number;
  /** When it starts again, while it is dead. */
  startsAt: number;
  /** When the delivery worker looks next. */
  looksAt: number;
  idleLooks: number;
}

/** One seed while it is played. */
export interface Play {
  readonly world: World;
  readonly options: SimulationOptions;
  readonly faults: Faults;
  readonly dice: Dice;
  readonly clock: VirtualClock;
  readonly places: readonly Place[];
  readonly checks: Checks;
  readonly network: Network;
  readonly counts: { steps: number; commits: number; crashes: number; restores: number; references: number };
  readonly violations: Violation[];
  /** Nodes whose outbox is to be asked when something is due again. */
  readonly troubled: Set<number>;
  /** Nothing is lost and nobody dies any more. */
  healed: boolean;
  /** Writes down what happened; its digest tells two runs apart. */
  say(line: string): void;
  /** Digest of all that happened so far. */
  digest(): string;
}

export async function createPlay(world: World, options: SimulationOptions): Promise<Play> {
  const dice = createDice(`seed ${options.seed}`);
  const faults = faultsOf[options.faults];
  const clock = createClock(START, dice.fork('clock'));
  const hash = createHash('sha256');
  const troubled = new Set<number>();
  const places = (await world.reset()).map((site) => placeOf(world, site, faults, dice.fork(`node ${site.number}`)));
  const checks = createChecks(world.database, world.neighbours, (node) => void troubled.add(node));
  const say = (line: string) => {
    const dated = `${((clock.now() - START) / 1000).toFixed(3)} ${line}`;
    hash.update(`${dated}\n`);
    options.trace?.(dated);
  };
  const network = createNetwork({
    clock,
    dice: dice.fork('network'),
    faults,
    faceOf: (node) => places[node]?.living?.face,
    numberOf: (issuer) => places.findIndex(({ site }) => site.issuer === issuer),
    seen: {
      ...checks,
      answered(from, to, kind, outcome, token) {
        say(`${from} to ${to} ${kind} ${outcome.status}`);
        checks.answered(from, to, kind, outcome, token);
      },
    },
  });
  return {
    ...{ world, options, faults, dice, clock, places, checks, troubled, say },
    network: options.sabotage?.network?.(network) ?? network,
    counts: { steps: 0, commits: 0, crashes: 0, restores: 0, references: 0 },
    violations: [],
    healed: false,
    digest: () => hash.copy().digest('hex').slice(0, 16),
  };
}

function placeOf(world: World, site: Site, { driftMs }: Faults, own: Dice): Place {
  return {
    site,
    driftMs: driftMs === 0 ? 0 : own.between(-driftMs, driftMs),
    own: [],
    answered: [],
    partners: world.neighbours[site.number] ?? [],
    living: undefined,
    life: undefined,
    lives: 0,
    startsAt: Number.POSITIVE_INFINITY,
    looksAt: Number.POSITIVE_INFINITY,
    idleLooks: 0,
  };
}

/** The log of a node: an error that nobody expected is a defect, unless its process has just died. */
export function logOf(play: Play, node: number): Log {
  const told: Log['info'] = ({ event, code = '' }) => play.say(`${node} ${event} ${code}`);
  return {
    info: told,
    warn: told,
    failure(event, failure) {
      if (failure instanceof Killed) return;
      play.say(`${node} fails ${event}`);
      const about = `node ${node} ${event} ${String((failure as Error).stack)}`;
      play.violations.push({ rule: 'no round and no request fails', about });
    },
  };
}

/** Something that a node does now, if it lives: what came of it is written down. */
export async function run(
  play: Play,
  place: Place,
  name: string,
  work: (node: LivingNode) => Promise<unknown>,
): Promise<void> {
  const node = place.living;
  if (!node) return;
  try {
    const came = await work(node);
    play.say(`${place.site.number} ${name} ${typeof came === 'string' || typeof came === 'number' ? came : ''}`);
  } catch (failure) {
    logOf(play, place.site.number).failure(name, failure);
  }
}
