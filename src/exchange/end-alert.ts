import type { AlertCode } from '../domain/alert.ts';
import { recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { closeAlertOf, isAlertOpen } from '../store/refresh.ts';

/** Closes the open alert of this code for a partner, where there is one, because what it told of is over. */
export async function endAlert(trx: Trx, code: AlertCode, partner: string, at: Date): Promise<void> {
  if (!(await isAlertOpen(trx, code, partner))) return;
  // The counter of the feed is locked before the alerts, here as everywhere.
  await reservePositions(trx, 0);
  const alert = await closeAlertOf(trx, code, partner, at);
  if (alert !== undefined) await recordEvents(trx, [{ type: 'alert.closed', at, code, partner, body: { alert } }]);
}
