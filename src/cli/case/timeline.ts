import { caseEventNames } from '../../domain/message.ts';
import type { TimelineEntry } from '../../exchange/case/case-view.ts';
import type { Terminal } from '../terminal.ts';

type Content = NonNullable<TimelineEntry['content']>;
type Sentence = (entry: TimelineEntry, content: Content) => string;

/** Events that say something; of a refused one nothing but that is kept. */
const spoken: ReadonlySet<string> = new Set(caseEventNames);

/** Everything that happened to a reference, one line each, in the order in which it happened. */
export function printTimeline(terminal: Terminal, entries: readonly TimelineEntry[]): void {
  for (const entry of entries) terminal.line(`${entry.at}  ${lineOf(entry)}`);
}

function lineOf(entry: TimelineEntry): string {
  const sentence =
    entry.content || !spoken.has(entry.event) ? sentences[entry.event](entry, entry.content ?? {}) : entry.event;
  return `${speaker(entry)}${sentence}${unknown(entry)}${standing(entry)}`;
}

/** "ORG states that UNIT said", and at everybody but the originator "ORIGINATOR reports that ORG …". */
function speaker({ by, via, toldBy }: Pick<TimelineEntry, 'by' | 'via' | 'toldBy'>): string {
  if (by === undefined) return '';
  const said = toldBy ? ` states that ${toldBy.unit} said (${toldBy.channel}${numberOf(toldBy)}):` : '';
  return `${via === undefined ? '' : `${via} reports that `}${by}${said} `;
}

function numberOf({ reference }: NonNullable<TimelineEntry['toldBy']>): string {
  return reference ? `, ${reference.system} ${reference.id}` : '';
}

const word = (value: unknown) => (value === undefined ? '' : String(value));
/** `, from NL` where there is something to say. */
const also = (label: string, value: unknown) => (value === undefined ? '' : `, ${label}${String(value)}`);

const sentences: Readonly<Record<TimelineEntry['event'], Sentence>> = {
  'report-received': () => 'received the report from the public',
  'seen-online': () => 'saw it online',
  submitted: () => 'submitted it',
  revised: ({ revision }) => `revised it (revision ${revision})`,
  sent: ({ to }) => `sent it to ${to}`,
  assessed: (_, { scheme, code, law, method }) =>
    `assessed it as ${word(scheme)} ${word(code)}${law === undefined ? '' : ` under ${word(law)}`} (${word(method)})`,
  acted: (_, { action, standing, reason, seenFrom, movedTo }) =>
    `${word(action)} (${word(standing)}${also('', reason)}${also('seen from ', seenFrom)}${also('moved to ', movedTo)})`,
  handover: (_, content) => handover(content),
  hold: (_, { step, until, ground, authority, review }) =>
    step === 'lifted'
      ? 'lifted its hold'
      : `placed a hold until ${word(until)} (${word(ground)}, by ${word(authority)}${also('review ', review)})`,
  clearance: (_, { step, deadline }) =>
    step === 'requested' ? `asked for clearance until ${word(deadline)}` : `${word(step)} clearance`,
  acknowledged: (_, { ownReference }) => `a person has it${ownNumber(ownReference)}`,
  feedback: (_, { code, country }) => `feedback: ${word(code)}${also('', country)}`,
  'hold-ended': () => 'its hold ended by itself',
  'handover-lapsed': ({ to }) => `its offer of the pen to ${to} lapsed: nobody answered`,
  'clearance-timed-out': () => 'nobody answered the request for clearance in time',
};

function handover({ step, to, code, answerBy }: Content): string {
  switch (step) {
    case 'offered':
      return `offered the pen to ${word(to)}${also('answer by ', answerBy)}`;
    case 'accepted':
      return 'accepted the pen';
    case 'declined':
      return `declined the pen${also('', code)}`;
    case 'confirmed':
      return 'confirmed the hand-over';
    default:
      return `returned the pen${also('', code)}`;
  }
}

function ownNumber(handle: unknown): string {
  const { system, id } = (handle ?? {}) as { system?: string; id?: string };
  return system === undefined ? '' : `, as ${system} ${id}`;
}

/** A code that is in none of our lists is shown as it came, and that it is not known here. */
function unknown({ unknown: members = [] }: TimelineEntry): string {
  return members.length === 0 ? '' : ` [not known here: ${members.map((one) => one.slice(1)).join(', ')}]`;
}

const standings: Readonly<Record<TimelineEntry['status'], string>> = {
  taken: '',
  waiting: ' - waits',
  refused: ' - refused',
  suspect: ' - does not count: signed by a key that was lost',
};

function standing({ status, code }: TimelineEntry): string {
  return `${standings[status]}${code === undefined ? '' : `: ${code}`}`;
}
