import { html } from 'hono/html';
import type { SavedSearch } from '../../exchange/portal/find.ts';
import type { Exposure } from '../../exchange/portal/views.ts';
import { foreign, layout, type Markup, summary, time } from '../layout.ts';
import type { Visit } from '../parts.ts';
import { searchPath } from '../query.ts';
import type { Texts } from '../texts/en.ts';
import { outcome, place, places, word } from '../words.ts';

export interface AccountView {
  readonly saved: readonly SavedSearch[];
  readonly exposure: Exposure;
  readonly names: ReadonlyMap<string, string>;
  readonly said?: string | undefined;
}

export function accountPage(visit: Visit, { saved, exposure, names, said }: AccountView): Markup {
  const { texts, viewer } = visit;
  const says = texts.account;
  const body = html`<h1>${says.title}</h1>${said ? html`<p class="inset" role="status">${said}</p>` : ''}
${summary([
  [says.name, foreign(viewer.name)],
  [says.agency, foreign(viewer.agency)],
  [says.unit, foreign(viewer.unit)],
  [says.jurisdictions, places(texts, viewer.jurisdictions)],
  [says.lastVisit, viewer.lastVisit ? time(texts, viewer.lastVisit) : says.firstVisit],
])}
<section aria-labelledby="saved"><h2 id="saved">${says.saved}</h2>${savedList(visit, saved, names)}</section>
${exposure.care.exposureNote ? exposurePart(visit, exposure) : ''}
<section aria-labelledby="hint"><h2 id="hint">${says.hint}</h2><p>${exposure.care.breakHint ? says.hintOn : says.hintOff}</p>
${form(visit, '/account/break-hint', [['on', exposure.care.breakHint ? '0' : '1']], exposure.care.breakHint ? says.switchOff : says.switchOn)}</section>
<section aria-labelledby="sessions"><h2 id="sessions">${says.sessions}</h2><p>${says.sessionsHint}</p>
${form(visit, '/account/end-sessions', [], says.endAll, 'danger')}</section>`;
  return layout(visit, { title: says.title, section: 'account', body });
}

function exposurePart({ texts }: Visit, { cases, addresses }: Exposure): Markup {
  const says = texts.account;
  return html`<section aria-labelledby="exposure"><h2 id="exposure">${says.exposure}</h2><p class="hint">${says.exposureHint}</p>
${summary([
  [says.casesToday, String(cases)],
  [says.addressesToday, String(addresses)],
])}<p>${says.support}</p></section>`;
}

function form(
  { token }: Visit,
  action: string,
  fields: readonly (readonly [string, string])[],
  says: Markup | string,
  look = 'second',
) {
  const hidden = fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  return html`<form method="post" action="${action}"><input type="hidden" name="token" value="${token}">${hidden}<button class="${look}">${says}</button></form>`;
}

function savedList(visit: Visit, saved: readonly SavedSearch[], names: ReadonlyMap<string, string>): Markup {
  const { texts } = visit;
  const says = texts.account;
  if (saved.length === 0) return html`<p>${says.noSaved}</p>`;
  return html`<ul class="saved">${saved.map(({ id, filters }) => {
    const name = Object.entries(filters)
      .map(([member, code]) => filterName(texts, member, code, names))
      .join(', ');
    const remove = html`${says.remove}<span class="hidden"> ${name}</span>`;
    return html`<li><a href="${searchPath({ values: filters, find: undefined, fresh: false })}"><bdi>${name}</bdi></a>${form(visit, '/account/saved/delete', [['id', id]], remove)}</li>`;
  })}</ul>`;
}

function filterName(texts: Texts, member: string, code: string, names: ReadonlyMap<string, string>): string {
  switch (member) {
    case 'jurisdiction':
      return place(texts, code);
    case 'assessment':
      return outcome(texts, code);
    case 'partner':
      return names.get(code) ?? code;
    default:
      return word(texts, member as 'category' | 'state' | 'urgency', code);
  }
}
