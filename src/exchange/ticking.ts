import type { Log } from '../log.ts';

/** What a running node does again and again; `stop` begins no more of it and waits for the round that is under way. */
export interface Ticking {
  stop(): Promise<void>;
}

/** `ms` between two beginnings; `event` names a round that failed in the log; `later`: the first one waits as long as any other. */
export interface Rhythm {
  readonly ms: number;
  readonly event: string;
  readonly later?: true;
}

/** Runs `round` now and every so many milliseconds, one at a time: one that takes longer is not begun twice, one that fails is told. */
export function every({ log }: { readonly log: Log }, rhythm: Rhythm, round: () => Promise<unknown>): Ticking {
  let underWay: Promise<void> | undefined;

  function tick(): void {
    underWay ??= round()
      .then(() => undefined)
      .catch((failure: unknown) => log.failure(rhythm.event, failure))
      .finally(() => {
        underWay = undefined;
      });
  }

  const timer = setInterval(tick, rhythm.ms);
  if (!rhythm.later) tick();
  return {
    async stop() {
      clearInterval(timer);
      await underWay;
    },
  };
}
