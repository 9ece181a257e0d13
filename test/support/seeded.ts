/** Numbers that look random and are the same for the same seed. */
export interface Seeded {
  /** From 0 (inclusive) to 1. */
  fraction(): number;
  /** A whole number from 0 to `below`, exclusive. */
  below(below: number): number;
  pick<Value>(list: readonly Value[]): Value;
}

/** A small generator (mulberry32), kept apart for each of `names`: what one line draws moves no other. */
export function seeded(seed: number, ...names: readonly string[]): Seeded {
  let state = [...names.join('\0')].reduce(
    (hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193),
    seed | 0,
  );
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    const more = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((more ^ (more >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(fraction() * limit);
  return {
    fraction,
    below,
    pick<Value>(list: readonly Value[]) {
      const value = list[below(list.length)];
      if (value === undefined) throw new Error('there is nothing to pick from');
      return value;
    },
  };
}

/** The seed of this run: one for every run, another where `CASEREF_TEST_SEED` names one; printed with what fails. */
export function seedOfRun(): number {
  const wanted = process.env.CASEREF_TEST_SEED;
  if (wanted === 'random') return Math.floor(Math.random() * 2 ** 31);
  return wanted === undefined ? 20261122 : Number(wanted);
}
