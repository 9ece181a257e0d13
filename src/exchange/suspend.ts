import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { beginAnew } from '../store/dead-letters.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { bumpDirectory, lockPartner, partnerRows, setPartnerState } from '../store/partners.ts';
import { inTransaction } from '../store/transaction.ts';
import { checkNotes } from '../wire/note.ts';
import { type ActStanding, beginAct, type Draft, isDraft, type Signing, shareAct, signersOf } from './acts.ts';
import type { Exchange } from './context.ts';
import { type Exposure, measureHoldings } from './narrowed.ts';

/** One partner by its issuer, or every active one; `reason` is text of our own that never leaves the node. */
export interface Suspension {
  readonly issuer?: string | undefined;
  readonly all?: boolean | undefined;
  readonly reason: string;
}

export interface Suspended {
  readonly suspended: readonly string[];
  readonly reason: string;
  /** What they hold of ours: nothing of it would be sent to them now. */
  readonly noLongerAllowed: readonly Exposure[];
}

type Active = Extract<Awaited<ReturnType<typeof partnerRows>>[number]['state'], 'active' | 'suspended'>;

/**
 * Stops the exchange with a partner, or with all of them, from the next transaction on: only receipts and withdrawals still
 * pass (protocol, "Recall"), and what the partner pushes besides is answered `access_denied`.
 */
export async function suspendPartners(
  exchange: Exchange,
  { issuer, all = false, reason }: Suspension,
): Promise<Suspended | Refusal> {
  const guarded = checkNotes({ reason });
  if (guarded) return guarded;
  if ((issuer !== undefined) === all)
    return refuse('usage-invalid', '/issuer', 'Name one partner, or all of them.', 'Give an issuer, or --all.');
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const wrong = issuer === undefined ? undefined : await partnerIn(trx, issuer, 'active');
    if (isRefusal(wrong)) return wrong;
    const active = (await partnerRows(trx)).filter((row) => row.state === 'active').map((row) => row.issuer);
    const suspended = issuer === undefined ? active : [issuer];
    await change(exchange, trx, suspended, { state: 'suspended', reason });
    return { suspended, reason };
  });
  if (isRefusal(answer)) return answer;
  return { ...answer, noLongerAllowed: await measureHoldings(exchange, answer.suspended) };
}

/** A suspension that ended, or is to end once another operator has approved it. */
export interface Resumed extends ActStanding {
  readonly issuer: string;
  readonly state: 'active' | 'pending';
}

/**
 * Lets the exchange with a suspended partner go on; what waits for it in the outbox is decided again and leaves, and so is
 * what was shared meanwhile, by the worker of reconsider.ts. One person stops it; with two operators or more it takes two to
 * let it go on.
 */
export async function resumePartner(
  exchange: Exchange,
  issuer: string,
  signing?: Signing,
): Promise<Resumed | Draft | Refusal> {
  const answer = await inTransaction(exchange.store.db, async (trx): Promise<Resumed | Draft | Refusal> => {
    const eyes = await beginAct(trx);
    const row = await partnerIn(trx, issuer, 'suspended');
    if (isRefusal(row)) return row;
    const { identity_kid: identity, suspended_at: since } = row;
    const document = { issuer, identity, ...(since && { suspendedSince: isoInstant(since.getTime()) }) };
    const act = { kind: 'partner.resume', subject: issuer, document };
    const weighed = await shareAct(exchange, trx, { ...act, eyes, signing });
    if (isRefusal(weighed) || isDraft(weighed)) return weighed;
    await weighed.record();
    const { standing, effective } = weighed;
    if (!effective) return { issuer, state: 'pending', ...standing };
    await change(exchange, trx, [issuer], { state: 'active', reason: null, ...standing });
    return { issuer, state: 'active', ...standing };
  });
  if (!isRefusal(answer) && !isDraft(answer) && answer.state === 'active') exchange.wake.outbox();
  return answer;
}

type PartnerRow = NonNullable<Awaited<ReturnType<typeof lockPartner>>>;

async function partnerIn(trx: Trx, issuer: string, wanted: Active): Promise<PartnerRow | Refusal> {
  const row = await lockPartner(trx, issuer);
  if (!row || row.state === 'removed') return unknownPartner(issuer);
  if (row.state === wanted) return row;
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
  { state, reason, ...standing }: Partial<ActStanding> & { readonly state: Active; readonly reason: string | null },
): Promise<void> {
  const at = new Date(exchange.clock());
  await setPartnerState(trx, issuers, state, { reason, at });
  if (state === 'active') await beginAnew(trx, issuers, at);
  const type = state === 'suspended' ? 'partner.suspended' : 'partner.resumed';
  await recordEvents(
    trx,
    issuers.map((partner) => ({
      type,
      at,
      partner,
      body: { ...(reason !== null && { reason }), ...signersOf(standing) },
    })),
  );
  await bumpDirectory(trx);
}
