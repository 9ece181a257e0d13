import { conditionList, isPlace } from '../clause.ts';
import type { When } from '../contract.types.ts';
import { within } from '../jurisdiction.ts';

/** A reference always answers these, so `*` asks for nothing. */
const everPresent: readonly string[] = ['category', 'marking.tlp', 'partner.type', 'urgency.level'];
/** A rule of many lists has very many combinations; above so many nobody is told that they are taken one by one. */
const MOST_PARTS = 64;

/** Whether a condition asks for nothing that any reference lacks. */
export function asksNothing(when: When): boolean {
  return Object.entries(when).every(
    ([member, wanted]) => everPresent.includes(member) && Array.isArray(wanted) && wanted.includes('*'),
  );
}

/**
 * The earlier rules that together take all that a condition would: one that covers it whole, or one for each combination
 * of its listed codes. Nothing where any reference may be left for it. Never wrong where it answers; where lists are long
 * it may stay silent.
 */
export function coveredBy<Earlier extends { readonly when: When }>(
  when: When,
  before: readonly Earlier[],
): readonly Earlier[] | undefined {
  const whole = before.find((earlier) => covers(earlier.when, when));
  if (whole) return [whole];
  const parts = partsOf(when);
  if (parts === undefined || before.length < 2) return undefined;
  const takers = new Set<Earlier>();
  for (const part of parts) {
    const taker = before.find((earlier) => covers(earlier.when, part));
    if (taker === undefined) return undefined;
    takers.add(taker);
  }
  return before.filter((earlier) => takers.has(earlier));
}

/**
 * A condition as the union of those that name one code for each member: any listed value is enough, and those on
 * assessments ask about one and the same assessment, so the union is exact.
 */
function partsOf(when: When): readonly When[] | undefined {
  let parts: When[] = [when];
  for (const member of Object.keys(when)) {
    const listed = conditionList(when, member);
    if (listed === undefined || listed.length < 2) continue;
    if (parts.length * listed.length > MOST_PARTS) return undefined;
    parts = parts.flatMap((part) => listed.map((code): When => ({ ...part, [member]: [code] })));
  }
  return parts;
}

/** Whether whatever matches `inner` matches `outer` as well. */
function covers(outer: When, inner: When): boolean {
  return Object.keys(outer).every((member) => {
    if (member === 'ageDays') return coversAge(outer.ageDays, inner.ageDays);
    const wide = conditionList(outer, member) ?? [];
    if (wide.includes('*') && everPresent.includes(member)) return true;
    const narrow = conditionList(inner, member);
    return narrow?.every((code) => wide.some((listed) => coversCode(member, listed, code))) ?? false;
  });
}

function coversCode(member: string, listed: string, code: string): boolean {
  return listed === '*' || listed === code || (isPlace(member) && within(code, listed));
}

function coversAge(outer: When['ageDays'], inner: When['ageDays']): boolean {
  // Only the age of a reference that tells one is compared, so a range without ends still asks for something.
  if (inner === undefined) return false;
  const floor = outer?.min ?? 0;
  const ceiling = outer?.max ?? Number.POSITIVE_INFINITY;
  return (inner.min ?? 0) >= floor && (inner.max ?? Number.POSITIVE_INFINITY) <= ceiling;
}
