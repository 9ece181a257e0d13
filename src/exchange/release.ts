import { type Refusal, refuse } from '../domain/refusal.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import { lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { decideMessages, forgetHeld, type HeldWithdrawal, heldWithdrawals, sealReferences } from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { laterReceipt } from './purge.ts';
import { backupsUntil, purgeTime, tombstoneRow } from './recalled.ts';
import { ownerOf } from './record.ts';

/**
 * Decides withdrawals that were held, all of a partner or of one batch, with one word: `accept` seals what they name and
 * lets erasure take its course, `refuse` leaves it open. Each originator gets the receipt that follows for each message.
 */
export async function releaseWithdrawals(
  exchange: Exchange,
  filter: { readonly issuer: string; readonly batch?: string | undefined },
  then: 'accept' | 'refuse',
): Promise<{ decided: number } | Refusal> {
  const decided = await inTransaction(exchange.store.db, async (trx) => {
    const held = await heldWithdrawals(trx, filter);
    if (held.length > 0) await decide(exchange, trx, held, then);
    return held.length;
  });
  if (decided === 0)
    return refuse('not-found', '', 'No withdrawal that fits is held.', 'Look at the feed: caseref events.');
  exchange.wake.outbox();
  return { decided };
}

async function decide(
  exchange: Exchange,
  trx: Trx,
  held: readonly HeldWithdrawal[],
  then: 'accept' | 'refuse',
): Promise<void> {
  const at = new Date(exchange.clock());
  const { partners } = await exchange.directory.within(trx);
  const names = held.map(({ issuer, reference_id }) => ({ originator: issuer, id: reference_id }));
  const rows = await lockReferences(trx, names);
  const present = new Set(rows.map(ownerOf));
  const known = new Set(rows.filter(({ wrapped }) => wrapped !== null).map(ownerOf));
  const outcomeOf = (one: HeldWithdrawal): string => {
    if (then === 'refuse') return 'refused';
    return known.has(ownerOf({ originator: one.issuer, id: one.reference_id })) ? 'sealed' : 'purged';
  };
  const sealed = held.filter((one) => outcomeOf(one) === 'sealed');
  await sealReferences(
    trx,
    sealed.map((one) => ({
      originator: one.issuer,
      id: one.reference_id,
      reason: one.reason,
      purgeAfter: purgeTime(exchange, one, partners.get(one.issuer)?.policy?.receive.purgeAfterHours),
    })),
    at,
  );
  for (const [outcome, group] of Map.groupBy(held, outcomeOf)) {
    await decideMessages(trx, group, outcome, outcome === 'refused' ? 'policy-refused' : null);
  }
  await forgetHeld(trx, held);
  const events = held.map(
    ({ issuer, jti, reference_id }): NewEvent => ({
      type: 'withdrawal.released',
      at,
      originator: issuer,
      reference: reference_id,
      partner: issuer,
      jti,
      body: { effect: then },
    }),
  );
  const buried =
    then === 'accept'
      ? [...new Map(names.map((name) => [ownerOf(name), name])).values()].filter((name) => !present.has(ownerOf(name)))
      : [];
  let position = await reservePositions(trx, buried.length + held.length + events.length);
  const tombstones = buried.map((name) => tombstoneRow(name, position++, at));
  const receipts = held.map((one) => {
    const outcome = outcomeOf(one);
    const said = {
      outcome,
      ...(outcome === 'refused' && { code: 'policy-refused' }),
      ...(outcome === 'purged' && { backupsUntil: backupsUntil(at.getTime()) }),
    };
    const message = { ...one, originator: one.issuer, id: one.reference_id };
    return laterReceipt(exchange, message, said, position++, at);
  });
  await insertAll(trx, [
    { table: 'reference', rows: tombstones },
    deliveryInsert(receipts),
    eventInsert(events, position),
  ]);
}
