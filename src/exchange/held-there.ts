import type { Decision, SendEffect } from '../domain/decision.ts';
import { raise } from '../store/feed.ts';
import { perhapsHeld } from '../store/may-hold.ts';
import type { Trx } from '../store/open.ts';
import type { Exchange } from './context.ts';
import type { ReferenceName } from './record.ts';

interface Decided {
  readonly name: ReferenceName;
  readonly partner: string;
  readonly decision: Pick<Decision<SendEffect>, 'effect'>;
}

/**
 * Tells a person of what partners hold, or may hold, and would have to wait for now (protocol, "Withdrawal": a decision that
 * turns to hold alerts). Nothing is asked back: whether it stays there is what the person decides.
 */
export async function alertHeldThere(
  exchange: Exchange,
  trx: Trx,
  decided: readonly Decided[],
  at: Date,
): Promise<void> {
  const held = decided.filter(({ decision }) => decision.effect === 'hold');
  const pairs = held.map(({ name, partner }) => ({ id: name.id, partner }));
  const there = await perhapsHeld(trx, exchange.self, pairs);
  const causes = pairs
    .filter(({ id, partner }) => there.has(`${id} ${partner}`))
    .map(({ id, partner }) => ({ code: 'held-there' as const, partner, originator: exchange.self, subject: id }));
  await raise(trx, causes, at);
}
