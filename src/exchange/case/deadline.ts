import { type Answering, deadlineOf, type OffsetAt } from '../../domain/authority/desk-hours.ts';
import { POLICE } from '../../domain/authority/party.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import type { ReferenceName } from '../record.ts';

const SECOND = 1000;

/**
 * The deadline of a request for clearance that names none: by the hours of the desks that are asked, as the policies have them, and
 * the latest of them where several are. Those asked are police who were sent an own reference; of a partner's one its
 * originator asks, so every one of our own counts. On the wire it is an instant, never hours.
 */
export function deadlineFor(
  { self }: Exchange,
  { partners }: Snapshot,
  { originator }: ReferenceName,
  { sentTo, asked }: { readonly sentTo: readonly string[]; readonly asked: number },
): string {
  const police = [...partners.values()].filter(({ facts }) => facts.type === POLICE);
  const reached = originator === self ? police.filter(({ facts }) => sentTo.includes(facts.issuer)) : police;
  const terms = reached.map(({ policy }): Answering => policy?.clearance ?? {});
  const deadlines = (terms.length === 0 ? [{}] : terms).map((one: Answering) =>
    deadlineOf(asked, one, offsetOf(one.desk?.timezone)),
  );
  return isoInstant(Math.ceil(Math.max(...deadlines) / SECOND) * SECOND);
}

/** Whether the time zone is one of this runtime's. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A release of the time zone data may drop a name that a policy in force has: UTC then, which a wrong deadline is less wrong than none. */
function offsetOf(timeZone: string | undefined): OffsetAt {
  if (timeZone === undefined || !isTimeZone(timeZone)) return () => 0;
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const times = { hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    ...fields,
    ...times,
  });
  return (instant) => {
    const shown = new Map(clock.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes) => shown.get(name) ?? 0;
    const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return local - Math.floor(instant / SECOND) * SECOND;
  };
}
