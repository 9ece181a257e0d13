import { html } from 'hono/html';
import type { ShownCase } from '../../exchange/portal/case.ts';
import type { CaseEntry } from '../../exchange/portal/case-events.ts';
import type { ShownRevision } from '../../exchange/portal/revisions.ts';
import { type Markup, time } from '../layout.ts';
import type { Texts } from '../texts/en.ts';
import { outcome, word } from '../words.ts';

/** What happened, in its order; holds, actions and clearance among the rest. */
export function timelineList(texts: Texts, { events, names }: ShownCase): Markup {
  const entries = events.timeline.map((entry) => {
    const by = entry.by === undefined ? '' : html` – <bdi>${names.get(entry.by) ?? entry.by}</bdi>`;
    return html`<li><span class="when">${time(texts, new Date(entry.at))}</span> <strong>${word(texts, 'event', entry.event)}</strong>${said(texts, entry)}${by}${standing(texts, entry)}</li>`;
  });
  return html`<ol class="timeline">${entries}</ol>`;
}

function said(texts: Texts, { content = {} }: CaseEntry): Markup | '' {
  const { action, scheme, code } = content;
  if (typeof action === 'string') return html`: ${word(texts, 'action', action)}`;
  if (typeof scheme === 'string' && typeof code === 'string')
    return html`: <bdi>${outcome(texts, `${scheme}:${code}`)}</bdi>`;
  return '';
}

function standing(texts: Texts, { status }: CaseEntry): Markup | '' {
  const says = { waiting: texts.case.waiting, refused: texts.case.refused, suspect: texts.case.doubted }[status];
  return says === undefined ? '' : html` (${says})`;
}

export function revisionList(texts: Texts, revisions: readonly ShownRevision[]): Markup {
  const says = texts.case;
  const listed = revisions.map(
    ({ revision, at, differences }) => html`<li><h3>${says.revision(revision)}, ${time(texts, at)}</h3>
${differences.length === 0 ? html`<p>${says.firstRevision}</p>` : differenceTable(texts, revision, differences)}</li>`,
  );
  return html`<ol class="revisions">${listed}</ol>`;
}

function differenceTable(texts: Texts, revision: number, differences: ShownRevision['differences']): Markup {
  const says = texts.case;
  const rows = differences.map(
    ({ member, before, after }) =>
      html`<tr><th scope="row"><bdi>${member}</bdi></th><td><bdi>${before || says.notSaid}</bdi></td><td><bdi>${after || says.notSaid}</bdi></td></tr>`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${says.revision(revision)}"><table><thead><tr><th scope="col">${says.member}</th><th scope="col">${says.before}</th><th scope="col">${says.after}</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}
