import type { Policy } from '../domain/contract.types.ts';
import type { Trx } from '../store/open.ts';
import { type Claimed, claimDeliveries } from '../store/outbox.ts';
import { addTraffic, counterOf, markLimited, type Traffic, type TrafficKind } from '../store/traffic.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

type Claim = Omit<Parameters<typeof claimDeliveries>[1], 'which'>;

/** One limit of a policy and the window of it that is running: whole minutes, and days from 00:00 UTC. */
interface Window {
  readonly kind: TrafficKind;
  readonly limit: number;
  readonly since: Date;
  readonly until: Date;
}

/** When the window of this length that `now` is in began, in milliseconds since 1970. */
export function windowStart(now: number, length: number): number {
  return now - (now % length);
}

function windowsOf({ perMinute, perDay }: Partial<Policy['send']>, now: number): Window[] {
  const open = (kind: TrafficKind, limit: number | undefined, length: number): Window[] => {
    const since = windowStart(now, length);
    return limit === undefined ? [] : [{ kind, limit, since: new Date(since), until: new Date(since + length) }];
  };
  return [...open('sent-minute', perMinute, MINUTE), ...open('sent-day', perDay, DAY)];
}

/**
 * Claims what is due and what the policy's own limits leave room for. Withdrawals, receipts, voided numbers, emergencies
 * and what was let out before are claimed first and whatever the limits say; the rest of the references waits in the
 * outbox, where it says so, and goes when the next window begins or the limit is raised. Each message counts once, when it
 * is first let out. The counters are locked before anything is claimed, so that processes at the same time share them.
 */
export async function claimWithinLimits(
  trx: Trx,
  send: Policy['send'] | undefined,
  claim: Claim,
): Promise<readonly Claimed[]> {
  const windows = windowsOf(send ?? {}, claim.now.getTime());
  if (windows.length === 0) return claimDeliveries(trx, { ...claim, which: 'all' });
  const count = (n: number) =>
    addTraffic(
      trx,
      windows.map(({ kind, since }): Traffic => ({ partner: claim.partner, kind, since, n })),
    );
  const left = (counts: ReadonlyMap<string, number>) => (window: Window) =>
    window.limit - (counts.get(counterOf({ partner: claim.partner, kind: window.kind })) ?? 0);
  const before = left(await count(0));
  const free = await claimDeliveries(trx, { ...claim, which: 'free' });
  const urgent = free.filter(isFirst).length;
  const room = Math.min(claim.limit - free.length, ...windows.map((window) => before(window) - urgent));
  const others = room > 0 ? await claimDeliveries(trx, { ...claim, which: 'limited', limit: room }) : [];
  const rest = room - others.length;
  // What a partner wants once more counts like anything else, and takes only what fresh references leave.
  const again = rest > 0 ? await claimDeliveries(trx, { ...claim, which: 'replayed', limit: rest }) : [];
  const after = left(await count(urgent + [...others, ...again].filter(isFirst).length));
  const ends = windows.filter((window) => after(window) <= 0).map(({ until }) => until.getTime());
  if (ends.length > 0) await markLimited(trx, claim.partner, claim.now, new Date(Math.max(...ends)));
  return [...free, ...others, ...again];
}

/** Whether a claim lets a reference out for the first time; what policy has to decide again is not let out yet. */
function isFirst({ event, attempts, decided }: Claimed): boolean {
  return decided && attempts === 1 && (event === 'submitted' || event === 'revised');
}
