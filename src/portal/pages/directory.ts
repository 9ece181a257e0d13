import { html } from 'hono/html';
import type { PartnerLine, Statistics } from '../../exchange/portal/overview.ts';
import { chart } from '../chart.ts';
import { layout, type Markup, summary, time } from '../layout.ts';
import type { Visit } from '../parts.ts';
import { date, place, places, word } from '../words.ts';
import { contactRows } from './contact.ts';

export function partnersPage(visit: Visit, partners: readonly PartnerLine[]): Markup {
  const { texts } = visit;
  const says = texts.partners;
  const standing: Readonly<Record<string, string>> = { own: says.own, active: says.active, suspended: says.suspended };
  const cards = partners.map(
    (one) =>
      html`<li><h2><bdi>${one.name}</bdi></h2>${summary([
        [says.type, word(texts, 'organisation', one.type)],
        [says.jurisdictions, places(texts, one.jurisdictions)],
        [says.standing, standing[one.state] ?? one.state],
        [says.confirmed, one.confirmedAt && time(texts, one.confirmedAt)],
        ...contactRows(texts, { name: one.name, issuer: one.issuer, contact: one.contact }).slice(1),
      ])}</li>`,
  );
  const body = html`<h1>${says.title}</h1><p>${says.intro}</p><ul class="cards">${cards}</ul>`;
  return layout(visit, { title: says.title, section: 'partners', body });
}

export function statisticsPage(visit: Visit, counts: Statistics, names: ReadonlyMap<string, string>): Markup {
  const { texts } = visit;
  const { statistics: says, chart: drawn } = texts;
  const month = (code: string | null) =>
    `${texts.months[Number((code ?? '').slice(5)) - 1] ?? ''} ${(code ?? '').slice(0, 4)}`;
  const body = html`<h1>${says.title}</h1><p>${says.intro(date(texts, counts.since))}</p>
<div class="charts"><div>${chart(texts, { id: 'months', title: says.months, by: drawn.month, counts: counts.months, name: month })}
${chart(texts, { id: 'categories', title: says.categories, by: drawn.category, counts: counts.categories, name: (code) => word(texts, 'category', code ?? '') })}
${chart(texts, { id: 'countries', title: says.countries, by: drawn.country, counts: counts.countries, name: (code) => place(texts, code) })}
</div><div>${chart(texts, { id: 'states', title: says.states, by: drawn.state, counts: counts.states, name: (code) => word(texts, 'state', code ?? '') })}
${chart(texts, { id: 'urgencies', title: says.urgencies, by: drawn.urgency, counts: counts.urgencies, name: (code) => word(texts, 'urgency', code ?? '') })}
${chart(texts, { id: 'senders', title: says.senders, by: drawn.sender, counts: counts.senders, name: (code) => names.get(code ?? '') ?? code ?? '' })}</div></div>`;
  return layout(visit, { title: says.title, section: 'statistics', body });
}
