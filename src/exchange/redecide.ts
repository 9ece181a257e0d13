import { recordEvents } from '../store/feed.ts';
import { type Claimed, dropDeliveries, releaseDeliveries } from '../store/outbox.ts';
import { reviseReferences } from '../store/references.ts';
import { inTransaction } from '../store/transaction.ts';
import { matchKeys } from '../wire/match.ts';
import type { Exchange } from './context.ts';
import { decideOne, heldEvents } from './decide.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { decisionRow, type ReferenceName } from './record.ts';
import { referenceOf } from './seal.ts';

/**
 * Decides again what was queued under an older directory: a policy that narrowed, a deny that was added or a partner
 * that was suspended counts for everything that is not signed yet. What may still go is claimed again at once; the rest
 * ends here, with the new decision in the place of the old one.
 */
export async function decideAgain(
  exchange: Exchange,
  snapshot: Snapshot,
  partner: PartnerEntry,
  claimed: readonly Claimed[],
  lease: string,
): Promise<void> {
  if (claimed.length === 0) return;
  const at = new Date(exchange.clock());
  const decided = claimed.map((delivery) => {
    const reference = referenceOf(exchange, delivery);
    const name: ReferenceName = { originator: exchange.self, id: delivery.reference_id as string };
    const decision = decideOne(exchange, snapshot, partner, reference, matchKeys(reference.url));
    const row = { revision: reference.revision, basis: snapshot.version, at };
    return { delivery, name, decision, row: decisionRow(name, partner.facts.issuer, 'out', decision, row) };
  });
  const stopped = decided.filter(({ decision }) => decision.effect !== 'send');
  await inTransaction(exchange.store.db, async (trx) => {
    // One reference can wait with several messages; they were decided alike, and one row stands for all of them.
    const rows = new Map(decided.map(({ name, row }) => [name.id, row]));
    await reviseReferences(trx, [], [...rows.values()]);
    await dropDeliveries(
      trx,
      stopped.map(({ delivery }) => delivery.id),
      'policy',
    );
    await releaseDeliveries(
      trx,
      decided.filter(({ decision }) => decision.effect === 'send').map(({ delivery }) => delivery.id),
      lease,
    );
    const held = stopped.flatMap(({ name, decision }) =>
      heldEvents(name, [{ partner: partner.facts.issuer, decision }], at),
    );
    await recordEvents(trx, held);
  });
}
