import { html } from 'hono/html';
import type { Contact } from '../../domain/contract.types.ts';
import type { ListedCase } from '../../exchange/portal/list.ts';
import type { Overview } from '../../exchange/portal/overview.ts';
import { chart } from '../chart.ts';
import { layout, type Markup, time } from '../layout.ts';
import { caseLine, caseList, casePath } from '../lines.ts';
import type { Visit } from '../parts.ts';
import { date, instant, place, word } from '../words.ts';
import { phoneList } from './contact.ts';

/** How organisations are called, and how they are called up. */
export interface Known {
  readonly names: ReadonlyMap<string, string>;
  readonly contacts: ReadonlyMap<string, Contact>;
}

export function overviewPage(visit: Visit, overview: Overview, known: Known, hint: Markup | ''): Markup {
  const { texts } = visit;
  const { overview: says, chart: drawn } = texts;
  const { urgent, days, countries, categories } = overview;
  const emergencies = urgent.filter(({ urgency }) => urgency === 'emergency');
  const priority = urgent.filter(({ urgency }) => urgency !== 'emergency');
  const body = html`<h1>${says.title}</h1>
${emergencyPart(visit, emergencies, known)}${hint}
<section aria-labelledby="due"><h2 id="due">${says.due}</h2>${dueList(visit, overview)}</section>
${overview.newSince ? html`<p class="inset">${says.fresh(overview.fresh, instant(texts, overview.newSince))}${overview.fresh === 0 ? '' : html` <a href="/references?new=1">${says.showFresh}</a>`}</p>` : ''}
<section aria-labelledby="priority"><h2 id="priority">${says.priority}</h2>
${priority.length === 0 ? html`<p>${says.noPriority}</p>` : html`${caseList(texts, priority, known.names)}<p><a href="/references?urgency=priority">${says.allPriority}</a></p>`}</section>
<p><a class="button second" href="/references">${says.all}</a></p>
<div class="charts"><div>
${chart(texts, { id: 'days', title: says.days, by: drawn.day, counts: days, name: (code) => date(texts, new Date(`${code}T00:00:00Z`)) })}</div><div>
${chart(texts, { id: 'countries', title: says.countries, by: drawn.country, counts: countries, name: (code) => place(texts, code) })}
${chart(texts, { id: 'categories', title: says.categories, by: drawn.category, counts: categories, name: (code) => word(texts, 'category', code ?? '') })}</div></div>`;
  return layout(visit, { title: says.title, section: 'overview', body });
}

/** Emergencies stand first, each with the number to call: reading does not replace the call. */
function emergencyPart({ texts }: Visit, emergencies: readonly ListedCase[], { names, contacts }: Known): Markup {
  const says = texts.overview;
  if (emergencies.length === 0) return html`<p>${says.noEmergency}</p>`;
  return html`<section class="urgent" aria-labelledby="urgent"><h2 id="urgent">${says.urgent}</h2><p>${says.callFirst}</p>
<ol class="cases">${emergencies.map((one) => html`<li>${caseLine(texts, one, names)}${phoneList(texts, contacts.get(one.originator))}</li>`)}</ol>
<p><a href="/references?urgency=emergency">${says.allEmergencies}</a></p></section>`;
}

function dueList({ texts }: Visit, { due }: Overview): Markup {
  if (due.length === 0) return html`<p>${texts.overview.noDue}</p>`;
  const says = { clearance: texts.overview.clearanceBy, hold: texts.overview.holdEnds };
  return html`<ul class="due">${due.map(
    ({ what, at, line }) =>
      html`<li><strong>${says[what]} ${time(texts, at)}</strong>: <a href="${casePath(line)}">${word(texts, 'category', line.category)}<span class="hidden"> ${line.id}</span></a>, <bdi class="code">${line.address}</bdi></li>`,
  )}</ul>`;
}
