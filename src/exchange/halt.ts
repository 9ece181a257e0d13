import type { Claimed } from '../store/outbox.ts';
import type { Exchange } from './context.ts';

/** How often the state of partners is looked at while posts are under way; with the query it stays well below a second. */
const LOOK_MS = 200;

/** Keeps posts from partners that were suspended or removed since they were claimed, in this process or another. */
export interface Halt {
  /**
   * Whether a claimed delivery may be posted at this moment, and the signal that ends the post when that changes;
   * undefined where it is to be given back: its partner was stopped, or it has to be decided again.
   */
  enter(delivery: Claimed, issuer: string, basis: number): Promise<Entered | undefined>;
  /** Whether anything is under way that may have to be broken off. */
  isWanted(): boolean;
  /** Breaks off what is under way to whom it may not go any more. */
  look(): Promise<void>;
}

/** A post that may begin; `leave` when it has ended, however it did. */
export interface Entered {
  readonly signal?: AbortSignal;
  leave(): void;
}

/** What a suspension does not stop (protocol, "Recall"). */
function passesAlways({ event }: Claimed): boolean {
  return event === 'receipt' || event === 'withdrawn';
}

function needsDecision({ event, statement_id, reissued_at, replayed }: Claimed): boolean {
  const isPolicys = event === 'submitted' || event === 'revised' || statement_id !== null;
  return isPolicys && (reissued_at === null || replayed);
}

/**
 * Between a claim and its post lie a signature, an encryption and a queue for a connection, and a slow partner can make that
 * many seconds. So the directory is asked once more before each post, and while any is under way again and again: within a
 * second of the commit nothing begins, and what waits for a connection or an answer is broken off. It keeps its number and
 * its bytes, and the recipient knows a message that it had before.
 */
export function watchHalts(exchange: Exchange): Halt & { stop(): void } {
  const halt = createHalt(exchange);
  let looking = false;

  function tick(): void {
    if (looking || !halt.isWanted()) return;
    looking = true;
    halt
      .look()
      .catch((failure: unknown) => exchange.log.failure('halt.failed', failure))
      .finally(() => {
        looking = false;
      });
  }

  const timer = setInterval(tick, LOOK_MS);
  return { ...halt, stop: () => clearInterval(timer) };
}

/** The same without a clock of its own: somebody else says when to look. */
export function createHalt(exchange: Exchange): Halt {
  const lines = new Map<string, { readonly abort: AbortController; posts: number }>();

  async function look(): Promise<void> {
    const { partners } = await exchange.directory.within(exchange.store.db);
    for (const [issuer, line] of lines) {
      if (partners.get(issuer)?.state !== 'active') line.abort.abort();
    }
  }

  return {
    isWanted: () => lines.size > 0,
    look,
    async enter(delivery, issuer, basis) {
      if (passesAlways(delivery)) return { leave: () => undefined };
      const { version, partners } = await exchange.directory.current();
      if (partners.get(issuer)?.state !== 'active') return undefined;
      if (version !== basis && needsDecision(delivery)) return undefined;
      const known = lines.get(issuer);
      const line = known && !known.abort.signal.aborted ? known : { abort: new AbortController(), posts: 0 };
      line.posts += 1;
      lines.set(issuer, line);
      return {
        signal: line.abort.signal,
        leave() {
          line.posts -= 1;
          if (line.posts === 0 && lines.get(issuer) === line) lines.delete(issuer);
        },
      };
    },
  };
}
