import type { Call } from '../../domain/call.ts';
import type { Contact } from '../../domain/contract.types.ts';
import type { ShownCase, ShownHold } from '../../exchange/case/case-view.ts';
import { type Everywhere, onSameNode } from '../command.ts';
import type { Field, Terminal } from '../terminal.ts';
import type { Here } from './here.ts';
import { nextStep } from './next-step.ts';
import { printTimeline } from './timeline.ts';

type Calls = readonly { readonly call?: Call }[];

/** Whom an emergency has not reached yet: these are to be called all the more. */
function unreachedBy({ urgency }: ShownCase, deliveries: Calls): Call[] {
  if (urgency.level !== 'emergency') return [];
  const reached = (urgency.acknowledgement ?? []).map(({ recipient }) => recipient);
  return deliveries.flatMap(({ call }) => (call && !reached.includes(call.partner) ? [call] : []));
}

/** Of an urgent one the telephone stands above everything else: nothing that is read here replaces the call. */
export function printUrgent(terminal: Terminal, shown: ShownCase, deliveries: Calls): void {
  const { urgency, acknowledgements } = shown;
  if (urgency.level !== 'emergency') return;
  terminal.fields([['EMERGENCY', 'call first: this does not replace the call', 'bad']]);
  for (const call of unreachedBy(shown, deliveries)) {
    terminal.fields([
      ['call', numberOf(call.contact), 'bad'],
      ['it has not reached', call.partner, 'bad'],
    ]);
  }
  for (const waiting of urgency.acknowledgement ?? []) {
    const { recipient, state, since, contact } = waiting;
    const taken = acknowledgements.find(({ by }) => by === recipient);
    terminal.fields([
      ['call', numberOf(contact), 'bad'],
      ['desk', [contact?.desk, contact?.hours, contact?.timezone].filter(Boolean).join(', ')],
      [
        state === 'acknowledged' ? 'a person has it' : 'nobody has it yet',
        taken ? `${recipient}, ${taken.at}` : `${recipient}, since ${since}${state === 'overdue' ? ': overdue' : ''}`,
        state === 'acknowledged' ? 'good' : 'bad',
      ],
    ]);
  }
  terminal.line('');
}

/** Where a case stands, what stands in the way, who said what and when, and what is to be done next. */
export function printCase(
  terminal: Terminal,
  shown: ShownCase,
  here: Here,
  { options = {}, deliveries = [] }: { readonly options?: Everywhere; readonly deliveries?: Calls } = {},
): void {
  const { pen, holds, clearance, conflicts, lastSeenOnline } = shown;
  printAssessments(terminal, shown);
  terminal.line('');
  terminal.fields([
    ['pen', pen.unplaced ? 'nobody: it was returned twice' : pen.holders.map(ours(here)).join(' and '), 'strong'],
    ...pen.offers.map(
      ({ from, to, state, until }): Field => ['pen offered', `by ${from} to ${to}, ${state}, until ${until}`],
    ),
    ['host may be told', hostLine(shown), shown.host.notice === 'may' ? 'good' : 'bad'],
    ...holds.filter(({ inForce }) => inForce).map((hold): Field => ['hold', holdLine(hold, here), 'bad']),
    ['clearance', clearanceLine(clearance)],
    ['gone before clearance', clearance.goneBefore, 'bad'],
    ['last seen online', lastSeenOnline && `${lastSeenOnline.at} by ${lastSeenOnline.by}`],
    ...conflicts.map(
      ({ kind, between }): Field => [
        'conflict',
        `${kind} ${between.length === 1 ? 'by' : 'between'} ${between.join(' and ')}`,
        'bad',
      ],
    ),
    [
      'not confirmed yet',
      here.unconfirmed &&
        `${here.unconfirmed.event}, recorded by ${here.unconfirmed.author}, ${here.unconfirmed.since}`,
      'waiting',
    ],
  ]);
  terminal.line('');
  printTimeline(terminal, shown.timeline);
  terminal.next('Next:', [onSameNode(options, nextStep(shown, here, unreachedBy(shown, deliveries)))]);
}

/** Claims stand side by side: nothing says which is right. Those of the reference itself stand above. */
function printAssessments(terminal: Terminal, { assessments }: ShownCase): void {
  for (const { scheme, code, law, at, method, ...voice } of assessments) {
    if (voice.said === undefined) continue;
    const under = law === undefined ? '' : ` under ${law}`;
    const by = voice.toldBy ? `${voice.toldBy.unit}, as ${voice.by} states,` : voice.by;
    const via = voice.via === undefined ? '' : ` (reported by ${voice.via})`;
    terminal.line(`assessed by ${by} as ${scheme} ${code}${under} on ${at} (${method})${via}`);
  }
}

const ours =
  ({ node }: Here) =>
  (issuer: string) =>
    issuer === node ? `${issuer} (this node)` : issuer;

const reasons: Readonly<Record<ShownCase['host']['reason'], string>> = {
  clear: 'yes',
  'must-not': 'no: its marking forbids it',
  hold: 'no: a hold is in force',
  'clearance-missing': 'not before clearance: nobody has asked for it',
  'clearance-open': 'not before clearance: it was asked for and is not answered',
  'clearance-refused': 'no: clearance was refused',
  'clearance-timed-out': 'not before clearance: nobody answered in time',
};

function hostLine({ host }: ShownCase): string {
  return reasons[host.reason];
}

function holdLine({ desk, binding, until, review, ground, authority, lateRefusal }: ShownHold, { node, units }: Here) {
  const unit = desk.by === node ? units.find(({ name }) => name === desk.unit) : undefined;
  const whose = desk.unit === undefined ? desk.by : `${desk.unit}, as ${desk.by} states`;
  const why = lateRefusal
    ? 'clearance refused, late or unasked'
    : [ground, authority && `by ${authority}`].filter(Boolean).join(', ');
  const call = unit?.phone ?? phonesOf(desk.contact);
  const marks = [binding ? undefined : 'advisory', `until ${until}`, review && `review ${review}`, why];
  return `${whose}: ${marks.filter(Boolean).join(', ')}${call === undefined ? '' : `; call ${call}`}`;
}

function clearanceLine({ status, deadline, answeredAt, answeredBy, late, contradicted }: ShownCase['clearance']) {
  if (status === 'none') return undefined;
  const desk = answeredBy && (answeredBy.unit ?? answeredBy.by);
  const marks = [
    answeredAt === undefined ? deadline && `deadline ${deadline}` : `${answeredAt} by ${desk}`,
    late ? 'after its deadline' : undefined,
    contradicted ? 'one desk granted and another refused' : undefined,
  ];
  return `${status} (${marks.filter(Boolean).join(', ')})`;
}

function numberOf(contact: Contact | undefined): string {
  return phonesOf(contact) ?? 'no number is recorded here: find one, and ask for it to be on the card';
}

/** The telephone of the night before that of the day. */
function phonesOf(contact: Contact | undefined): string | undefined {
  const { emergencyPhone, phone } = contact ?? {};
  const other = emergencyPhone === undefined ? phone : phone && `or ${phone}`;
  return [emergencyPhone, other].filter(Boolean).join(' ') || undefined;
}
