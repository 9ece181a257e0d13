import { counted } from '../progress.ts';
import type { Column, Tone } from '../table.ts';
import type { Field, Terminal } from '../terminal.ts';
import type { SimulatedPage, SimulatedReference, Totals } from './simulation.ts';

/** What every page of one simulation says alike. */
type Head = Pick<SimulatedPage, 'partner' | 'partnerState' | 'version' | 'since' | 'at'> & {
  readonly references?: number | undefined;
};

type Change = SimulatedReference['change'];

/** What a change is called on each side: taking is no sending. */
const names: Readonly<Record<'out' | 'in', Readonly<Record<Change, string>>>> = {
  out: {
    'newly-sent': 'newly sent',
    'no-longer-sent': 'no longer sent',
    'newly-held': 'newly held',
    'no-longer-held': 'no longer held',
    disclosure: 'disclosure changed',
    same: 'same',
  },
  in: {
    'newly-sent': 'newly accepted',
    'no-longer-sent': 'no longer accepted',
    'newly-held': 'newly held',
    'no-longer-held': 'no longer held',
    disclosure: 'disclosure changed',
    same: 'same',
  },
};

const tones: Readonly<Record<Change, Tone>> = {
  'newly-sent': 'strong',
  'no-longer-sent': 'bad',
  'newly-held': 'waiting',
  'no-longer-held': 'waiting',
  disclosure: 'strong',
  same: 'quiet',
};

/**
 * Prints what a draft would change: totals, then the references that were kept of those that change. `again` names the node
 * for the next command.
 */
export function printSimulated(
  terminal: Terminal,
  head: Head,
  totals: Totals,
  shown: readonly SimulatedReference[],
  again: string,
): void {
  const { send, receive, leftOut } = totals;
  const own = total(send.changes);
  const received = total(receive.changes);
  terminal.fields([
    ['partner', head.partner, 'strong'],
    ['compared with', head.version === 0 ? 'no policy: nothing is sent' : `version ${head.version}, in force`],
    ['since', head.since],
    ['own references', counted(own)],
    ['received', counted(received)],
    ['left out', leftOut > 0 ? `${counted(leftOut)} (withdrawn, restricted, erased or unreadable)` : undefined],
  ]);
  if (head.partnerState !== 'active') {
    terminal.warn(
      `The partner is ${head.partnerState}: nothing goes to it. The figures are those of an active partner.`,
    );
  }
  if (own > 0) printSend(terminal, send);
  if (received > 0) printReceive(terminal, receive);
  printShown(terminal, own + received - (send.changes.same + receive.changes.same), shown);
  terminal.say('Nothing was changed. Setting the policy sends nothing of the past and calls nothing back by itself.');
  terminal.say(
    'Limits by time and decisions by hand are not played through; what was refused when it came is not kept.',
  );
  if (send.sentAndWouldNot === 0) return;
  terminal.next('Once it is set, what the partner holds and would not be sent is listed and taken back by:', [
    `caseref reference withdraw --partner ${head.partner} --no-longer-allowed --reason CODE${again}`,
  ]);
}

function printSend(terminal: Terminal, { changes, effects, sentAndWouldNot, ...members }: Totals['send']): void {
  const { send, hold, withhold } = effects;
  terminal.line('');
  terminal.line(`Own references would be: sent ${counted(send)}, held ${counted(hold)}, withheld ${counted(withhold)}`);
  terminal.fields([
    ...changeFields('out', changes),
    ['have been sent and would not', sentAndWouldNot > 0 ? counted(sentAndWouldNot) : undefined, 'bad'],
    ['members gained', membersOf(members.gained)],
    ['members lost', membersOf(members.lost)],
    ['members said otherwise', membersOf(members.changed)],
  ]);
}

function printReceive(terminal: Terminal, { changes, effects }: Totals['receive']): void {
  const { accept, hold, refuse } = effects;
  terminal.line('');
  terminal.line(`Received would be: accepted ${counted(accept)}, held ${counted(hold)}, refused ${counted(refuse)}`);
  terminal.fields(changeFields('in', changes));
}

/** What leaves does not change on the way in. */
function changeFields(direction: 'out' | 'in', changes: Readonly<Record<Change, number>>): Field[] {
  const listed = Object.entries(changes) as [Change, number][];
  return listed
    .filter(([change]) => direction === 'out' || change !== 'disclosure')
    .map(([change, count]) => [names[direction][change], counted(count), count > 0 ? tones[change] : 'quiet']);
}

function membersOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([member, count]) => `${member} ${counted(count)}`)
    .join(', ');
}

function total(changes: Readonly<Record<Change, number>>): number {
  return Object.values(changes).reduce((sum, one) => sum + one, 0);
}

const columns: readonly Column<SimulatedReference>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'category', cell: ({ category }) => category },
  { title: 'countries', cell: ({ countries }) => countries.join(',') },
  {
    title: 'change',
    cell: ({ direction, change }) => names[direction][change],
    tone: ({ change }) => tones[change],
  },
  { title: 'was sent', cell: ({ sent }) => (sent === true ? 'yes' : '') },
  { title: 'today', cell: ({ before }) => `${before.effect} by ${before.rule}`, shrinks: true },
  { title: 'draft', cell: ({ after }) => `${after.effect} by ${after.rule}`, shrinks: true },
  { title: 'members', cell: memberCell, shrinks: true },
];

function memberCell({ change, gained = [], lost = [], changed = [] }: SimulatedReference): string {
  if (change !== 'disclosure') return '';
  const signed = [
    ...gained.map((member) => `+${member}`),
    ...lost.map((member) => `-${member}`),
    ...changed.map((member) => `~${member}`),
  ];
  return signed.join(' ');
}

function printShown(terminal: Terminal, changing: number, shown: readonly SimulatedReference[]): void {
  if (changing === 0) return;
  terminal.line('');
  terminal.table(columns, shown);
  if (changing > shown.length) {
    terminal.say(`${counted(shown.length)} of ${counted(changing)} that change, the newest; --json gives every one.`);
  }
}
