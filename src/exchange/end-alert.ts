import type { AlertCode } from '../domain/alert.ts';
import { closeAlertsOn } from '../store/alerts.ts';
import { recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { closeAlertsOf, isAlertOpen } from '../store/refresh.ts';
import type { ReferenceName } from './record.ts';

/** Closes the open alerts of this code for a partner, where there are any, because what they told of is over. */
export async function endAlert(trx: Trx, code: AlertCode, partner: string, at: Date): Promise<void> {
  if (!(await isAlertOpen(trx, code, partner))) return;
  // The counter of the feed is locked before the alerts, here as everywhere.
  await reservePositions(trx, 0);
  const closed = await closeAlertsOf(trx, code, partner, at);
  await recordEvents(
    trx,
    closed.map((alert) => ({ type: 'alert.closed', at, code, partner, body: { alert } })),
  );
}

/** Closes the open alerts of this code about one reference, whose cause has gone. After the counter of the feed was locked. */
export async function endAlertsOn(trx: Trx, code: AlertCode, name: ReferenceName, at: Date): Promise<void> {
  const { originator, id: reference } = name;
  const closed = await closeAlertsOn(trx, { code, scope: reference }, at);
  await recordEvents(
    trx,
    closed.map(({ id, partner }) => ({
      type: 'alert.closed',
      at,
      code,
      partner,
      originator,
      reference,
      body: { alert: id },
    })),
  );
}
