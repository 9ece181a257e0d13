import { findBreaches } from '../support/invariants.ts';
import { plan } from './befall.ts';
import { endsUnsaid, type Violation } from './checks.ts';
import { type Life, schemaOf } from './database.ts';
import { lookLater, start } from './lives.ts';
import { putInOrder } from './load.ts';
import { createPlay, type Place, type Play, run, type SimulationOptions } from './play.ts';
import { START, type World } from './world.ts';

export interface SimulationResult {
  readonly violations: readonly Violation[];
  /** Digest of all that happened, in its order. */
  readonly hash: string;
  readonly steps: number;
  readonly commits: number;
  readonly crashes: number;
  readonly restores: number;
  /** Messages that were received, over all nodes. */
  readonly received: number;
  readonly wallMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Hours of virtual time within which everything must have come to rest once the world is kind again. */
const HEAL_HOURS = 60;
/** Hours between two looks at everything. */
const LOOK_HOURS = 6;

/** Runs one seed to its end, or to the first step after which something does not hold. */
export async function simulate(world: World, options: SimulationOptions): Promise<SimulationResult> {
  // Calls that arrive together share a commit (exchange/gather.ts): those of one turn, which has to end when the seed says.
  const back = world.turnstile.ownTurns();
  try {
    return await playThrough(world, options);
  } finally {
    back();
  }
}

async function playThrough(world: World, options: SimulationOptions): Promise<SimulationResult> {
  const began = performance.now();
  const play = await createPlay(world, options);
  const { violations, checks, places, counts } = play;
  await startAll(play);
  plan(play, START + options.hours * HOUR);
  for (let hour = 1; hour <= options.hours && violations.length === 0; hour += 1) {
    await goOn(play, START + hour * HOUR);
    if (violations.length === 0 && hour % LOOK_HOURS === 0) violations.push(...(await checks.everywhere()));
  }
  if (violations.length === 0) await heal(play);
  if (violations.length === 0) violations.push(...(await checks.atRest()), ...(await judged(play)));
  const received = await countAll(play, (schema) => `select count(*) from ${schema}.message`);
  for (const place of places) if (place.life) place.life.alive = false;
  await world.turnstile.settle();
  const { references: _, ...counted } = counts;
  return { violations, hash: play.digest(), ...counted, received, wallMs: performance.now() - began };
}

/** One after the other: each reads a file of its own, and files answer in an order that nobody can repeat. */
async function startAll(play: Play): Promise<void> {
  for (const place of play.places) {
    start(play, place);
    await play.world.turnstile.settle();
  }
}

/** One event and all that follows from it without the outside; false where nothing is due before `end` or something broke. */
async function step(play: Play, end: number): Promise<boolean> {
  const { world, clock, troubled, counts, violations, places } = play;
  const went = clock.next(end);
  await world.turnstile.settle();
  const asked = [...troubled].sort((one, other) => one - other);
  troubled.clear();
  for (const node of asked) await lookLater(play, places[node] as Place);
  if (!went) return false;
  counts.steps += 1;
  violations.push(...(await play.checks.afterStep()));
  return violations.length === 0;
}

async function goOn(play: Play, end: number): Promise<void> {
  while (await step(play, end));
  play.say(`${play.counts.commits} commits`);
}

/** The world is kind again: everybody lives and is let back, what waits for a person is decided, until nothing is left. */
async function heal(play: Play): Promise<void> {
  play.healed = true;
  play.network.heal();
  play.say('everything is healed');
  await startAll(play);
  await goOn(play, play.clock.now() + MINUTE);
  for (let hour = 0; hour < HEAL_HOURS && play.violations.length === 0; hour += hour < 4 ? 1 : 4) {
    for (const place of play.places) void run(play, place, 'order', (node) => putInOrder(node, place.partners));
    // Before the next event: a round that reads a file would end before or after them as the machine likes.
    await play.world.turnstile.settle();
    await goOn(play, play.clock.now() + (hour < 4 ? HOUR : 4 * HOUR));
    if (await isAtRest(play)) return;
  }
}

/**
 * Whether everything came to its end, and what was to be erased is. What a partner says was withdrawn before a loss is closed again
 * by each new word of it (sealed, then purged), so a person may have to decide twice.
 */
async function isAtRest(play: Play): Promise<boolean> {
  const left = await countAll(
    play,
    (schema) => `select (select count(*) from ${schema}.delivery d where state in ('queued', 'dead')
        or state in ('sent', 'overdue') and event not in ('receipt', 'voided')
          and not (last_code is not distinct from 'voided' and ${endsUnsaid(schema)}))
      + (select count(*) from ${schema}.held_withdrawal)
      + (select count(*) from ${schema}.attestation where state = 'owed')
      + (select count(*) from ${schema}.reference where purge_after is not null and direction = 'in')
      + (select count(*) from ${schema}.replay_request where state in ('wanted', 'granted'))
      + (select count(*) from ${schema}.replay where state = 'running')
      + (select count(*) from ${schema}.recovery where opened_at is null or resumed_at is null)
      + (select count(*) from ${schema}.reference where veiled_state is not null and direction = 'out')`,
  );
  play.say(`${left} are left`);
  return left === 0;
}

async function countAll({ world, places }: Play, query: (schema: string) => string): Promise<number> {
  const texts = places.map(({ site }) => `(${query(schemaOf(site.number))})`);
  const [row] = await world.database.ask<{ all: number }>(`select ${texts.join(' + ')} as all`);
  return Number(row?.all);
}

const reader: Life = { alive: true, fate: () => 'lives', committed: () => undefined, died: () => undefined };

/** What the judge of the network scenarios says, which reads stores and shares nothing with the checks here. */
async function judged(play: Play): Promise<Violation[]> {
  const { world, places, checks } = play;
  const nodes = places.map(({ site: { number, issuer } }) => ({
    issuer,
    db: world.database.storeFor(number, reader).db,
  }));
  const answered = new Map(places.map(({ site, answered: ids }) => [site.issuer, ids]));
  // Whether something left after a suspension is seen here as it leaves; clocks that differ cannot tell it afterwards.
  const graceMs = Number.MAX_SAFE_INTEGER;
  const restored = checks.restoredIssuers();
  const breaches = await findBreaches(nodes, { atRest: true, answered, restored, graceMs });
  const renewed = await namesBeside(play, 'state-lost');
  const said = await namesBeside(play, 'said-there');
  const wrong = breaches.filter(
    (about) => !isExplained(about, renewed, ofRenewed) && !isExplained(about, said, ofSaid),
  );
  return wrong.map((about) => ({ rule: 'the judge of the network scenarios agrees', about }));
}

/**
 * Names that a restored node stands by in part only: `state-lost`, under which it had sent something that it does not remember and
 * says again under another name; `said-there`, which it knows by its receipt alone.
 */
async function namesBeside({ world, places }: Play, code: 'state-lost' | 'said-there'): Promise<ReadonlySet<string>> {
  const rows = await world.database.ask<{ jti: string }>(
    places
      .map(({ site }) => `select jti from ${schemaOf(site.number)}.delivery where last_code = '${code}'`)
      .join(' union all '),
  );
  return new Set(rows.map(({ jti }) => jti));
}

/** What the judge says of a message whose sender dropped it before it was signed, as far as it remembers. */
const ofRenewed = [/ came as number /, / came with bytes that were never stored$/, / has no receipt for /];

/** What it says of one that its sender knows by a receipt, which says neither its number, its bytes nor its kind, nor what came later. */
const ofSaid = [...ofRenewed, / believes /, / was sent as submitted$/];

/**
 * What the judge cannot know: a replay voids once more what it may not say again, and how often that may be is a rule of
 * `checks`; and a name that was renewed stands for what was sent in the lost time.
 */
function isExplained(about: string, names: ReadonlySet<string>, sayings: readonly RegExp[]): boolean {
  if (about.endsWith(' was voided twice')) return true;
  return sayings.some((says) => says.test(about)) && about.split(/[\s,]/).some((word) => names.has(word));
}
