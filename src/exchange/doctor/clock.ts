import type { Finding } from '../../domain/finding.ts';
import type { Exchange } from '../context.ts';
import type { PartnerEntry } from '../directory.ts';

/** More than this and partners begin to put our messages off (120 s). */
const MOST_MS = 60_000;

/** What one partner's clock says: how far ours is ahead of it in milliseconds, or why nothing is known. */
export interface Offset {
  readonly partner: string;
  readonly aheadMs?: number;
  readonly code?: string;
}

/** Asks every active partner for the time. The answer's `Date` has whole seconds, so half a second is added to it. */
export async function askClocks(exchange: Exchange, partners: readonly PartnerEntry[]): Promise<Offset[]> {
  return Promise.all(
    partners.map(async ({ facts: { issuer }, local }) => {
      const asked = exchange.clock();
      const answer = await exchange.transport.askClock(issuer, { partner: issuer, local });
      if (answer.status === 'unreachable') return { partner: issuer, code: answer.code };
      if (answer.date === undefined) return { partner: issuer, code: 'no-date' };
      return { partner: issuer, aheadMs: (asked + exchange.clock()) / 2 - (answer.date + 500) };
    }),
  );
}

/** Judges what the clocks said: where most of several partners differ from us alike, ours is the wrong one. */
export function examineClocks(offsets: readonly Offset[]): Finding[] {
  const known = offsets.flatMap(({ partner, aheadMs }) => (aheadMs === undefined ? [] : [{ partner, aheadMs }]));
  if (known.length === 0) {
    return [{ level: 'note', code: 'clock-unknown', message: 'No partner told the time: the clock was not compared.' }];
  }
  const off = known.filter(({ aheadMs }) => Math.abs(aheadMs) > MOST_MS);
  if (off.length === 0) {
    const message = `The clock agrees with ${counted(known.length, 'partner')}.`;
    return [{ level: 'ok', code: 'clock', message }];
  }
  const next = 'Look whether this machine keeps its time: timedatectl status';
  if (known.length > 1 && off.length * 2 > known.length) {
    const message = `The clock of this machine is wrong: ${off.length} of ${counted(known.length, 'partner')} differ from it by over a minute.`;
    return [{ level: 'bad', code: 'clock-wrong', message, next }];
  }
  return off.map(({ partner, aheadMs }) => ({
    level: 'warn',
    code: 'clock-differs',
    partner,
    message: `Our clock and that of ${partner} differ by ${Math.round(Math.abs(aheadMs) / 1000)} s: ours is ${aheadMs > 0 ? 'ahead' : 'behind'}.`,
    next: `${next}; if it does, tell the partner.`,
  }));
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
