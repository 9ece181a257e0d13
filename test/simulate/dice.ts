import { createHash } from 'node:crypto';
import type { Chance } from '../../src/exchange/context.ts';

/** Chance from a seed: the same numbers for the same seed and name, whoever else draws. */
export interface Dice {
  /** From 0 (inclusive) to 1. */
  fraction(): number;
  /** A whole number from 0 to `below`, exclusive. */
  below(below: number): number;
  between(least: number, most: number): number;
  happens(probability: number): boolean;
  pick<One>(list: readonly One[]): One;
  /** Dice of their own for one purpose: what it draws moves nobody else's numbers. */
  fork(name: string): Dice;
}

const RANGE = 2 ** 32;

/** The generator sfc32 (small fast counting), its state from SHA-256 of the name. */
export function createDice(name: string): Dice {
  const digest = createHash('sha256').update(name).digest();
  const state = new Int32Array([digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), 1]);
  const [a, b, c, counter] = [0, 1, 2, 3] as const;

  function draw(): number {
    const at = (index: number) => state[index] ?? 0;
    const sum = (at(a) + at(b) + at(counter)) | 0;
    state[counter] = at(counter) + 1;
    state[a] = at(b) ^ (at(b) >>> 9);
    state[b] = at(c) + (at(c) << 3);
    state[c] = ((at(c) << 21) | (at(c) >>> 11)) + sum;
    return sum >>> 0;
  }

  const below = (most: number) => Math.floor((draw() / RANGE) * most);
  return {
    fraction: () => draw() / RANGE,
    below,
    between: (least, most) => least + below(most - least + 1),
    happens: (probability) => draw() / RANGE < probability,
    pick: (list) => list[below(list.length)] as (typeof list)[number],
    fork: (more) => createDice(`${name}/${more}`),
  };
}

function bytes(dice: Dice, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => dice.below(256)));
}

function asUuid(raw: Buffer, version: number): string {
  raw[6] = (version << 4) | ((raw[6] ?? 0) & 0x0f);
  raw[8] = 0x80 | ((raw[8] ?? 0) & 0x3f);
  const hex = raw.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A node's randomness as the node knows it. */
export function diceChance(dice: Dice, clock: () => number): Chance {
  return {
    jti: () => bytes(dice, 16).toString('base64url'),
    uuid() {
      const raw = bytes(dice, 16);
      raw.writeUIntBE(clock(), 0, 6);
      return asUuid(raw, 7);
    },
    uuid4: () => asUuid(bytes(dice, 16), 4),
    fraction: () => dice.fraction(),
  };
}
