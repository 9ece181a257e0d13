import { urgencyOf } from '../domain/reference.ts';
import type { Trx } from '../store/open.ts';
import { addTraffic, counterOf, type Traffic, type TrafficKind } from '../store/traffic.ts';
import type { Arrival } from './arrival.ts';
import type { Snapshot } from './directory.ts';
import { windowStart } from './send-limits.ts';

const DAY = 86_400_000;
/** Emergencies a day that a partner whose policy names no number may raise before the rest is shown as priority. */
const EMERGENCIES = 10;

/** What is left of the day's quotas of those who sent a batch; kept in the store, for every process and after a restart. */
export interface DayQuota {
  /** Takes room for a message; gives 0, or the seconds until there is room. `urgent` ones count and are never kept out. */
  take(arrival: Arrival, urgent: boolean): number;
  /** Whether the partner may raise one more emergency today. */
  hasEmergency(partner: string): boolean;
  takeEmergency(partner: string): void;
  /** Takes room for a hold that the partner places; false where its policy takes no more of them today. */
  takeHold(partner: string): boolean;
  /** What was taken, to be added to the counters in the same transaction. */
  taken(): Traffic[];
}

/** What is never kept out: a recall must come through, and a receipt ends what we began. */
const unlimited: ReadonlySet<string> = new Set(['withdrawn', 'receipt', 'voided']);

export function isEmergency({ judged }: Arrival): boolean {
  return judged.kind === 'reference' && urgencyOf(judged.reference) === 'emergency';
}

/** Whether a partner places a hold itself; what is relayed was counted by the originator. */
function placesHold({ judged }: Arrival): boolean {
  if (judged.kind !== 'statement') return false;
  const { statement } = judged.opened;
  return statement.event === 'hold' && statement.payload.step === 'placed' && !statement.relayed;
}

/** Reads and locks the counters that this batch needs; without a limit and without an emergency, none. */
export async function openQuota(trx: Trx, snapshot: Snapshot, batch: readonly Arrival[], at: Date): Promise<DayQuota> {
  const since = new Date(windowStart(at.getTime(), DAY));
  const limitOf = (partner: string, kind: TrafficKind): number | undefined => {
    const receive = snapshot.partners.get(partner)?.policy?.receive;
    if (kind === 'hold-day') return receive?.holdsPerDay;
    return kind === 'taken-day' ? receive?.perDay : (receive?.emergenciesPerDay ?? EMERGENCIES);
  };
  const needed = new Map<string, Traffic>();
  const need = (partner: string, kind: TrafficKind) =>
    needed.set(counterOf({ partner, kind }), { partner, kind, since, n: 0 });
  for (const arrival of batch) {
    const { iss } = arrival.verified.claims;
    if (isEmergency(arrival)) need(iss, 'emergency-day');
    if (placesHold(arrival) && limitOf(iss, 'hold-day') !== undefined) need(iss, 'hold-day');
    if (limitOf(iss, 'taken-day') !== undefined && !unlimited.has(arrival.judged.kind)) need(iss, 'taken-day');
  }
  const before = await addTraffic(trx, [...needed.values()]);
  const added = new Map<string, number>();
  const add = (key: string) => added.set(key, (added.get(key) ?? 0) + 1);
  const isFull = (partner: string, kind: TrafficKind) => {
    const key = counterOf({ partner, kind });
    return (before.get(key) ?? 0) + (added.get(key) ?? 0) >= (limitOf(partner, kind) ?? Number.POSITIVE_INFINITY);
  };
  return {
    take({ verified, judged }, urgent) {
      const partner = verified.claims.iss;
      const key = counterOf({ partner, kind: 'taken-day' });
      if (unlimited.has(judged.kind) || !needed.has(key)) return 0;
      if (isFull(partner, 'taken-day') && !urgent)
        return Math.max(1, Math.ceil((since.getTime() + DAY - at.getTime()) / 1000));
      add(key);
      return 0;
    },
    hasEmergency: (partner) => !isFull(partner, 'emergency-day'),
    takeEmergency: (partner) => void add(counterOf({ partner, kind: 'emergency-day' })),
    takeHold(partner) {
      const key = counterOf({ partner, kind: 'hold-day' });
      if (!needed.has(key)) return true;
      if (isFull(partner, 'hold-day')) return false;
      add(key);
      return true;
    },
    taken: () =>
      [...needed.values()].map((one) => ({ ...one, n: added.get(counterOf(one)) ?? 0 })).filter(({ n }) => n > 0),
  };
}
