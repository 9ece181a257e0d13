import { html } from 'hono/html';
import { codes } from '../../domain/codes.ts';
import type { CasePage } from '../../exchange/portal/list.ts';
import { fieldError, layout, type Markup, problemBox } from '../layout.ts';
import { caseList } from '../lines.ts';
import type { Visit } from '../parts.ts';
import type { Asked } from '../query.ts';
import type { Texts } from '../texts/en.ts';
import { outcome, place, word } from '../words.ts';

export interface SearchView {
  readonly asked: Asked;
  readonly page: CasePage;
  /** Address of the next page. */
  readonly next: string | undefined;
  readonly names: ReadonlyMap<string, string>;
  readonly said?: string | undefined;
  readonly wrong?: { readonly says: string; readonly field: string } | undefined;
}

export function searchPage(visit: Visit, view: SearchView): Markup {
  const { texts } = visit;
  const says = texts.search;
  const { asked, page, next, names, wrong } = view;
  const title = wrong ? `${texts.problem.title}: ${says.title}` : says.title;
  const body = html`${wrong ? problemBox(texts, wrong.says, wrong.field) : ''}<h1>${says.title}</h1>
${view.said ? html`<p class="inset" role="status">${view.said}</p>` : ''}
<p class="jump"><a href="#results">${says.jump(page.cases.length)}</a></p>
<div class="columns"><div class="aside">${filterForm(visit, asked, names)}${findForm(visit, wrong)}</div>
<section class="results" aria-labelledby="results"><h2 id="results" tabindex="-1">${says.results}</h2>
${asked.find === undefined ? '' : html`<p class="inset">${says.found}. <a href="/references">${says.clear}</a></p>`}
${page.cases.length === 0 ? html`<p>${says.nothing}</p><p>${says.nothingHint}</p>` : html`<p>${says.count(page.cases.length)}</p>${caseList(texts, page.cases, names)}`}
<p class="pages">${asked.after === undefined ? '' : html`<a href="${asked.here}">${says.first}</a>`} ${next === undefined ? '' : html`<a href="${next}" rel="next">${says.next}</a>`}</p>
${saveForm(visit, asked)}</section></div>`;
  return layout(visit, { title, section: 'search', body });
}

type Choice = readonly [value: string, label: string];

function select(
  texts: Texts,
  name: string,
  label: string,
  chosen: string | undefined,
  choices: readonly Choice[],
): Markup {
  const all: readonly Choice[] = [['', texts.search.any], ...choices];
  const options = all.map(([value, says]) =>
    value === (chosen ?? '')
      ? html`<option value="${value}" selected>${says}</option>`
      : html`<option value="${value}">${says}</option>`,
  );
  return html`<div class="field"><label for="${name}">${label}</label><select id="${name}" name="${name}">${options}</select></div>`;
}

const states = ['open', 'unplaced', 'on-hold', 'removed', 'unavailable', 'not-illegal'];
const outcomes = [
  ...codes.assessmentIccam.filter((code) => code !== 'unknown').map((code) => `iccam:${code}`),
  ...codes.assessmentNcmecIndustry.filter((code) => code !== 'unknown').map((code) => `ncmec-industry:${code}`),
  ...codes.assessmentUkSentencing.filter((code) => code !== 'unknown').map((code) => `uk-sentencing:${code}`),
];

function filterForm({ texts, viewer }: Visit, asked: Asked, names: ReadonlyMap<string, string>): Markup {
  const says = texts.search;
  const coded = (list: 'category' | 'state' | 'urgency', all: readonly string[]) =>
    all.map((code): Choice => [code, word(texts, list, code)]);
  const { values } = asked;
  return html`<form method="get" action="/references" aria-labelledby="filters"><h2 id="filters">${says.filters}</h2>
${asked.find === undefined ? '' : html`<input type="hidden" name="find" value="${asked.find}">`}
${select(
  texts,
  'jurisdiction',
  says.jurisdiction,
  values.jurisdiction,
  viewer.jurisdictions.map((code): Choice => [code, place(texts, code)]),
)}
${select(texts, 'urgency', says.urgency, values.urgency, coded('urgency', ['emergency', 'priority', 'routine']))}
${select(texts, 'category', says.category, values.category, coded('category', codes.category))}
${select(
  texts,
  'assessment',
  says.assessment,
  values.assessment,
  outcomes.map((code): Choice => [code, outcome(texts, code)]),
)}
${select(texts, 'state', says.state, values.state, coded('state', states))}
${select(texts, 'partner', says.partner, values.partner, [...names])}
<div class="field"><label for="since">${says.since}</label><input id="since" name="since" type="date" value="${values.since ?? ''}"></div>
<div class="field"><label for="until">${says.until}</label><input id="until" name="until" type="date" value="${values.until ?? ''}"></div>
${viewer.lastVisit ? html`<div class="choice"><input type="checkbox" id="new" name="new" value="1"${asked.fresh ? html` checked` : ''}><label for="new">${says.fresh}</label></div>` : ''}
<p><button>${says.go}</button></p><p><a href="/references">${says.clear}</a></p></form>`;
}

function findForm({ texts, token }: Visit, wrong: SearchView['wrong']): Markup {
  const says = texts.search;
  const field = (kind: string, label: string, hint?: string) => {
    const isWrong = wrong?.field === `find-${kind}`;
    const by = [isWrong ? `find-${kind}-error` : '', hint === undefined ? '' : `find-${kind}-hint`].filter(Boolean);
    const described = by.length === 0 ? '' : html` aria-describedby="${by.join(' ')}"`;
    return html`<form method="post" action="/references/find" class="find" autocomplete="off">
<input type="hidden" name="token" value="${token}"><input type="hidden" name="kind" value="${kind}">
<div class="${isWrong ? 'field wrong' : 'field'}"><label for="find-${kind}">${label}</label>${hint === undefined ? '' : html`<span class="hint" id="find-${kind}-hint">${hint}</span>`}${isWrong ? fieldError(wrong.says, `find-${kind}`) : ''}
<input id="find-${kind}" name="text" type="text" autocomplete="off" autocapitalize="none" spellcheck="false"${described}${isWrong ? html` aria-invalid="true"` : ''}></div>
<p><button class="second">${says.findGo}<span class="hidden"> ${label}</span></button></p></form>`;
  };
  return html`<section aria-labelledby="find"><h2 id="find">${says.find}</h2><p class="hint">${says.findHint}</p>
${field('number', says.number, says.numberHint)}${field('host', says.host)}${field('address', says.address)}</section>`;
}

function saveForm({ texts, token }: Visit, { values }: Asked): Markup | '' {
  const codesAlone = Object.entries(values).filter(
    ([name, value]) => value !== undefined && !['since', 'until'].includes(name),
  );
  if (codesAlone.length === 0) return '';
  const kept = codesAlone.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value ?? ''}">`);
  return html`<form method="post" action="/account/saved"><input type="hidden" name="token" value="${token}">${kept}<button class="second">${texts.search.save}</button></form>`;
}
