import { html } from 'hono/html';
import type { Overview } from '../../exchange/portal/overview.ts';
import { chart } from '../chart.ts';
import { layout, type Markup, time } from '../layout.ts';
import { caseList, casePath } from '../lines.ts';
import type { Visit } from '../parts.ts';
import { date, place, word } from '../words.ts';

export function overviewPage(
  visit: Visit,
  overview: Overview,
  names: ReadonlyMap<string, string>,
  hint: Markup | '',
): Markup {
  const { texts } = visit;
  const { overview: says, chart: drawn } = texts;
  const { urgent, days, countries, categories } = overview;
  const body = html`<h1>${says.title}</h1>${hint}
${overview.newSince ? html`<p class="inset">${says.fresh(overview.fresh)} <a href="/references?new=1">${says.showFresh}</a></p>` : ''}
<section aria-labelledby="urgent"><h2 id="urgent">${says.urgent}</h2>
${urgent.length === 0 ? html`<p>${says.noUrgent}</p>` : html`<p class="warning">${says.callFirst}</p>${caseList(texts, urgent, names)}`}</section>
<section aria-labelledby="due"><h2 id="due">${says.due}</h2>${dueList(visit, overview)}</section>
<p><a href="/references">${says.all}</a></p>
${chart(texts, { id: 'days', title: says.days, by: drawn.day, counts: days, name: (code) => date(texts, new Date(`${code}T00:00:00Z`)) })}
${chart(texts, { id: 'countries', title: says.countries, by: drawn.country, counts: countries, name: (code) => place(texts, code) })}
${chart(texts, { id: 'categories', title: says.categories, by: drawn.category, counts: categories, name: (code) => word(texts, 'category', code ?? '') })}`;
  return layout(visit, { title: says.title, section: 'overview', body });
}

function dueList({ texts }: Visit, { due }: Overview): Markup {
  if (due.length === 0) return html`<p>${texts.overview.noDue}</p>`;
  const says = { clearance: texts.overview.clearanceBy, hold: texts.overview.holdEnds };
  return html`<ul>${due.map(
    ({ what, at, line }) =>
      html`<li><a href="${casePath(line)}">${word(texts, 'category', line.category)}</a>: ${says[what]} ${time(texts, at)}</li>`,
  )}</ul>`;
}
