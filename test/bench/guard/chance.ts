import { createHash } from 'node:crypto';

/** Choices that are the same in every run of the same seed. */
export interface Chance {
  /** A whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
  /** So many characters of an alphabet. */
  text(alphabet: string, length: number): string;
  /** Bytes as a digest has them. */
  bytes(count: number): Buffer;
}

export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  let drawn = 0;
  // Mulberry32: short, and even enough to choose shapes with. The bytes of digests come from a real digest below.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const chance: Chance = {
    below: (limit) => next() % limit,
    pick: <T>(list: readonly T[]) => list[next() % list.length] as T,
    text: (alphabet, length) => Array.from({ length }, () => chance.pick([...alphabet])).join(''),
    bytes(count) {
      const blocks = Math.ceil(count / 64);
      const made = Array.from({ length: blocks }, () => createHash('sha512').update(`${seed}/${drawn++}`).digest());
      return Buffer.concat(made).subarray(0, count);
    },
  };
  return chance;
}
