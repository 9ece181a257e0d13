import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { supersedePending } from '../store/operators.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { endDeliveries, endPolicies, heldByPartner, owedWithdrawals, takeDropped } from '../store/removal.ts';
import { dropReplacement, writePartner } from '../store/replacements.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import {
  type ActStanding,
  beginAct,
  type Draft,
  isDraft,
  type Signing,
  shareAct,
  signersOf,
  tellEnded,
} from './acts.ts';
import type { Exchange } from './context.ts';
import { endRecoveries } from './lost-state.ts';
import { newNotice, voidedOf } from './queue.ts';

/** A withdrawal that its recipient has not settled: it can no longer reach a partner that is removed. */
export interface Owed {
  readonly reference: string;
  readonly jti: string;
  readonly state: string;
  readonly queuedAt: string;
}

export interface Removed extends ActStanding {
  readonly issuer: string;
  /** `pending` while another operator has to approve it: until then it is the partner that it was. */
  readonly state: 'removed' | 'pending';
  /** References of ours that it still holds. */
  readonly holds: number;
  /** Withdrawals that will not be settled any more. */
  readonly owed: readonly Owed[];
  /** Messages that waited for it and do not leave any more. */
  readonly dropped: number;
}

/** Withdrawals that are named one by one; what is more is in the deliveries. */
const MOST = 100;

/** What may wait for a second operator and means nothing once the partner is gone. */
const aboutPartner = ['policy', 'partner.confirm', 'partner.resume'];

/**
 * Ends the exchange with a partner: from the next transaction on it is no partner, its pushes are answered
 * `invalid_issuer`, and what waits for it is dropped. What it sent stays under retention, what it was stays as history, and
 * it may be introduced anew. Wants `yes`, since a withdrawal cannot reach it afterwards: suspension lets them pass. With
 * two operators or more it takes two.
 */
export async function removePartner(
  exchange: Exchange,
  { issuer, yes = false }: { readonly issuer: string; readonly yes?: boolean | undefined },
  signing?: Signing,
): Promise<Removed | Draft | Refusal> {
  return inTransaction(exchange.store.db, async (trx): Promise<Removed | Draft | Refusal> => {
    const eyes = await beginAct(trx);
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
    const document = { issuer, identity: row.identity_kid, removed: true };
    const act = { kind: 'partner.remove', subject: issuer, document };
    const weighed = await shareAct(exchange, trx, { ...act, eyes, signing });
    if (isRefusal(weighed) || isDraft(weighed)) return weighed;
    await weighed.record();
    const { standing, effective } = weighed;
    const told = { issuer, holds, owed: owed.slice(0, MOST), ...standing };
    if (!effective) return { ...told, state: 'pending', dropped: 0 };
    const at = new Date(exchange.clock());
    await tellEnded(trx, await supersedePending(trx, aboutPartner, issuer, at), { at, by: standing.author });
    const dropped = await endDeliveries(trx, issuer);
    await endPolicies(trx, issuer);
    await dropReplacement(trx, issuer);
    await endRecoveries(trx, issuer, at);
    await writePartner(trx, issuer, { state: 'removed', state_reason: null, refresh_wanted_at: null });
    const body = { kid: row.identity_kid, ...signersOf(standing) };
    await recordEvents(trx, [{ type: 'partner.removed', at, partner: issuer, body }]);
    await bumpDirectory(trx);
    return { ...told, state: 'removed', dropped };
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
  const takeBack = `caseref reference withdraw --partner ${issuer} --no-longer-allowed --reason CODE`;
  const next = `To stop the exchange and still take back: caseref partner suspend ${issuer} --reason R, then ${takeBack}. If removal is meant, give --yes.`;
  return refuse('usage-invalid', '/yes', said.join(''), next);
}

/** Tells a partner that is introduced again of the numbers that were given before its removal and never left. */
export async function voidDropped(exchange: Exchange, trx: Trx, issuer: string, at: Date): Promise<void> {
  const gaps = voidedOf(await takeDropped(trx, issuer), 'dropped');
  if (gaps.length === 0) return;
  let position = await reservePositions(trx, gaps.length);
  const notices = gaps.map(({ payload }) =>
    newNotice(exchange, { partner: issuer, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert(notices)]);
}
