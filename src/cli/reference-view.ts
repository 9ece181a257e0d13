import { callWords } from '../domain/call.ts';
import type { CaseReference, IndustryReference } from '../domain/contract.types.ts';
import { disarmUrl } from '../domain/mask.ts';
import type { ShownCase } from '../exchange/case/case-view.ts';
import { printCase, printUrgent } from './case/view.ts';
import type { Everywhere } from './command.ts';
import { printDuplicates } from './duplicates-view.ts';
import type { ValueOf } from './reach.ts';
import type { Column, Tone } from './table.ts';
import type { Terminal } from './terminal.ts';

type ReferenceRow = ValueOf<'reference.list'>['items'][number];
type ShownReference = ValueOf<'reference.show'>;
type Submitted = ValueOf<'reference.submit'>;

/** The content of a reference, of which a row has none once its data key is destroyed. */
function contentOf(row: object): Partial<CaseReference & IndustryReference & { lowered: { stated: string } }> {
  return row;
}

/** What a list of references shows. */
export const referenceColumns: readonly Column<ReferenceRow>[] = [
  { title: 'id', cell: ({ id }) => id },
  { title: 'way', cell: ({ direction }) => direction },
  {
    title: 'state',
    cell: ({ state, suspect }) => (suspect ? `${state} (suspect)` : state),
    tone: ({ state, suspect }) => (suspect ? 'bad' : state === 'open' ? 'plain' : 'waiting'),
  },
  {
    title: 'urgency',
    cell: (row) => contentOf(row).urgency?.level ?? 'routine',
    tone: (row) => (contentOf(row).urgency?.level === 'emergency' ? 'bad' : 'quiet'),
  },
  { title: 'category', cell: (row) => contentOf(row).category ?? '' },
  { title: 'hosted', cell: (row) => contentOf(row).jurisdiction?.hosting ?? '' },
  { title: 'stored', cell: ({ createdAt }) => createdAt },
  { title: 'originator', cell: ({ originator }) => originator, shrinks: true },
  { title: 'address', cell: (row) => contentOf(row).url ?? '', tone: () => 'quiet', shrinks: true },
];

const effectTones: Readonly<Record<string, Tone>> = {
  send: 'good',
  accept: 'good',
  hold: 'waiting',
  withhold: 'quiet',
  refuse: 'bad',
};

interface AnyDecision {
  readonly partner: string;
  readonly effect: string;
  readonly rule: string;
  readonly change?: string | undefined;
}

function printDecisions(terminal: Terminal, decisions: readonly AnyDecision[]): void {
  terminal.table(
    [
      { title: 'partner', cell: ({ partner }) => partner },
      { title: 'decision', cell: ({ effect }) => effect, tone: ({ effect }) => effectTones[effect] ?? 'plain' },
      { title: 'by', cell: ({ rule }) => rule },
      { title: 'what would change it', cell: ({ change }) => change ?? '', tone: () => 'quiet' },
    ],
    decisions,
  );
}

/** What became of a submission: its id, who gets it and why not, and what is known of the address. */
export function printSubmitted(
  terminal: Terminal,
  { reference, decisions, duplicates, duplicateAnswer, normalised, calls = [] }: Submitted,
): void {
  for (const call of calls) terminal.warn(callWords(call));
  terminal.fields([
    ['reference', reference.id, 'strong'],
    ['address', reference.url, 'quiet'],
  ]);
  printDuplicates(terminal, { duplicates, duplicateAnswer });
  for (const { pointer } of normalised)
    terminal.say(
      `The host in ${pointer} was written in its one canonical form (lower case, A-labels) before it was signed.`,
    );
  if (decisions.length === 0) terminal.say('There is no partner that it could go to yet.');
  else {
    terminal.line('');
    printDecisions(terminal, decisions);
  }
}

/**
 * One reference as whoever has to act reads it: of an urgent one the telephone first, then what it is, where its case stands and
 * what comes next, and who got it. The trace of each decision is in the JSON only.
 */
