import { html } from 'hono/html';
import type { TimelineEntry } from '../../exchange/case/case-view.ts';
import type { ShownCase } from '../../exchange/portal/case.ts';
import type { ShownRevision } from '../../exchange/portal/revisions.ts';
import { type Markup, time } from '../layout.ts';
import type { Texts } from '../texts/en.ts';
import { instant, outcome, place, said, word } from '../words.ts';

type Names = ReadonlyMap<string, string>;
type Content = NonNullable<TimelineEntry['content']>;

/** What happened, in its order, each with who states it; holds, actions and clearance among the rest. */
export function timelineList(texts: Texts, { events, names }: ShownCase): Markup {
  return html`<ol class="timeline">${events.timeline.map(
    (entry) => html`<li><span class="when">${time(texts, new Date(entry.at))}</span>
${voice(texts, names, entry)}<strong><bdi>${headline(texts, names, entry)}</bdi></strong>${details(texts, entry)}${standing(texts, entry)}</li>`,
  )}</ol>`;
}

/** "ORG states", or "ORG states that UNIT said"; what others relayed, with who did. */
function voice(texts: Texts, names: Names, { by, via, toldBy }: TimelineEntry): Markup | '' {
  if (by === undefined) return '';
  const says = texts.timeline;
  const name = names.get(by) ?? by;
  const states = toldBy === undefined ? says.states(name) : says.statesThat(name, toldBy.unit);
  const relayed = via === undefined ? '' : ` ${says.relayed(names.get(via) ?? via)}`;
  return html`<bdi>${states}${relayed}</bdi>: `;
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** The one thing that an entry says. A code that is in none of our lists is shown as it came, and as unknown. */
function headline(texts: Texts, names: Names, entry: TimelineEntry): string {
  const says = texts.timeline;
  const { event, content = {}, to = '', revision = 1, unknown } = entry;
  const { action, scheme, code, law } = content;
  const stepOf = (list: 'handoverStep' | 'holdStep' | 'clearanceStep') => {
    const step = text(content.step);
    return step === undefined ? word(texts, 'event', event) : word(texts, list, step);
  };
  switch (event) {
    case 'assessed': {
      const found = said(texts, outcome(texts, `${text(scheme)}:${text(code)}`), unknown, '/code');
      if (text(code) === undefined) return word(texts, 'event', event);
      return text(law) === undefined ? says.assessedNoLaw(found) : says.assessed(found, place(texts, text(law)));
    }
    case 'acted':
      return text(action) === undefined ? word(texts, 'event', event) : word(texts, 'action', text(action) ?? '');
    case 'handover':
      return stepOf('handoverStep');
    case 'hold':
      return stepOf('holdStep');
    case 'clearance':
      return stepOf('clearanceStep');
    case 'feedback':
      return text(code) === undefined
        ? word(texts, 'event', event)
        : says.feedback(word(texts, 'feedback', text(code) ?? ''));
    case 'sent':
      return says.sent(names.get(to) ?? to);
    case 'revised':
      return says.revised(revision);
    default:
      return word(texts, 'event', event);
  }
}

/** What an entry says beside its headline. What a hold is for is not told here: that is between the desk and who calls it. */
function details(texts: Texts, { event, content = {} }: TimelineEntry): Markup | '' {
  const says = texts.timeline;
  const parts = [
    isOutcome(content) ? coded(content, 'standing', (code) => word(texts, 'standing', code)) : undefined,
    event === 'acted' ? coded(content, 'reason', (code) => word(texts, 'reason', code)) : undefined,
    coded(content, 'seenFrom', (code) => says.seenFrom(place(texts, code))),
    coded(content, 'movedTo', (code) => says.movedTo(place(texts, code))),
    event === 'hold' ? coded(content, 'until', (at) => says.until(instant(texts, new Date(at)))) : undefined,
    coded(content, 'deadline', (at) => says.deadline(instant(texts, new Date(at)))),
    coded(content, 'answerBy', (at) => says.deadline(instant(texts, new Date(at)))),
    event === 'handover' ? coded(content, 'code', (code) => word(texts, 'decline', code)) : undefined,
    event === 'feedback' ? coded(content, 'country', (code) => place(texts, code)) : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : html`, <bdi>${parts.join(', ')}</bdi>`;
}

/** What only the holder of the pen decides, and others propose: of these it matters which of both it is. */
function isOutcome({ action }: Content): boolean {
  return action === 'removed' || action === 'unavailable' || action === 'not-illegal';
}

function coded(content: Content, member: string, say: (value: string) => string): string | undefined {
  const value = text(content[member]);
  return value === undefined ? undefined : say(value);
}

/** What does not count, and why. */
function standing(texts: Texts, { status }: TimelineEntry): Markup | '' {
  const { waiting, refused, doubted } = texts.case;
  const says = { taken: undefined, waiting, refused, suspect: doubted }[status];
  return says === undefined ? '' : html` <span class="tag">${says}</span>`;
}

export function revisionList(texts: Texts, revisions: readonly ShownRevision[]): Markup {
  const says = texts.case;
  const listed = revisions.map(
    ({ revision, at, differences, closed }) => html`<li><h3>${says.revision(revision)}, ${time(texts, at)}</h3>
${differences.length === 0 ? html`<p>${closed ? says.closedRevision : revision === 1 ? says.firstRevision : says.sameRevision}</p>` : differenceTable(texts, revision, differences)}</li>`,
  );
  const isWhole = revisions.at(-1)?.revision === 1;
  return html`<ol class="revisions">${listed}</ol>${isWhole ? '' : html`<p>${says.olderRevisions}</p>`}`;
}

function differenceTable(texts: Texts, revision: number, differences: ShownRevision['differences']): Markup {
  const says = texts.case;
  const rows = differences.map(
    ({ member, before, after }) =>
      html`<tr><th scope="row"><bdi>${memberName(texts, member)}</bdi></th><td><bdi>${memberValue(texts, member, before)}</bdi></td><td><bdi>${memberValue(texts, member, after)}</bdi></td></tr>`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${says.revision(revision)}"><table aria-label="${says.revision(revision)}"><thead><tr><th scope="col">${says.member}</th><th scope="col">${says.before}</th><th scope="col">${says.after}</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

const listOf = {
  category: 'category',
  role: 'role',
  features: 'feature',
  'urgency.level': 'urgency',
  'urgency.code': 'urgencyCode',
  'site.type': 'siteType',
  'marking.notifyHost': 'notifyHost',
  'marking.onward': 'onward',
  'jurisdiction.concerned.basis': 'basis',
} as const satisfies Readonly<Record<string, keyof Texts['codes']>>;

const places: ReadonlySet<string> = new Set([
  'jurisdiction.hosting',
  'jurisdiction.reporting',
  'jurisdiction.concerned.country',
]);

const unnumbered = (member: string) => member.replaceAll(/\[\d+\]/g, '');

/** What a member says, in words where it is a code. */
function memberValue(texts: Texts, member: string, value: string): string {
  const plain = unnumbered(member);
  if (value === '') return texts.case.notSaid;
  if (places.has(plain)) return place(texts, value);
  return plain in listOf ? word(texts, listOf[plain as keyof typeof listOf], value) : value;
}

/** A member by its name in words; with its number in a list. */
function memberName(texts: Texts, member: string): string {
  const plain = unnumbered(member);
  const number = /\[(\d+)\]/.exec(member)?.[1];
  const name = texts.codes.member[plain] ?? member;
  return number === undefined || name === member ? name : `${name} (${number})`;
}
