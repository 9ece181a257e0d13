import { html } from 'hono/html';
import type { ShownCase } from '../../exchange/portal/case.ts';
import { foreign, type Markup, summary } from '../layout.ts';
import type { Texts } from '../texts/en.ts';
import { date, outcome, place, said, scheme, speaker, word } from '../words.ts';

/** Claims side by side, each with who made it under which law and when: nothing says which is right. */
export function assessmentsPart(texts: Texts, { events, names }: ShownCase): Markup {
  const says = texts.case;
  if (events.assessments.length === 0) return html`<p>${says.noAssessments}</p>`;
  const cards = events.assessments.map((one) => {
    const by = speaker(texts, names, one);
    const on = date(texts, new Date(one.at));
    const law = one.law === undefined ? says.assessedNoLaw(by, on) : says.assessed(by, place(texts, one.law), on);
    return html`<li><h3><bdi>${law}</bdi></h3>${summary([
      [says.outcome, foreign(said(texts, outcome(texts, `${one.scheme}:${one.code}`), one.unknown, '/code'))],
      [says.scheme, foreign(said(texts, `${scheme(texts, one.scheme)} ${one.version}`, one.unknown, '/scheme'))],
      [says.method, word(texts, 'method', one.method)],
      [says.via, one.via === undefined ? undefined : foreign(names.get(one.via) ?? one.via)],
    ])}</li>`;
  });
  return html`<p class="hint">${says.assessmentsHint}</p><ul class="cards">${cards}</ul>`;
}