export function printReference(terminal: Terminal, shown: ShownReference, options: Everywhere = {}): void {
  const about = caseIn(shown);
  if (about) printUrgent(terminal, about, shown.deliveries);
  printContent(terminal, shown);
  if (about && shown.here) printCase(terminal, about, shown.here, { options, deliveries: shown.deliveries });
  const { history, decisions, deliveries, duplicates, duplicateAnswer } = shown;
  if (duplicates && duplicateAnswer) printDuplicates(terminal, { duplicates, duplicateAnswer });
  // The timeline of a case has them in their place.
  if (!about) for (const { revision, at } of history.revisions) terminal.fields([[`revision ${revision}`, at]]);
  if (decisions.length > 0) {
    terminal.line('');
    printDecisions(terminal, decisions);
  }
  if (deliveries.length > 0) {
    terminal.line('');
    terminal.table(
      [
        { title: 'delivery', cell: ({ id }) => id },
        { title: 'partner', cell: ({ partner }) => partner },
        { title: 'event', cell: ({ event }) => event },
        { title: 'state', cell: ({ state }) => state, tone: ({ state }) => deliveryTone(state) },
        {
          title: 'receipt',
          cell: ({ receipt }) =>
            [receipt?.outcome, receipt?.code, receipt?.suspect && '(suspect)'].filter(Boolean).join(' '),
        },
      ],
      deliveries,
    );
  }
}

/** The case as one thing again: in the body of the API its parts stand where each belongs. */
function caseIn({ originator, id, state, history, case: standing }: ShownReference): ShownCase | undefined {
  const { assessments = [], actions = [], holds = [] } = history;
  return standing && { originator, id, state, assessments, actions, holds, ...standing };
}

/** How the state of a delivery is coloured. */
export function deliveryTone(state: string): Tone {
  if (state === 'receipted') return 'good';
  return state === 'dead' || state === 'overdue' ? 'bad' : 'waiting';
}

/** Masked addresses stay as they are; one that was asked for whole is not made a link either. */
function onTerminal(url: string | undefined): string {
  if (url === undefined) return 'can no longer be read';
  return /^(?:https?|ftp):/.test(url) ? disarmUrl(url) : url;
}

function printContent(terminal: Terminal, shown: ShownReference): void {
  const content = contentOf(shown);
  const { jurisdiction, marking, urgency, source, lowered } = content;
  terminal.fields([
    ['reference', shown.id, 'strong'],
    ['originator', shown.originator],
    ['way', shown.direction],
    ['state', shown.state],
    [
      'suspect',
      shown.suspect ? 'yes: signed by a key that was lost before; ask the originator to attest it' : undefined,
      'bad',
    ],
    ['revision', shown.revision],
    ['address', onTerminal(content.url)],
    ['passed on', source && `${shown.originator} states that ${source.iss} submitted ${source.sub}`],
    ['requested', content.requested],
    ['legal basis', content.legalBasis],
    ['unknown codes', shown.unknown && `${shown.unknown.join(', ')}: of a newer list than this node has`, 'waiting'],
    ['role', content.role],
    ['category', content.category],
    ['features', content.features?.join(', ')],
    ['urgency', [urgency?.level, urgency?.code].filter(Boolean).join(', ')],
    [
      'lowered here',
      lowered && `its originator says ${lowered.stated}; it raised more of these today than the policy takes`,
      'bad',
    ],
    ['hosted in', jurisdiction?.hosting],
    ['reported in', jurisdiction?.reporting],
    ['concerned', jurisdiction?.concerned?.map(({ country, basis }) => `${country} (${basis})`).join(', ')],
    ['assignee', content.assignee],
    ['marking', marking && Object.values(marking).join(', ')],
    ['handles', content.handles?.map(({ system, id }) => `${system} ${id}`).join(', ')],
    ['received', content.receivedAt],
    ['observed', content.observedAt],
    ['retain until', content.retainUntil],
    ['stored', shown.createdAt],
    ['changed', shown.updatedAt],
  ]);
  for (const { by, scheme, code, law, method, at } of content.assessments ?? []) {
    const under = law === undefined ? '' : ` under ${law}`;
    const party = by ?? (source ? `${source.iss}, as ${shown.originator} states,` : shown.originator);
    terminal.line(`assessed by ${party} as ${scheme} ${code}${under} on ${at} (${method})`);
  }
}
