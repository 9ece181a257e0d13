import { setImmediate as breathe } from 'node:timers/promises';

/**
 * One thing at a time. Whoever asks the database of any node first takes this turnstile, in the order of asking, so that
 * answers of several connections can never race: with it, everything that happens between two events is one chain.
 */
export interface Turnstile {
  take(): Promise<void>;
  give(): void;
  /** A question under way, by whoever holds the turnstile. */
  during<Answer>(question: Promise<Answer>): Promise<Answer>;
  /** Does something to the database that no node asked for, in its turn. */
  alone<Answer>(work: () => Promise<Answer>): Promise<Answer>;
  /** Work that also waits for something else than the database: it has to end before anything is at rest. */
  outside<Answer>(work: Promise<Answer>): Promise<Answer>;
  /** From now on a turn of the event loop ends when nothing goes on, whatever the machine is busy with; gives the way back. */
  ownTurns(): () => void;
  /** Waits until nothing goes on without somebody from outside: throws where a transaction is left open meanwhile. */
  settle(): Promise<void>;
}

/** Real turns of the event loop in which nothing begins. */
const CALM = 3;

export function createTurnstile(): Turnstile {
  const waiting: (() => void)[] = [];
  let held = false;
  let flying: Promise<unknown> | undefined;
  let outside = 0;
  const turns = createTurns();

  async function take(): Promise<void> {
    if (!held) {
      held = true;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    await promise;
  }

  function give(): void {
    const next = waiting.shift();
    if (next) next();
    else held = false;
  }

  return {
    take,
    give,
    async alone(work) {
      await take();
      try {
        return await work();
      } finally {
        give();
      }
    },
    async during(question) {
      const flight = question.catch(() => undefined);
      flying = flight;
      try {
        return await question;
      } finally {
        if (flying === flight) flying = undefined;
      }
    },
    async outside(work) {
      outside += 1;
      try {
        return await work;
      } finally {
        outside -= 1;
      }
    },
    ownTurns: turns.own,
    async settle() {
      for (let calm = 0; calm < CALM; ) {
        if (flying) await flying;
        await breathe();
        calm = flying || outside > 0 ? 0 : calm + 1;
        // Whether an answer of the database or the end of a turn comes first is nothing that a seed could decide.
        if (calm === CALM && turns.end()) calm = 0;
      }
      if (held) throw new Error('a transaction is open while the node waits for something else than its store');
    },
  };
}

/** Turns of the event loop that end when they are told to, in place of the machine's. */
function createTurns() {
  let waiting: (() => void)[] = [];

  /** What waited for the end of this turn goes on; false where nothing did. */
  function end(): boolean {
    const due = waiting;
    waiting = [];
    for (const go of due) go();
    return due.length > 0;
  }

  function own(): () => void {
    const before = globalThis.setImmediate;
    const later = (go: (...given: unknown[]) => void, ...given: unknown[]) => void waiting.push(() => go(...given));
    Object.assign(globalThis, { setImmediate: later });
    return () => {
      Object.assign(globalThis, { setImmediate: before });
      end();
    };
  }

  return { end, own };
}
