import { isoInstant } from '../../domain/instant.ts';
import type { RefusalCode } from '../../domain/refusal.ts';
import { recordEvents } from '../../store/feed.ts';
import { noteSessionRefused, type SessionRow } from '../../store/portal-sessions.ts';
import { countRefusals } from '../../store/rows.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';

/**
 * Records an attempt that failed at the portal's door. All are counted by day; where it is known whose accreditation was
 * tried, the feed says so. A session that has ended is told once, however often it is tried: the feed is not to be filled.
 */
export async function recordRefused(
  exchange: Exchange,
  code: RefusalCode,
  liaison?: string,
  ended?: Pick<SessionRow, 'id' | 'why'>,
): Promise<void> {
  const at = new Date(exchange.clock());
  exchange.log.warn({ event: 'portal.refused', code }, 'an attempt at the portal was refused');
  await inTransaction(exchange.store.db, async (trx) => {
    await countRefusals(trx, isoInstant(at.getTime()).slice(0, 10), 'portal', [code]);
    const first = ended === undefined || (await noteSessionRefused(trx, ended.id, at));
    if (liaison === undefined || !first) return;
    const reason = ended?.why ?? undefined;
    await recordEvents(trx, [
      { type: 'liaison.refused', at, code, body: { liaison, ...(reason !== undefined && { reason }) } },
    ]);
  });
}
