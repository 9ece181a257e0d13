import { html } from 'hono/html';
import type { ShownDesk } from '../../exchange/case/case-view.ts';
import type { ShownCase } from '../../exchange/portal/case.ts';
import type { HeardHold } from '../../exchange/portal/heard.ts';
import { foreign, type Markup, summary, time } from '../layout.ts';
import type { Texts } from '../texts/en.ts';
import { instant, word } from '../words.ts';
import { phoneList, phonesOf } from './contact.ts';

// Where a case stands: what keeps the host from being told, who is responsible, and what does not fit together.

type Names = ReadonlyMap<string, string>;

const called = (names: Names, issuer: string) => names.get(issuer) ?? issuer;

function deskName(texts: Texts, names: Names, { by, unit }: ShownDesk): string {
  return unit === undefined ? called(names, by) : texts.statedOf(called(names, by), unit);
}

/** What one must know before one does anything: above everything else on the page but the number to call. */
export function warnings(texts: Texts, { events, names, sender }: ShownCase): Markup {
  const says = texts.case;
  const { holds, clearance, conflicts } = events;
  const stopping = holds.filter(({ inForce, binding }) => inForce && binding);
  const waits = clearance.status === 'open' && clearance.deadline !== undefined;
  return html`${stopping.map(
    ({ desk, until }) =>
      html`<div class="callout"><h2>${says.heldTitle}</h2><p><bdi>${says.heldText(deskName(texts, names, desk), instant(texts, new Date(until)))}</bdi></p>${phoneList(texts, desk.contact)}</div>`,
  )}${waits ? html`<div class="callout"><h2>${says.clearanceTitle(instant(texts, new Date(clearance.deadline ?? 0)))}</h2><p>${says.clearanceText}</p>${phoneList(texts, sender.contact)}</div>` : ''}
${conflicts.map(({ kind, between }) => {
  const parties = between.map((issuer) => called(names, issuer)).join(', ');
  return html`<p class="warning">${word(texts, 'conflict', kind)}: <bdi>${parties}</bdi></p>`;
})}`;
}

/** Who acknowledged an emergency, and for whom it still waits. */
export function acknowledgementLines(texts: Texts, { events, names }: ShownCase): Markup | '' {
  const waiting = events.urgency.acknowledgement ?? [];
  if (waiting.length === 0) return '';
  const says = texts.case;
  const lines = waiting.map(({ recipient, state, since }) => {
    const name = called(names, recipient);
    const line =
      state === 'acknowledged' ? says.acknowledged(name) : says.unacknowledged(name, instant(texts, new Date(since)));
    return html`<p><bdi>${line}</bdi></p>`;
  });
  const isOpen = waiting.some(({ state }) => state !== 'acknowledged');
  return html`${lines}${isOpen ? html`<p>${says.acknowledgeElsewhere}</p>` : ''}`;
}

/** Who decides what becomes of it, and to whom that was offered. */
export function responsible(texts: Texts, { events, names }: ShownCase): Markup | string {
  const { holders, offers, unplaced } = events.pen;
  if (unplaced) return texts.case.unplaced;
  const offered = offers.map(
    ({ from, to, until }) =>
      html`<br><bdi>${texts.case.offered(called(names, from), called(names, to), instant(texts, new Date(until)))}</bdi>`,
  );
  const held = holders.map((issuer) => names.get(issuer) ?? texts.case.notPartner(issuer));
  return html`<bdi>${held.join('; ')}</bdi>${offered}`;
}

export function holdsPart(texts: Texts, { events, names }: ShownCase): Markup {
  const says = texts.case;
  const { holds, clearance, host } = events;
  const { status, askedAt, deadline, answeredAt, answeredBy, late, contradicted, goneBefore } = clearance;
  const at = (when: string | undefined) => (when === undefined ? undefined : time(texts, new Date(when)));
  const answered =
    answeredBy && html`<bdi>${deskName(texts, names, answeredBy)}</bdi>${late ? html` (${says.late})` : ''}`;
  const rows = summary([
    [says.mayTell, word(texts, 'hostReason', host.reason)],
    [says.clearance, word(texts, 'clearance', status)],
    [says.asked, at(askedAt)],
    [says.deadline, at(deadline)],
    [says.answered, at(answeredAt)],
    [says.answeredBy, answered],
    [says.goneBefore, at(goneBefore)],
  ]);
  const listed =
    holds.length === 0 ? '' : html`<ul class="cards">${holds.map((hold) => holdCard(texts, names, hold))}</ul>`;
  return html`${rows}${contradicted ? html`<p class="warning">${says.contradicted}</p>` : ''}${listed}`;
}

function force({ case: says }: Texts, inForce: boolean, binding: boolean): string {
  if (inForce) return binding ? says.binding : says.advisory;
  return binding ? says.wasBinding : says.wasAdvisory;
}

function holdCard(
  texts: Texts,
  names: Names,
  { desk, binding, inForce, since, until, lateRefusal }: HeardHold,
): Markup {
  const says = texts.case;
  return html`<li><h3><bdi>${says.holdBy(deskName(texts, names, desk))}</bdi></h3>
<p>${inForce ? says.inForce : says.ended}. ${force(texts, inForce, binding)}. ${lateRefusal ? says.lateRefusal : ''}</p>${summary(
    [
      [says.since, time(texts, new Date(since))],
      [says.until, time(texts, new Date(until))],
      [says.phone, foreign(phonesOf(desk.contact).join(', ') || undefined)],
    ],
  )}</li>`;
}
