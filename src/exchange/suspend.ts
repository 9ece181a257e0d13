import { guard } from '../domain/guard.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, lockPartner, partnerRows, setPartnerState } from '../store/partners.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';

/** One partner by its issuer, or every active one; `reason` is text of our own that never leaves the node. */
export interface Suspension {
  readonly issuer?: string | undefined;
  readonly all?: boolean | undefined;
  readonly reason: string;
}

type Active = Extract<Awaited<ReturnType<typeof partnerRows>>[number]['state'], 'active' | 'suspended'>;

/**
 * Stops the exchange with a partner, or with all of them, from the next transaction on: only receipts and withdrawals still
 * pass (protocol, "Recall"), and what the partner pushes besides is answered `access_denied`.
 */
export async function suspendPartners(
  exchange: Exchange,
  { issuer, all = false, reason }: Suspension,
): Promise<{ suspended: string[]; reason: string } | Refusal> {
  const guarded = guard({ reason }, { form: 'policy' });
  if (guarded) return guarded;
  if ((issuer !== undefined) === all)
    return refuse('usage-invalid', '/issuer', 'Name one partner, or all of them.', 'Give an issuer, or --all.');
  return inTransaction(exchange.store.db, async (trx) => {
    const wrong = issuer === undefined ? undefined : await wrongState(trx, issuer, 'active');
    if (wrong) return wrong;
    const active = (await partnerRows(trx)).filter((row) => row.state === 'active').map((row) => row.issuer);
    const suspended = issuer === undefined ? active : [issuer];
    await change(exchange, trx, suspended, 'suspended', reason);
    return { suspended, reason };
  });
}

/** Lets the exchange with a suspended partner go on; what waits for it in the outbox leaves again. */
export async function resumePartner(
  exchange: Exchange,
  issuer: string,
): Promise<{ issuer: string; state: 'active' } | Refusal> {
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const wrong = await wrongState(trx, issuer, 'suspended');
    if (wrong) return wrong;
    await change(exchange, trx, [issuer], 'active', null);
    return { issuer, state: 'active' as const };
  });
  exchange.wake.outbox();
  return answer;
}

async function wrongState(trx: Trx, issuer: string, wanted: Active): Promise<Refusal | undefined> {
  const row = await lockPartner(trx, issuer);
  if (!row || row.state === 'removed') return unknownPartner(issuer);
  if (row.state === wanted) return undefined;
  const next =
    row.state === 'pending'
      ? 'Nothing is exchanged with it before it is confirmed.'
      : 'Look at it: caseref partner show ISSUER.';
  return refuse('state-conflict', '/issuer', `The partner is ${row.state}.`, next);
}

async function change(
  exchange: Exchange,
  trx: Trx,
  issuers: readonly string[],
  state: Active,
  reason: string | null,
): Promise<void> {
  const at = new Date(exchange.clock());
  await setPartnerState(trx, issuers, state, reason);
  const type = state === 'suspended' ? 'partner.suspended' : 'partner.resumed';
  await recordEvents(
    trx,
    issuers.map((partner) => ({ type, at, partner, ...(reason !== null && { body: { reason } }) })),
  );
  await bumpDirectory(trx);
}
