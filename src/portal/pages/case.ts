import { html } from 'hono/html';
import type { ShownCase } from '../../exchange/portal/case.ts';
import { foreign, layout, type Markup, summary, time } from '../layout.ts';
import { caseLine, casePath, urgencyTag } from '../lines.ts';
import type { Visit } from '../parts.ts';
import type { Texts } from '../texts/en.ts';
import { date, outcome, place, scheme, word } from '../words.ts';
import { contactRows, phonesOf } from './contact.ts';
import { revisionList, timelineList } from './history.ts';

export function casePage(visit: Visit, shown: ShownCase, hint: Markup | ''): Markup {
  const { texts } = visit;
  const says = texts.case;
  const { line } = shown;
  const title = `${says.title}: ${word(texts, 'category', line.category)}`;
  const body = html`<p><a href="/references">${says.back}</a></p>${hint}
<h1>${word(texts, 'category', line.category)}${urgencyTag(texts, line.urgency)}</h1>
${line.suspect ? box(says.suspectTitle, says.suspectText) : ''}${urgentBox(texts, shown)}
<p class="quote">${says.quote}: <bdi class="code">${line.id}</bdi></p><p class="hint">${says.quoteHint}</p>
${part('where', says.where, html`${wherePart(texts, shown)}${revealPart(texts, shown)}`)}
${part('what', says.what, whatPart(texts, shown))}
${part('assessments', says.assessments, assessmentsPart(texts, shown))}
${part('holds', says.holds, holdsPart(texts, shown))}
${part('sender', says.sender, html`${summary(contactRows(texts, shown.sender))}<p><a class="button second" href="${casePath(line)}/genuine">${says.genuine}</a></p>`)}
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

function urgentBox(texts: Texts, { line, content, sender }: ShownCase): Markup | '' {
  if (line.urgency !== 'emergency' && line.urgency !== 'priority') return '';
  const says = texts.case;
  const name = sender.name ?? sender.issuer;
  const code = content.urgency?.code;
  const phones = phonesOf(sender.contact);
  const why =
    code === undefined ? '' : html`<p>${word(texts, 'urgency', line.urgency)}: ${word(texts, 'urgencyCode', code)}</p>`;
  if (line.urgency === 'priority')
    return html`<div class="inset">${why}${phones.length === 0 ? '' : phoneList(phones)}</div>`;
  return html`<div class="callout"><h2>${says.urgentTitle}</h2>${why}<p><bdi>${says.urgentText(name)}</bdi></p>${phones.length === 0 ? html`<p>${says.noPhone}</p>` : phoneList(phones)}</div>`;
}

/** As text: a telephone link would start a call on a machine that was not meant to make one. */
function phoneList(phones: readonly string[]): Markup {
  return html`<ul class="phones">${phones.map((phone) => html`<li><bdi>${phone}</bdi></li>`)}</ul>`;
}

function wherePart(texts: Texts, { line, content }: ShownCase): Markup {
  const says = texts.case;
  const { site, access } = content;
  const basis = (content.jurisdiction.concerned ?? []).map(
    ({ country, basis: why }) => `${place(texts, country)} – ${word(texts, 'basis', why)}`,
  );
  return summary([
    [says.address, html`<bdi class="code">${line.address}</bdi>`],
    [says.referrer, access?.referrer === undefined ? undefined : html`<bdi class="code">${access.referrer}</bdi>`],
    [says.host, place(texts, line.hosting)],
    [says.concerned, basis.join('; ')],
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

function whatPart(texts: Texts, { line, content, updatedAt }: ShownCase): Markup {
  const says = texts.case;
  const features = (content.features ?? []).map((code) => word(texts, 'feature', code)).join('; ');
  return summary([
    [says.category, word(texts, 'category', line.category)],
    [says.features, features],
    [says.role, content.role === undefined ? undefined : word(texts, 'role', content.role)],
    [texts.line.state, word(texts, 'state', line.state)],
    [says.arrived, time(texts, line.receivedAt)],
    [says.updated, time(texts, updatedAt)],
  ]);
}

function assessmentsPart(texts: Texts, { events, names }: ShownCase): Markup {
  const says = texts.case;
  if (events.assessments.length === 0) return html`<p>${says.noAssessments}</p>`;
  const cards = events.assessments.map((one) => {
    const by = one.toldBy?.unit ?? names.get(one.by) ?? one.by;
    const on = date(texts, new Date(one.at));
    const law = one.law === undefined ? says.assessedNoLaw(by, on) : says.assessed(by, place(texts, one.law), on);
    return html`<li><h3><bdi>${law}</bdi></h3>${summary([
      [says.outcome, foreign(outcome(texts, `${one.scheme}:${one.code}`))],
      [says.scheme, foreign(`${scheme(texts, one.scheme)} ${one.version}`)],
      [says.method, word(texts, 'method', one.method)],
    ])}</li>`;
  });
  return html`<p class="hint">${says.assessmentsHint}</p><ul class="cards">${cards}</ul>`;
}

function holdsPart(texts: Texts, { events, names }: ShownCase): Markup {
  const says = texts.case;
  const { holds, clearance } = events;
  if (holds.length === 0 && clearance.status === 'none') return html`<p>${says.noHolds}</p>`;
  const deadline = clearance.deadline === undefined ? undefined : time(texts, new Date(clearance.deadline));
  const cards = holds.map(
    ({
      desk,
      binding,
      inForce,
      since,
      until,
    }) => html`<li><h3><bdi>${says.holdBy(desk.unit ?? names.get(desk.by) ?? desk.by)}</bdi></h3>
<p>${binding ? says.binding : says.advisory}. ${inForce ? says.inForce : says.ended}.</p>${summary([
      [says.since, time(texts, new Date(since))],
      [says.until, time(texts, new Date(until))],
      [says.phone, foreign(phonesOf(desk.contact).join(', ') || undefined)],
    ])}</li>`,
  );
  return html`${clearance.status === 'none' ? '' : html`<p>${word(texts, 'clearance', clearance.status)}</p>${summary([[says.deadline, deadline]])}`}
${holds.length === 0 ? '' : html`<ul class="cards">${cards}</ul>`}`;
}

function duplicatesPart(texts: Texts, { duplicates, names }: ShownCase): Markup {
  const says = texts.case;
  if (duplicates.length === 0) return html`<p>${says.noDuplicates}</p>`;
  return html`<ol class="cases">${duplicates.map(
    ({ match, line }) =>
      html`<li><p class="hint">${match === 'known' ? says.known : says.possible}</p>${caseLine(texts, line, names)}</li>`,
  )}</ol>`;
}

function markingPart(texts: Texts, { content }: ShownCase): Markup {
  const says = texts.case;
  const { tlp, notifyHost = 'after-clearance', onward = 'none' } = content.marking;
  const handles = (content.handles ?? []).map(
    ({ system, id }) => html`<li>${word(texts, 'handleSystem', system)}: <bdi class="code">${id}</bdi></li>`,
  );
  return summary([
    [says.tlp, html`<bdi class="code">TLP:${tlp}</bdi>`],
    [says.notifyHost, word(texts, 'notifyHost', notifyHost)],
    [says.onward, word(texts, 'onward', onward)],
    [says.handles, handles.length === 0 ? undefined : html`<ul class="bare">${handles}</ul>`],
  ]);
}
