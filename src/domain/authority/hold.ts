import type { Issuer, Jurisdiction } from '../contract.types.ts';
import type { LateRefusal } from './clearance.ts';
import { holdBinds, isPolice, type PartyOf } from './party.ts';
import { type Desk, deskOf, ofEvent, type Statement, type StatementOf, sameDesk } from './statement.ts';

const DAY = 86_400_000;
/** How far ahead one hold may reach, and how long the holds of one organisation may last in sum, in milliseconds. */
export const LONGEST_HOLD = 30 * DAY;
export const LONGEST_SUM = 90 * DAY;

/** One hold with the end that counts; times in milliseconds since 1970. */
export interface HoldSpan {
  readonly desk: Desk;
  readonly since: number;
  /** When it ended or will end by itself: what it says, within the limits, or when it was lifted. */
  readonly until: number;
  readonly review?: number;
  readonly ground?: string;
  readonly authority?: string;
  /** Advisory where false: its issuer is of neither the hosting nor a concerned jurisdiction, or is not trusted with holds. */
  readonly binding: boolean;
  /** A clearance refused too late, which acts as a hold. */
  readonly lateRefusal: boolean;
}

/** What binding depends on beside the log. */
export interface HoldContext {
  readonly places: Jurisdiction | undefined;
  readonly partyOf: PartyOf;
  readonly lateRefusals: readonly LateRefusal[];
}

interface Placed extends Omit<HoldSpan, 'binding'> {
  readonly relayed: boolean;
}

/**
 * Every hold of a reference (rule 6), ended ones too, in the order in which they began. Each ends by itself; what reaches beyond 30 days,
 * or beyond 90 days of one organisation in sum, whatever units it names, ends there. A lift ends all that the same desk had placed before. `log` as `readLog` gives it.
 */
export function holdsOf(log: readonly Statement[], { places, partyOf, lateRefusals }: HoldContext): HoldSpan[] {
  const said = ofEvent(log, 'hold');
  const placed = [...said.flatMap((one) => placedBy(one, said, partyOf)), ...lateRefusals.map(asHold)];
  const counted = limitSums(placed.sort((a, b) => a.since - b.since || a.until - b.until));
  return counted.map(({ relayed, ...hold }) => ({
    ...hold,
    binding: holdBinds({ party: partyOf(hold.desk.by), relayed }, places),
  }));
}

/** The holds in force at an instant. One that a clock ahead has just placed is in force. */
export function inForce(holds: readonly HoldSpan[], now: number): HoldSpan[] {
  return holds.filter(({ since, until }) => until > Math.max(now, since));
}

/** How long the holds of an organisation have lasted and will last, in milliseconds. A unit is a name, and a new one costs nothing. */
export function sumOfHolds(holds: readonly Pick<HoldSpan, 'desk' | 'since' | 'until'>[], by: Issuer): number {
  let reach = 0;
  let sum = 0;
  for (const { since, until } of holds.filter(({ desk }) => desk.by === by)) {
    sum += Math.max(0, until - Math.max(since, reach));
    reach = Math.max(reach, until);
  }
  return sum;
}

type Said = StatementOf<'hold'>;

function placedBy(one: Said, said: readonly Said[], partyOf: PartyOf): Placed[] {
  const { payload, relayed, said: since } = one;
  if (payload.step !== 'placed' || payload.until === undefined) return [];
  if (!isPolice({ party: partyOf(one.by), relayed, toldBy: payload.toldBy })) return [];
  const desk = deskOf(one);
  const lift = said.find(
    (other) => other.payload.step === 'lifted' && other.said >= since && sameDesk(deskOf(other), desk),
  );
  const end = Math.min(Date.parse(payload.until), since + LONGEST_HOLD, lift?.said ?? Number.POSITIVE_INFINITY);
  return [
    {
      desk,
      since,
      until: Math.max(since, end),
      ...(payload.review !== undefined && { review: Date.parse(payload.review) }),
      ...(payload.ground !== undefined && { ground: payload.ground }),
      ...(payload.authority !== undefined && { authority: payload.authority }),
      lateRefusal: false,
      relayed,
    },
  ];
}

function asHold({ desk, relayed, said, lifted }: LateRefusal): Placed {
  const until = Math.min(said + LONGEST_HOLD, lifted ?? Number.POSITIVE_INFINITY);
  return { desk, since: said, until, lateRefusal: true, relayed };
}

/** Cuts what goes beyond the sum of one organisation; `placed` in the order in which they began. */
function limitSums(placed: readonly Placed[]): Placed[] {
  const counted: Placed[] = [];
  for (const hold of placed) {
    const before = counted.filter(({ desk }) => desk.by === hold.desk.by);
    const reach = Math.max(hold.since, ...before.map(({ until }) => until));
    const left = LONGEST_SUM - sumOfHolds(before, hold.desk.by);
    counted.push({ ...hold, until: Math.min(hold.until, reach + Math.max(0, left)) });
  }
  return counted;
}
