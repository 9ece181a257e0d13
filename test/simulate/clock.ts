import type { Dice } from './dice.ts';

/** Something that is due: run to its end, or to where only the outside can go on, before the next. */
interface Due {
  readonly at: number;
  /** Drawn from the seed: in which order things come that are due at the same instant. */
  readonly tie: number;
  readonly group: string | undefined;
  readonly run: () => void;
  /** Nobody waits for it any more. */
  off?: true;
}

/** A virtual clock, in milliseconds since 1970, and what is due by it. Time stands still while something runs. */
export interface VirtualClock {
  now(): number;
  /**
   * `group`: what is due at the same instant in the same group begins together, like requests that arrive together. Gives what
   * calls it off.
   */
  at(instant: number, run: () => void, group?: string): () => void;
  /** Goes on to what is due next, and begins it; false where nothing is due before `end`. */
  next(end: number): boolean;
}

export function createClock(start: number, dice: Dice): VirtualClock {
  const heap: Due[] = [];
  let now = start;

  const isBefore = (one: Due, other: Due) => (one.at === other.at ? one.tie < other.tie : one.at < other.at);
  const swap = (i: number, j: number) => {
    const [one, other] = [heap[i] as Due, heap[j] as Due];
    heap[i] = other;
    heap[j] = one;
  };

  function push(due: Due): void {
    heap.push(due);
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i] as Due, heap[parent] as Due)) return;
      swap(i, parent);
      i = parent;
    }
  }

  function pop(): Due | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < heap.length && isBefore(heap[left] as Due, heap[least] as Due)) least = left;
      if (right < heap.length && isBefore(heap[right] as Due, heap[least] as Due)) least = right;
      if (least === i) return first;
      swap(i, least);
      i = least;
    }
  }

  return {
    now: () => now,
    at(instant, run, group) {
      const due: Due = { at: Math.max(now, Math.ceil(instant)), tie: dice.fraction(), group, run };
      push(due);
      return () => {
        due.off = true;
      };
    },
    next(end) {
      while (heap[0]?.off) pop();
      const first = heap[0];
      if (!first || first.at > end) {
        now = Math.max(now, end);
        return false;
      }
      pop();
      now = first.at;
      first.run();
      if (first.group === undefined) return true;
      const apart: Due[] = [];
      while (heap[0]?.at === now) {
        const due = pop() as Due;
        if (due.off) continue;
        if (due.group === first.group) due.run();
        else apart.push(due);
      }
      for (const due of apart) push(due);
      return true;
    },
  };
}
