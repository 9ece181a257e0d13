import { codes } from '../domain/codes.ts';
import { guard } from '../domain/guard.ts';
import { checkHandle } from '../domain/handle.ts';
import { isDate, isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { cancelUnsent, keepReference, lockOne, settleRecalls } from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { erase, laterReceipt } from './purge.ts';
import { newNotice, voidedOf } from './queue.ts';
import type { ReferenceName } from './record.ts';
import { recall } from './withdraw.ts';

const DAY = 86_400_000;

export interface Restriction {
  /** Why it is kept: a code of the list of retention grounds. */
  readonly ground: string;
  /** The last day of keeping, `YYYY-MM-DD`, to 24:00 UTC. */
  readonly until: string;
}

/**
 * Keeps a reference out of every face and out of erasure until a day, for a duty that forbids erasure. An originator that
 * asked for erasure is told `retained` with the ground and the end; when the day has passed, it is erased and told. What
 * was still on its way about an own one does not leave.
 */
export async function restrict(exchange: Exchange, name: ReferenceName, { ground, until }: Restriction) {
  const grounds: readonly string[] = codes.retentionGround;
  if (!grounds.includes(ground) || ground === 'unknown') {
    const listed = grounds.filter((code) => code !== 'unknown').join(', ');
    return refuse('code-unknown', '/ground', 'The ground is not in the code list.', `Use one of: ${listed}.`);
  }
  const end = isDate(until) ? Date.parse(`${until}T00:00:00Z`) + DAY : Number.NaN;
  if (!(end > exchange.clock()))
    return refuse('usage-invalid', '/until', 'The last day is no day ahead.', 'Write it as YYYY-MM-DD.');
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const known = await lockOne(trx, name);
    if (!known) return refuse('not-found');
    if (known.state === 'purged' || known.state === 'expired')
      return refuse('reference-withdrawn', '', 'It is erased already.');
    const at = new Date(exchange.clock());
    await keepReference(trx, name, { ground, until: new Date(end), at });
    const asked = await settleRecalls(trx, [name], 'retained');
    const unsent = known.direction === 'out' ? await cancelUnsent(trx, { ...name, ids: [name.id] }, 'restricted') : [];
    const voids = voidedOf(unsent, 'dropped');
    const events: NewEvent[] = [
      { type: 'reference.restricted', at, originator: name.originator, reference: name.id, code: ground },
    ];
    let position = await reservePositions(trx, asked.length + voids.length + events.length);
    const outcome = { outcome: 'retained', code: ground, until: isoInstant(end) };
    const receipts = asked.map((message) => laterReceipt(exchange, message, outcome, position++, at));
    const voided = voids.map(({ partner, payload }) =>
      newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
    );
    await insertAll(trx, [deliveryInsert([...receipts, ...voided]), eventInsert(events, position)]);
    return {
      ...name,
      state: 'restricted' as const,
      ground,
      until: isoInstant(end),
      told: [...new Set(asked.map(({ issuer }) => issuer))],
    };
  });
  exchange.wake.outbox();
  return answer;
}

/**
 * Erases a reference at once by the order of an authority, whatever policy or restriction says. Of an own reference every
 * holder is asked to erase it too. `order` is the authority's own number, as a handle; it stands in the feed.
 */
export async function eraseByOrder(
  exchange: Exchange,
  name: ReferenceName,
  order: string,
): Promise<Refusal | { originator: string; id: string; state: 'purged' }> {
  const handle = { system: 'own', id: order };
  const wrong = guard(handle, { form: 'reference' }) ?? checkHandle(handle, '');
  if (wrong) return { ...wrong, pointer: '/order' };
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const known = await lockOne(trx, name);
    if (!known) return refuse('not-found');
    if (known.state === 'purged' || known.state === 'expired')
      return refuse('reference-withdrawn', '', 'It is erased already.');
    if (known.direction === 'out') {
      const { partners } = await exchange.directory.within(trx);
      await recall(exchange, trx, name, [...partners.keys()], { reason: 'court-or-authority-order', purge: true });
    }
    await erase(exchange, trx, [known], 'purged', order);
    return { ...name, state: 'purged' as const };
  });
  exchange.wake.outbox();
  return answer;
}
