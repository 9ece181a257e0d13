import type { Dice } from './dice.ts';
import { bury, start } from './lives.ts';
import { drawAct, stirs } from './load.ts';
import { type Place, type Play, run } from './play.ts';
import { issuerOf, START } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Puts into the clock what people do and what befalls nodes, until `end`. */
export function plan(play: Play, end: number): void {
  const own = play.dice.fork('load');
  for (let number = 0; number < play.options.messages; number += 1) {
    const at = START + 10 * MINUTE + own.fraction() * (end - START - HOUR);
    planAct(play, own.pick(play.places), own.fork(`${number}`), at);
  }
  const fortune = play.dice.fork('fortune');
  for (let at = START + HOUR; at < end; at += HOUR) {
    for (const place of play.places) misfortune(play, place, at, fortune);
  }
  for (const place of play.places) if (fortune.happens(play.faults.restored)) planRestore(play, place, end, fortune);
}

function planAct(play: Play, place: Place, dice: Dice, at: number): void {
  const [name, act] = drawAct(dice);
  const around = {
    dice,
    partners: place.partners.map(issuerOf),
    own: place.own,
    answered: place.answered,
    count: () => {
      play.counts.references += 1;
      return play.options.seed * 100_000 + play.counts.references;
    },
  };
  play.clock.at(at, async () => {
    await run(play, place, name, (node) => act(node, around));
    if (stirs.has(name)) stir(play, place, name);
  });
}

/** What real workers would notice within a second or a minute. */
function stir(play: Play, place: Place, name: string): void {
  const node = place.living;
  if (!node) return;
  const soon = (ms: number, what: string, work: () => Promise<unknown>) =>
    play.clock.at(play.clock.now() + ms, () => {
      if (place.living === node) void run(play, place, what, work);
    });
  soon(200, 'halt', async () => node.halt.isWanted() && node.halt.look());
  soon(1000, 'reconsider', node.rounds.reconsider);
  if (name === 'revoke') soon(90_000, 'attest', node.rounds.attest);
}

function misfortune(play: Play, place: Place, at: number, own: Dice): void {
  const { number } = place.site;
  if (own.happens(play.faults.stopped)) {
    const forMs = own.between(1, 5 * 60) * MINUTE;
    play.clock.at(at + own.below(HOUR), () => {
      if (place.living) bury(play, place, 'by a kill', forMs);
    });
  }
  for (const other of place.partners.filter((one) => one > number)) {
    if (!own.happens(play.faults.partition)) continue;
    const forMs = own.between(5, 6 * 60) * MINUTE;
    play.clock.at(at + own.below(HOUR), () => {
      if (play.healed) return;
      play.say(`${number} and ${other} are parted`);
      play.network.part(number, other, play.clock.now() + forMs);
    });
  }
}

/** A copy of a node's store, and hours later the store put back to it, as after the loss of a disk. */
function planRestore(play: Play, place: Place, end: number, own: Dice): void {
  const { database, turnstile } = play.world;
  const { number } = place.site;
  const savedAt = START + HOUR + own.fraction() * ((end - START) / 2);
  const lostAt = savedAt + own.between(30, 8 * 60) * MINUTE;
  play.clock.at(savedAt, async () => {
    play.say(`${number} is saved`);
    await turnstile.outside(turnstile.alone(() => database.keep('saved', [number])));
  });
  // A real node's witness looks every minute, and is never much older than the loss.
  for (let at = savedAt + MINUTE; at < lostAt; at += 3 * MINUTE) {
    play.clock.at(at, () => {
      if (!play.healed) void run(play, place, 'witness', (node) => node.rounds.witness());
    });
  }
  play.clock.at(lostAt, async () => {
    if (play.healed) return;
    bury(play, place, 'with its disk', Number.POSITIVE_INFINITY);
    play.counts.restores += 1;
    play.checks.restored(number);
    await turnstile.outside(turnstile.alone(() => database.restore('saved', [number])));
    play.say(`${number} is put back by ${Math.round((lostAt - savedAt) / MINUTE)} minutes`);
    start(play, place);
  });
}
