import { html } from 'hono/html';
import type { ShownCase } from '../../exchange/portal/case.ts';
import { foreign, layout, type Markup, summary, time } from '../layout.ts';
import { caseLine, casePath, urgencyTag } from '../lines.ts';
import type { Visit } from '../parts.ts';
import type { Texts } from '../texts/en.ts';
import { place, scheme, word } from '../words.ts';
import { assessmentsPart } from './claims.ts';
import { contactRows, phoneList, phonesOf } from './contact.ts';
import { revisionList, timelineList } from './history.ts';
import { acknowledgementLines, holdsPart, responsible, warnings } from './standing.ts';

export function casePage(visit: Visit, shown: ShownCase, hint: Markup | ''): Markup {
  const { texts } = visit;
  const says = texts.case;
  const { line } = shown;
  const title = `${says.title}: ${word(texts, 'category', line.category)}`;
  const body = html`<p class="back"><a href="/references">${says.back}</a></p>
<h1>${word(texts, 'category', line.category)}${urgencyTag(texts, line.urgency)}</h1>
${line.suspect ? box(says.suspectTitle, says.suspectText) : ''}${urgentBox(texts, shown)}${warnings(texts, shown)}${hint}
<p class="quote">${says.quote}: <bdi class="code">${line.id}</bdi></p><p class="hint">${says.quoteHint}</p>
${part('where', says.where, html`${wherePart(texts, shown)}${revealPart(texts, shown)}`)}
${part('what', says.what, whatPart(texts, shown))}
${part('assessments', says.assessments, assessmentsPart(texts, shown))}
${part('holds', says.holds, holdsPart(texts, shown))}
${part('sender', says.sender, html`${summary(contactRows(texts, shown.sender))}${phonesOf(shown.sender.contact).length === 0 ? html`<p>${says.noPhone}</p>` : ''}<p><a class="button second" href="${casePath(line)}/genuine">${says.genuine}</a></p>`)}
${part('timeline', says.timeline, timelineList(texts, shown))}
${part('duplicates', says.duplicates, duplicatesPart(texts, shown))}
${part('marking', says.marking, markingPart(texts, shown))}
${part('revisions', says.revisions, revisionList(texts, shown.revisions))}`;
  return layout(visit, { title, section: 'search', body });
}

function part(id: string, title: string, body: Markup): Markup {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>`;
}

function box(title: string, text: string): Markup {
  return html`<div class="callout"><h2>${title}</h2><p>${text}</p></div>`;
}

function urgentBox(texts: Texts, shown: ShownCase): Markup | '' {
  const { line, content, sender } = shown;
  if (line.urgency !== 'emergency' && line.urgency !== 'priority') return '';
  const says = texts.case;
  const code = content.urgency?.code;
  const why =
    code === undefined ? '' : html`<p>${word(texts, 'urgency', line.urgency)}: ${word(texts, 'urgencyCode', code)}</p>`;
  const phones = phoneList(texts, sender.contact);
  if (line.urgency === 'priority') return html`<div class="inset">${why}${phones}</div>`;
  return html`<div class="callout"><h2>${says.urgentTitle}</h2>${why}<p><bdi>${says.urgentText(sender.name ?? sender.issuer)}</bdi></p>${phones || html`<p>${says.noPhone}</p>`}${acknowledgementLines(texts, shown)}</div>`;
}

function wherePart(texts: Texts, { line, content, events, names }: ShownCase): Markup {
  const says = texts.case;
  const { site, access } = content;
  const basis = (content.jurisdiction.concerned ?? []).map(
    ({ country, basis: why }) => `${place(texts, country)} – ${word(texts, 'basis', why)}`,
  );
  const { lastSeenOnline: seen } = events;
  const online =
    seen && html`${time(texts, new Date(seen.at))}, <bdi>${texts.timeline.states(names.get(seen.by) ?? seen.by)}</bdi>`;
  return summary([
    [says.address, html`<bdi class="code">${line.address}</bdi>`],
    [says.referrer, access?.referrer === undefined ? undefined : html`<bdi class="code">${access.referrer}</bdi>`],
    [says.host, place(texts, line.hosting)],
    [says.concerned, basis.join('; ')],
    [says.lastSeen, online],
    [says.site, site?.type === undefined ? undefined : word(texts, 'siteType', site.type)],
  ]);
}

function revealPart(texts: Texts, { line, stated }: ShownCase): Markup {
  const says = texts.case;
  const path = casePath(line);
  if (!stated) return html`<p><a class="button" href="${path}/purpose">${says.show}</a></p>`;
  const own = stated.ownReference === undefined ? '' : html` (<bdi>${stated.ownReference}</bdi>)`;
  return html`<p>${says.statedAs(word(texts, 'purpose', stated.purpose))}${own}</p><p><a class="button" href="${path}/address">${says.showAgain}</a></p>`;
}

function whatPart(texts: Texts, shown: ShownCase): Markup {
  const { line, content, updatedAt } = shown;
  const says = texts.case;
  const features = (content.features ?? []).map((code) => word(texts, 'feature', code)).join('; ');
  return summary([
    [says.category, word(texts, 'category', line.category)],
    [says.features, features],
    [says.role, content.role === undefined ? undefined : word(texts, 'role', content.role)],
    [texts.line.state, word(texts, 'state', line.state)],
    [says.responsible, responsible(texts, shown)],
    [says.arrived, time(texts, line.receivedAt)],
    [says.updated, time(texts, updatedAt)],
  ]);
}

function duplicatesPart(texts: Texts, { duplicates, names }: ShownCase): Markup {
  const says = texts.case;
  if (duplicates.length === 0) return html`<p>${says.noDuplicates}</p>`;
  return html`<ol class="cases">${duplicates.map(
    ({ match, line }) =>
      html`<li><p class="hint">${match === 'known' ? says.known : says.possible}</p>${caseLine(texts, line, names)}</li>`,
  )}</ol>`;
}

function handleSystem(texts: Texts, system: string): string {
  return system.startsWith('national:') ? scheme(texts, system) : word(texts, 'handleSystem', system);
}

function markingPart(texts: Texts, { content }: ShownCase): Markup {
  const says = texts.case;
  const { tlp, notifyHost = 'after-clearance', onward = 'none' } = content.marking;
  const handles = (content.handles ?? []).map(
    ({ system, id }) => html`<li>${handleSystem(texts, system)}: <bdi class="code">${id}</bdi></li>`,
  );
  return summary([
    [says.tlp, foreign(says.tlpMeans(tlp, word(texts, 'tlp', tlp)))],
    [says.notifyHost, word(texts, 'notifyHost', notifyHost)],
    [says.onward, word(texts, 'onward', onward)],
    [says.handles, handles.length === 0 ? undefined : html`<ul class="bare">${handles}</ul>`],
  ]);
}
