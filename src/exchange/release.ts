import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { wakeCases } from '../store/case.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import { type KnownReference, lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { holdPartners } from '../store/partners.ts';
import {
  countSuspectWithdrawals,
  decideMessages,
  forgetHeld,
  type HeldWithdrawal,
  lockWithdrawals,
  type Seal,
  sealReferences,
} from '../store/recall.ts';
import { liftDecided } from '../store/recovery.ts';
import { insertAll } from '../store/rows.ts';
import { firmTombstones } from '../store/suspect.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { laterReceipt } from './purge.ts';
import { backupsUntil, earlier, purgeTime, tombstoneRow } from './recalled.ts';
import { ownerOf } from './record.ts';
import { tellSealed } from './sealed.ts';

const BATCH = 1000;

/**
 * Decides withdrawals that were held, all of a partner or of one batch, with one word: `accept` seals what they name and
 * lets erasure take its course, `refuse` leaves it open. Each originator gets the receipt that follows for each message.
 * A withdrawal that a lost key may have signed is not accepted before its originator has said it again; how many were left is
 * told.
 */
export async function releaseWithdrawals(
  exchange: Exchange,
  filter: { readonly issuer: string; readonly batch?: string | undefined },
  then: 'accept' | 'refuse',
): Promise<{ decided: number; suspect?: number } | Refusal> {
  let decided = 0;
  const trustedOnly = then === 'accept';
  for (;;) {
    const done = await inTransaction(exchange.store.db, async (trx) => {
      await holdPartners(trx, [filter.issuer]);
      const held = await lockWithdrawals(trx, { ...filter, trustedOnly }, BATCH);
      if (held.length > 0) await decide(exchange, trx, held, then);
      return held.length;
    });
    decided += done;
    if (done < BATCH) break;
  }
  const suspect = trustedOnly ? await countSuspectWithdrawals(exchange.store.db, filter) : 0;
  if (decided === 0 && suspect > 0) return onlySuspect(suspect);
  if (decided === 0)
    return refuse('not-found', '', 'No withdrawal that fits is held.', 'Look at the feed: caseref events.');
  exchange.wake.outbox();
  return { decided, ...(suspect > 0 && { suspect }) };
}

function onlySuspect(count: number): Refusal {
  const said = `${count} withdrawals that fit are held, and each may be forged: a key that signed them was lost.`;
  const next = 'Ask the partner to say them again, or answer with refuse.';
  return refuse('state-conflict', '', said, next);
}

/** What an operator keeps at this instant, as the members that a receipt says it with. */
function keptAmong(rows: readonly KnownReference[], at: Date): Map<string, { code: string; until: string }> {
  const kept = new Map<string, { code: string; until: string }>();
  for (const row of rows) {
    const { kept_code: code, kept_until: until } = row;
    if (code !== null && until !== null && until > at)
      kept.set(ownerOf(row), { code, until: isoInstant(until.getTime()) });
  }
  return kept;
}

/** One seal for each reference: of several withdrawals of the same one the earliest erasure counts. */
function sealsOf(held: readonly HeldWithdrawal[], purgeAt: (one: HeldWithdrawal) => Date | null): Seal[] {
  const seals = new Map<string, Seal>();
  for (const one of held) {
    const name = { originator: one.issuer, id: one.reference_id };
    const before = seals.get(ownerOf(name))?.purgeAfter ?? null;
    seals.set(ownerOf(name), { ...name, reason: one.reason, purgeAfter: earlier(before, purgeAt(one)) });
  }
  return [...seals.values()];
}

function released({ issuer, jti, reference_id: reference }: HeldWithdrawal, effect: string, at: Date): NewEvent {
  return { type: 'withdrawal.released', at, originator: issuer, reference, partner: issuer, jti, body: { effect } };
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
  const keptOf = keptAmong(rows, at);
  const outcomeOf = (one: HeldWithdrawal): string => {
    if (then === 'refuse') return 'refused';
    const owner = ownerOf({ originator: one.issuer, id: one.reference_id });
    if (!known.has(owner)) return 'purged';
    return one.purge && keptOf.has(owner) ? 'retained' : 'sealed';
  };
  const sealed = held.filter((one) => ['sealed', 'retained'].includes(outcomeOf(one)));
  const purgeAt = (one: HeldWithdrawal) =>
    purgeTime(exchange, one, partners.get(one.issuer)?.policy?.receive.purgeAfterHours);
  await sealReferences(trx, sealsOf(sealed, purgeAt), at);
  for (const [outcome, group] of Map.groupBy(held, outcomeOf)) {
    const asked = group.map((one) => ({ ...one, purgeAfter: purgeAt(one) }));
    await decideMessages(trx, asked, outcome, outcome === 'refused' ? 'policy-refused' : null);
  }
  if (then === 'accept') await firmTombstones(trx, names);
  await forgetHeld(trx, held);
  for (const issuer of new Set(held.map((one) => one.issuer))) await liftDecided(trx, issuer);
  await wakeCases(trx, names, at);
  const events = held.map((one) => released(one, then, at));
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
      ...(outcome === 'retained' && keptOf.get(ownerOf({ originator: one.issuer, id: one.reference_id }))),
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
  await tellSealed(
    exchange,
    trx,
    sealed.map(({ issuer, reference_id }) => ({ originator: issuer, id: reference_id })),
    at,
  );
}
