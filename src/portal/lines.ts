import { html } from 'hono/html';
import type { ListedCase } from '../exchange/portal/list.ts';
import { foreign, type Markup, summary, time } from './layout.ts';
import type { Texts } from './texts/en.ts';
import { place, places, word } from './words.ts';

/** Where the page of a case is: both parts encoded, so that no issuer can name another path. */
export function casePath({ originator, id }: { readonly originator: string; readonly id: string }): string {
  return `/references/${encodeURIComponent(originator)}/${encodeURIComponent(id)}`;
}

export function urgencyTag(texts: Texts, urgency: string): Markup | string {
  if (urgency === 'routine') return '';
  const strength = urgency === 'emergency' ? 'tag strong' : 'tag';
  return html` <strong class="${strength}">${word(texts, 'urgency', urgency)}</strong>`;
}

/** Where a case stands; of an open one nothing, since most are. */
function stateTag(texts: Texts, state: string): Markup | string {
  return state === 'open' ? '' : html` <span class="tag quiet">${word(texts, 'state', state)}</span>`;
}

/** Cases as a list: each with its own heading, so that a screen reader can go from one to the next. */
export function caseList(texts: Texts, cases: readonly ListedCase[], names: ReadonlyMap<string, string>): Markup {
  return html`<ol class="cases">${cases.map((one) => html`<li>${caseLine(texts, one, names)}</li>`)}</ol>`;
}

export function caseLine(texts: Texts, one: ListedCase, names: ReadonlyMap<string, string>): Markup {
  const concerned = one.concerned.length > 0 ? places(texts, one.concerned) : undefined;
  return html`<h3><a href="${casePath(one)}">${word(texts, 'category', one.category)}<span class="hidden"> ${one.id}</span></a>${urgencyTag(texts, one.urgency)}${stateTag(texts, one.state)}</h3>
${one.suspect ? html`<p class="warning">${texts.line.suspect}</p>` : ''}
<p><bdi class="code">${one.address}</bdi></p>
${summary([
  [texts.line.arrived, time(texts, one.receivedAt)],
  [texts.line.host, place(texts, one.hosting)],
  [texts.line.concerned, concerned],
  [texts.line.sender, foreign(names.get(one.originator) ?? one.originator)],
])}`;
}
