import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { endDeliveries, endPolicies, heldByPartner, owedWithdrawals, takeDropped } from '../store/removal.ts';
import { dropReplacement, writePartner } from '../store/replacements.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { newNotice, voidedOf } from './queue.ts';

/** A withdrawal that its recipient has not settled: it can no longer reach a partner that is removed. */
export interface Owed {
  readonly reference: string;
  readonly jti: string;
  readonly state: string;
  readonly queuedAt: string;
}

export interface Removed {
  readonly issuer: string;
  readonly state: 'removed';
  /** References of ours that it still holds. */
  readonly holds: number;
  /** Withdrawals that will not be settled any more. */
  readonly owed: readonly Owed[];
  /** Messages that waited for it and do not leave any more. */
  readonly dropped: number;
}

/** Withdrawals that are named one by one; what is more is in the deliveries. */
const MOST = 100;

/**
 * Ends the exchange with a partner: from the next transaction on it is no partner, its pushes are answered
 * `invalid_issuer`, and what waits for it is dropped. What it sent stays under retention, what it was stays as history, and
 * it may be introduced anew. Wants `yes`, since a withdrawal cannot reach it afterwards: suspension lets them pass.
 */
export async function removePartner(
  exchange: Exchange,
  { issuer, yes = false }: { readonly issuer: string; readonly yes?: boolean | undefined },
): Promise<Removed | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    const row = await lockPartner(trx, issuer);
    if (!row || row.state === 'removed') return unknownPartner(issuer);
    const holds = await heldByPartner(trx, exchange.self, issuer);
    const owed = (await owedWithdrawals(trx, issuer)).map((one) => ({
      reference: one.reference_id ?? '',
      jti: one.jti,
      state: one.state,
      queuedAt: isoInstant(one.created_at.getTime()),
    }));
    if (!yes) return unconfirmed(issuer, holds, owed);
    const at = new Date(exchange.clock());
    const dropped = await endDeliveries(trx, issuer);
    await endPolicies(trx, issuer);
    await dropReplacement(trx, issuer);
    await writePartner(trx, issuer, { state: 'removed', state_reason: null, refresh_wanted_at: null });
    await recordEvents(trx, [{ type: 'partner.removed', at, partner: issuer, body: { kid: row.identity_kid } }]);
    await bumpDirectory(trx);
    return { issuer, state: 'removed' as const, holds, owed: owed.slice(0, MOST), dropped };
  });
}

function unconfirmed(issuer: string, holds: number, owed: readonly Owed[]): Refusal {
  const ids = [...new Set(owed.map(({ reference }) => reference))];
  const shown = ids.length > 5 ? `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more` : ids.join(', ');
  const said = [
    `${issuer} holds ${holds} of our references, and no withdrawal can reach it once it is removed.`,
    ids.length === 0 ? '' : ` Not settled yet: the withdrawal of ${shown}.`,
    ' Nothing was done.',
  ];
  const next = `To stop the exchange and still take back: caseref partner suspend ${issuer} --reason R. If removal is meant, give --yes.`;
  return refuse('usage-invalid', '/yes', said.join(''), next);
}

/** Ranges in one message: well below what a token carries. */
const RANGES = 200;

/** Tells a partner that is introduced again of the numbers that were given before its removal and never left. */
export async function voidDropped(exchange: Exchange, trx: Trx, issuer: string, at: Date): Promise<void> {
  const gaps = voidedOf(await takeDropped(trx, issuer), 'dropped').flatMap(({ payload }) => inParts(payload));
  if (gaps.length === 0) return;
  let position = await reservePositions(trx, gaps.length);
  const notices = gaps.map((payload) =>
    newNotice(exchange, { partner: issuer, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert(notices)]);
}

function inParts(payload: Record<string, unknown>): Record<string, unknown>[] {
  const ranges: [number, number][] = [];
  for (const [first, last] of payload.ranges as [number, number][]) {
    const open = ranges.at(-1);
    if (open && first === open[1] + 1) open[1] = last;
    else ranges.push([first, last]);
  }
  const parts = Math.ceil(ranges.length / RANGES);
  return Array.from({ length: parts }, (_, part) => ({
    ...payload,
    ranges: ranges.slice(part * RANGES, (part + 1) * RANGES),
  }));
}
