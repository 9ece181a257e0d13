import { expect } from 'vitest';
import type { CasePost, Letter } from './case-post.ts';

/** What befalls a message: how many steps of the story it is late, how often it comes, and its place among those of one instant. */
export interface Fate {
  readonly late: number;
  readonly times: number;
  readonly place: number;
}

/** The fate of a letter, the so manieth that left. */
export type FateOf = (letter: Letter, met: number) => Fate;

/** Each comes at once, once, in the order in which it left. */
export const atOnce: FateOf = (_, met) => ({ late: 0, times: 1, place: met });

/** Later than every step. */
export const AT_THE_END = 1000;

/** Places among what arrives together; a prime, so that copies come to others. */
export const PLACES = 1009;

interface Underway {
  readonly letter: Letter;
  readonly due: number;
  readonly place: number;
}

export interface Carrier {
  /** Everything that is due by the next step, and the answers to it. */
  next(): Promise<void>;
  /** Brings one message of these at a time, and the answers that are due, until it is heard; the rest stays where it is. */
  bring(isWanted: (letter: Letter) => boolean, isHeard: () => Promise<boolean>): Promise<void>;
  /** Everything, and all that follows from it. */
  end(): Promise<void>;
}

/** Carries the letters of a post as their fates want it. */
export function carrierOf(post: CasePost, fateOf: FateOf): Carrier {
  let underway: Underway[] = [];
  let step = 0;
  let met = 0;

  async function collect(): Promise<void> {
    for (const letter of await post.collect()) {
      const { late, times, place } = fateOf(letter, met);
      met += 1;
      // Copies are later each, and elsewhere among what comes with them.
      for (let copy = 1; copy <= times; copy += 1)
        underway.push({ letter, due: step + late * copy, place: (place * copy) % PLACES });
    }
  }

  async function deliver(wanted: readonly Underway[]): Promise<void> {
    underway = underway.filter((one) => !wanted.includes(one));
    const inTurn = wanted.toSorted((a, b) => a.place - b.place);
    const mailboxes = Map.groupBy(inTurn, ({ letter }) => letter.to);
    await Promise.all(
      [...mailboxes].map(async ([to, mail]) => {
        for (const { letter } of mail) expect(await post.parties[to].take(letter)).toBe(true);
      }),
    );
    await collect();
  }

  async function deliverDue(): Promise<void> {
    await collect();
    const dueNow = () => underway.filter(({ due }) => due <= step);
    for (let due = dueNow(); due.length > 0; due = dueNow()) await deliver(due);
  }

  return {
    async next() {
      await deliverDue();
      step += 1;
    },
    async bring(isWanted, isHeard) {
      while (!(await isHeard())) {
        const [first] = underway
          .filter(({ letter }) => isWanted(letter))
          .toSorted((a, b) => a.due - b.due || a.place - b.place);
        if (!first) throw new Error('what a step needs is never heard');
        await deliver([first]);
      }
    },
    async end() {
      step = Number.POSITIVE_INFINITY;
      await deliverDue();
    },
  };
}
