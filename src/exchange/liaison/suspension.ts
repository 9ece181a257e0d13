import { UNUSED_DAYS } from '../../domain/accreditation.ts';
import { isoInstant } from '../../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { recordEvents } from '../../store/feed.ts';
import { lockLiaison, revokeInvitations, unusedLiaisons, updateLiaison } from '../../store/liaisons.ts';
import type { Trx } from '../../store/open.ts';
import { endSessionRows, forgetCeremonies } from '../../store/portal-sessions.ts';
import { inTransaction } from '../../store/transaction.ts';
import { checkNotes } from '../../wire/note.ts';
import { type ActStanding, beginAct, type Draft, isDraft, type Signing, shareAct, signersOf } from '../acts.ts';
import type { Exchange } from '../context.ts';
import { forgetFinds } from '../portal/find.ts';
import { every, type Ticking } from '../ticking.ts';
import { unknownLiaison } from './accreditation.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** What is written where nobody did it: see `UNUSED_DAYS`. */
const UNUSED = 'unused for 90 days';

export interface SuspendedLiaison {
  readonly id: string;
  readonly name: string;
  readonly state: 'suspended';
  readonly reason: string;
  /** Sessions that ended by it. */
  readonly sessions: number;
}

/** Suspends a liaison at once, by one person: its sessions end, its invitation too, and from the next request on it sees nothing. */
export async function suspendLiaison(
  exchange: Exchange,
  { id, reason }: { readonly id: string; readonly reason: string },
): Promise<SuspendedLiaison | Refusal> {
  const guarded = checkNotes({ reason });
  if (guarded) return guarded;
  return inTransaction(exchange.store.db, async (trx) => {
    const row = await lockLiaison(trx, id);
    if (!row) return unknownLiaison();
    if (row.state === 'suspended') return refuse('state-conflict', '/id', 'The accreditation is suspended already.');
    const sessions = await suspend(exchange, trx, id, reason);
    return { id, name: row.name, state: 'suspended' as const, reason, sessions };
  });
}

async function suspend(exchange: Exchange, trx: Trx, id: string, reason: string): Promise<number> {
  const at = new Date(exchange.clock());
  await updateLiaison(trx, id, { state: 'suspended', state_reason: reason, suspended_at: at });
  await revokeInvitations(trx, id, at);
  const sessions = await endSessionRows(trx, id, { at, why: 'revoked' });
  await recordEvents(trx, [{ type: 'liaison.suspended', at, body: { liaison: id, reason, count: sessions } }]);
  return sessions;
}

export interface ResumedLiaison extends ActStanding {
  readonly id: string;
  readonly name: string;
  readonly state: 'active' | 'pending';
}

/** Ends a suspension. One person stops a liaison; with two operators or more it takes two to let it go on. */
export async function resumeLiaison(
  exchange: Exchange,
  id: string,
  signing?: Signing,
): Promise<ResumedLiaison | Draft | Refusal> {
  return inTransaction(exchange.store.db, async (trx): Promise<ResumedLiaison | Draft | Refusal> => {
    const eyes = await beginAct(trx);
    const row = await lockLiaison(trx, id);
    if (!row) return unknownLiaison();
    if (row.state !== 'suspended') return refuse('state-conflict', '/id', 'The accreditation is not suspended.');
    const { name, suspended_at: since } = row;
    const document = { id, ...(since && { suspendedSince: isoInstant(since.getTime()) }) };
    const weighed = await shareAct(exchange, trx, { kind: 'liaison.resume', subject: id, document, eyes, signing });
    if (isRefusal(weighed) || isDraft(weighed)) return weighed;
    await weighed.record();
    const { standing, effective } = weighed;
    if (!effective) return { id, name, state: 'pending', ...standing };
    const at = new Date(exchange.clock());
    await updateLiaison(trx, id, { state: 'active', state_reason: null, suspended_at: null, used_at: at });
    await recordEvents(trx, [{ type: 'liaison.resumed', at, body: { liaison: id, ...signersOf(standing) } }]);
    return { id, name, state: 'active', ...standing };
  });
}

/** Writes down which accreditations nobody used for 90 days; they show nothing since then. Gives their number. */
export async function suspendUnused(exchange: Exchange): Promise<number> {
  const since = new Date(exchange.clock() - UNUSED_DAYS * DAY);
  const unused = await unusedLiaisons(exchange.store.db, since);
  for (const { id } of unused)
    await inTransaction(exchange.store.db, async (trx) => {
      const row = await lockLiaison(trx, id);
      // Another process may have been quicker, or its liaison.
      if (row?.state === 'active' && row.used_at <= since) await suspend(exchange, trx, id, UNUSED);
    });
  return unused.length;
}

/** Forgets sign-ins that nobody can finish any more: anybody can begin one. */
export function forgetUnfinished({ store, clock }: Pick<Exchange, 'store' | 'clock'>): Promise<void> {
  return forgetCeremonies(store.db, new Date(clock()));
}

/** Once an hour: what nobody used is suspended, and what was only begun is forgotten. */
export function startLiaisonUpkeep(exchange: Exchange): Ticking {
  return every(exchange, { ms: HOUR, event: 'liaison.upkeep.failed' }, async () => {
    await suspendUnused(exchange);
    await forgetUnfinished(exchange);
    await forgetFinds(exchange);
  });
}
