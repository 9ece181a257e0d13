import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from './context.ts';

/** Polls that wait in this process, by the exchange that they wait at: kept as long as that exchange lives. */
const waiting = new WeakMap<Exchange, Map<() => void, string>>();

/** Lets the waiting polls of partners with something due look now: the delivery worker knows when that is. */
export function ringPolls(exchange: Exchange, due: readonly string[]): void {
  const bells = waiting.get(exchange);
  if (!bells || bells.size === 0) return;
  const wanted = new Set(due);
  for (const [ring, issuer] of bells) if (wanted.has(issuer)) ring();
}

/** Waits until something is due for a partner, or so many milliseconds, or until nobody waits any more. */
export async function awaitBell(exchange: Exchange, issuer: string, ms: number, gone: AbortSignal): Promise<void> {
  const rung = new AbortController();
  const ring = () => rung.abort();
  const bells = waiting.get(exchange) ?? new Map<() => void, string>();
  waiting.set(exchange, bells.set(ring, issuer));
  await sleep(ms, undefined, { signal: AbortSignal.any([gone, rung.signal]) }).catch(() => undefined);
  bells.delete(ring);
}
