import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import { openRecoveries } from '../../store/recovery.ts';
import type { Exchange } from '../context.ts';
import { waitsFor } from '../recovering.ts';

/** How far each partner is for which state was lost here. */
export async function examineRecoveries(exchange: Exchange): Promise<Finding[]> {
  const { db } = exchange.store;
  const newest = new Map((await openRecoveries(db)).map((one) => [one.partner, one]));
  return Promise.all(
    [...newest.values()].map(async (recovery): Promise<Finding> => {
      const { partner, at, opened_at, resumed_at } = recovery;
      const { verify, streams } = await waitsFor(db, recovery);
      const what = [
        ...(opened_at === null ? ['its references are closed'] : []),
        ...(resumed_at === null ? ['references to it wait'] : []),
      ].join(' and ');
      const why = verify ? 'the answer to a round trip' : `the replay of ${streams.length} of its streams`;
      const message = `${partner}: state was lost here (${isoInstant(at.getTime())}); ${what} until ${why} has come.`;
      return { level: 'warn', code: 'recovery-open', partner, message, next: `caseref reconcile ${partner}` };
    }),
  );
}
