import type { CaseState } from '../../domain/authority/state.ts';
import { SKEW } from '../../domain/authority/statement.ts';
import { closeAlertAbout } from '../../store/alerts.ts';
import { emergencySince } from '../../store/emergencies.ts';
import { recordEvents, reservePositions } from '../../store/feed.ts';
import type { Trx } from '../../store/open.ts';
import type { Exchange } from '../context.ts';
import type { CaseLog } from './log.ts';

const codes = ['emergency-arrived', 'emergency-unacknowledged'] as const;

/** Closes the alerts of an emergency that a person has acknowledged: at its originator by recipient, at a recipient its own. */
export async function closeAcknowledged(
  { self }: Exchange,
  trx: Trx,
  { name }: CaseLog,
  { acknowledged }: CaseState,
  at: Date,
): Promise<void> {
  if (acknowledged.length === 0) return;
  const since = (await emergencySince(trx, name))?.getTime() ?? 0;
  for (const { by, said } of acknowledged) {
    if (said < since - SKEW) continue;
    const partner = name.originator === self ? by : by === self ? name.originator : undefined;
    if (partner === undefined) continue;
    // The counter of the feed is locked before the alerts, here as everywhere.
    await reservePositions(trx, 0);
    for (const code of codes) {
      const alert = await closeAlertAbout(trx, { code, partner, scope: name.id }, at);
      if (alert !== undefined) await recordEvents(trx, [{ type: 'alert.closed', at, code, partner, body: { alert } }]);
    }
  }
}
