import { codes } from './codes.ts';
import type { Marking } from './contract.types.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Each scale from lax to strict. A code outside it, `unknown` included, counts as stricter than all. */
const scales = {
  tlp: ['CLEAR', 'GREEN', 'AMBER', 'AMBER+STRICT', 'RED'],
  notifyHost: ['may', 'after-clearance', 'must-not'],
  portal: ['concerned', 'national', 'none'],
  onward: ['national', 'none'],
  leo: ['H0', 'H1', 'H2', 'H3'],
} as const satisfies Readonly<Record<keyof Marking, readonly string[]>>;

const lists: Readonly<Record<keyof Marking, ReadonlySet<string>>> = {
  tlp: new Set(codes.markingTlp),
  notifyHost: new Set(codes.markingNotifyHost),
  portal: new Set(codes.markingPortal),
  onward: new Set(codes.markingOnward),
  leo: new Set(codes.markingLeo),
};
/** What a member means where it is not there: nobody is let in, told or passed on to by silence. */
const unstated = { notifyHost: 'after-clearance', portal: 'none', onward: 'none' } as const;

/** The stricter of two TLP 2.0 labels. An unknown label is treated as RED, and kept as it came. */
export function strictestTlp(a: string, b: string): string {
  return stricter('tlp', a, b);
}

/**
 * The stricter of two markings, member by member; what the second does not state takes nothing from the first. A label that
 * closes portals closes them in the result too, so that the result never contradicts itself.
 */
export function mergeMarking(marking: Marking, floor: Partial<Marking>): Marking {
  const merged: Marking = {
    ...marking,
    tlp: floor.tlp === undefined ? marking.tlp : stricter('tlp', marking.tlp, floor.tlp),
  };
  for (const member of ['notifyHost', 'portal', 'onward'] as const) {
    const other = floor[member];
    if (other !== undefined) merged[member] = stricter(member, marking[member] ?? unstated[member], other);
  }
  if (floor.leo !== undefined)
    merged.leo = marking.leo === undefined ? floor.leo : stricter('leo', marking.leo, floor.leo);
  if (closesPortals(merged.tlp) && opensPortal(merged)) merged.portal = 'none';
  return merged;
}

/** Whether, and to whose liaisons, a portal may show the reference. `none` for RED, AMBER+STRICT and every code that is not known. */
export function portalReach(marking: Marking): 'none' | 'national' | 'concerned' {
  const { portal } = marking;
  if (closesPortals(marking.tlp)) return 'none';
  return portal === 'national' || portal === 'concerned' ? portal : 'none';
}

/** Whether the hosting provider may be told; absent and unknown mean `after-clearance` and `must-not`. */
export function hostNotice(marking: Marking): 'may' | 'after-clearance' | 'must-not' {
  const { notifyHost = unstated.notifyHost } = marking;
  return notifyHost === 'may' || notifyHost === 'after-clearance' ? notifyHost : 'must-not';
}

/** Refuses (`marking-invalid`) codes outside the lists where `listed` asks for it, and a closed label with an open portal. */
export function checkMarking(marking: Marking, at: string, mode: 'listed' | 'open'): Refusal[] {
  const members = Object.keys(lists) as (keyof Marking)[];
  const found = members
    .filter((member) => mode === 'listed' && marking[member] !== undefined && !lists[member].has(marking[member]))
    .map((member) => refuse('marking-invalid', `${at}/${member}`, 'The code of the marking is not in its list.'));
  if (closesPortals(marking.tlp) && opensPortal(marking)) found.push(contradiction(`${at}/portal`));
  return found;
}

function contradiction(at: string): Refusal {
  return refuse(
    'marking-invalid',
    at,
    'RED and AMBER+STRICT are never shown in a portal.',
    'Leave portal out or write "none", or choose a TLP label that allows a portal.',
  );
}

function closesPortals(tlp: string): boolean {
  return rank('tlp', tlp) >= rank('tlp', 'AMBER+STRICT');
}

function opensPortal({ portal }: Marking): boolean {
  return portal === 'national' || portal === 'concerned';
}

function stricter(member: keyof Marking, a: string, b: string): string {
  return rank(member, b) > rank(member, a) ? b : a;
}

function rank(member: keyof Marking, code: string): number {
  const index = (scales[member] as readonly string[]).indexOf(code);
  return index < 0 ? Number.POSITIVE_INFINITY : index;
}
