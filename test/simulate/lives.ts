import { type Life, schemaOf } from './database.ts';
import type { Dice } from './dice.ts';
import { type LivingNode, type Round, roundNames, startLife } from './node.ts';
import { logOf, type Place, type Play, run } from './play.ts';
import { issuerOf } from './world.ts';

const MINUTE = 60_000;
/** How often each round comes by itself, in minutes: rarer than in a real node, since what changes much stirs them. */
const pauses: Readonly<Record<Round, number>> = {
  watch: 180,
  purge: 90,
  refresh: 120,
  reconsider: 120,
  keys: 90,
  attest: 90,
  upkeep: 360,
  replay: 60,
  asking: 50,
  recovery: 60,
  witness: 360,
};
/** A long poll would be woken; here a partner is asked again after a while, and at once with what is to be acknowledged. */
const POLL_MS = 40 * MINUTE;
/** From the bell to the look: what comes close together is sent together. */
const BELL_MS = 400;
/** What is due and does not go is looked at again after a growing pause. */
const LONGEST_LOOK_MS = 30 * MINUTE;

/** Starts a node that is dead, over what its store says now; everything that it had in memory is gone. */
export function start(play: Play, place: Place): void {
  if (place.life) return;
  place.lives += 1;
  place.startsAt = Number.POSITIVE_INFINITY;
  const own = play.dice.fork(`node ${place.site.number} life ${place.lives}`);
  const life = newLife(play, place, own.fork('fate'));
  place.life = life;
  begin(play, place, life, own).catch((failure: unknown) => logOf(play, place.site.number).failure('start', failure));
}

async function begin(play: Play, place: Place, life: Life, own: Dice): Promise<void> {
  const { world, clock, network, options } = play;
  const { number } = place.site;
  const ownClock = () => clock.now() + place.driftMs;
  const made = await startLife(place.site, life, {
    store: world.database.storeFor(number, life),
    transport: network.transportOf(number, life, ownClock),
    clock: ownClock,
    dice: own.fork('chance'),
    log: logOf(play, number),
    wake: () => look(play, place, BELL_MS),
    outside: world.turnstile.outside,
  });
  if (!life.alive) return;
  const node = options.sabotage?.node?.(made) ?? made;
  place.living = node;
  play.say(`${number} starts ${place.lives}`);
  for (const name of roundNames) again(play, place, node, { name, own: own.fork(name), ms: own.between(0, 60_000) });
  if (place.site.pollOnly) for (const other of place.partners) askAgain(play, place, node, { other, ms: 1000 });
  look(play, place, 10);
}

function newLife(play: Play, place: Place, own: Dice): Life {
  return {
    alive: true,
    fate() {
      if (play.healed || !own.happens(play.faults.crash)) return 'lives';
      return own.happens(0.5) ? 'dies-before' : 'dies-after';
    },
    committed: () => {
      play.counts.commits += 1;
    },
    died: () => bury(play, place, 'at a commit', own.between(1, 40) * MINUTE),
  };
}

/** Ends a process at this instant, and starts another one after a while. */
export function bury(play: Play, place: Place, how: string, forMs: number): void {
  play.counts.crashes += 1;
  play.say(`${place.site.number} dies ${how}`);
  if (place.life) place.life.alive = false;
  place.life = undefined;
  place.living = undefined;
  const at = play.clock.now() + forMs;
  place.startsAt = at;
  play.clock.at(at, () => {
    if (place.startsAt === at) start(play, place);
  });
}

/** A round of a worker, and the next one a while after its end. */
function again(
  play: Play,
  place: Place,
  node: LivingNode,
  round: { readonly name: Round; readonly own: Dice; readonly ms: number },
): void {
  const { name, own } = round;
  play.clock.at(play.clock.now() + round.ms, async () => {
    if (place.living !== node) return;
    await run(play, place, name, node.rounds[name]);
    const ms = pauses[name] * MINUTE * (0.75 + own.fraction() / 2);
    again(play, place, node, { name, own, ms });
  });
}

function askAgain(
  play: Play,
  place: Place,
  node: LivingNode,
  { other, ms }: { readonly other: number; readonly ms: number },
): void {
  play.clock.at(play.clock.now() + ms, async () => {
    if (place.living !== node) return;
    let pause = POLL_MS;
    await run(play, place, `asks ${other}`, async () => {
      const { rest, again: soon } = await node.ask(issuerOf(other));
      pause = Math.max(rest, soon ? 1000 : POLL_MS);
    });
    askAgain(play, place, node, { other, ms: pause });
  });
}

/** Lets the delivery worker look so many milliseconds from now, or sooner where that was said before. */
function look(play: Play, place: Place, ms: number): void {
  const at = play.clock.now() + ms;
  if (place.looksAt <= at) return;
  place.looksAt = at;
  play.clock.at(at, () => {
    if (place.looksAt !== at) return;
    place.looksAt = Number.POSITIVE_INFINITY;
    place.living?.deliver();
    play.troubled.add(place.site.number);
  });
}

/** When something is due again in a node's outbox: what was tried and failed, or what a dead process had claimed. */
export async function lookLater(play: Play, place: Place): Promise<void> {
  if (!place.living || place.looksAt < Number.POSITIVE_INFINITY) return;
  const now = play.clock.now() + place.driftMs;
  const [row] = await play.world.database.ask<{ next: Date | null; due: boolean }>(
    `select min(at) filter (where at > $1) as next, coalesce(bool_or(at <= $1), false) as due
     from (select greatest(next_at, lease_until) as at from ${schemaOf(place.site.number)}.delivery
       where state = 'queued') as waiting`,
    [new Date(now)],
  );
  place.idleLooks = row?.due ? place.idleLooks + 1 : 0;
  const idle = row?.due
    ? Math.min(LONGEST_LOOK_MS, 1000 * 2 ** Math.min(20, place.idleLooks))
    : Number.POSITIVE_INFINITY;
  const next = row?.next ? row.next.getTime() - now + 1 : Number.POSITIVE_INFINITY;
  const ms = Math.min(idle, Math.max(next, 1000));
  if (Number.isFinite(ms)) look(play, place, ms);
}
