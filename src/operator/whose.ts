import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Exchange } from '../exchange/context.ts';
import { originatorsOf } from '../store/lists.ts';

/** Whose reference is meant: the one named, else our own, else the only partner's with this id, since nobody remembers issuers. */
export async function whoseReference(
  exchange: Exchange,
  originator: string | undefined,
  id: string,
): Promise<string | Refusal> {
  if (originator !== undefined) return originator;
  const found = await originatorsOf(exchange.store.db, id);
  const [only = exchange.self, ...others] = found.includes(exchange.self) ? [exchange.self] : found;
  if (others.length === 0) return only;
  const next = `Say whose you mean: --originator ${[only, ...others].join(' or ')}.`;
  return refuse('not-found', '/originator', 'Several organisations have a reference with this id.', next);
}
