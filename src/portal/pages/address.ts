import { html } from 'hono/html';
import { purposes, type WholeAddress } from '../../exchange/portal/address.ts';
import type { ReferenceName } from '../../exchange/record.ts';
import { fieldError, layout, type Markup, problemBox } from '../layout.ts';
import { casePath } from '../lines.ts';
import type { Visit } from '../parts.ts';
import { word } from '../words.ts';

export interface PurposeView {
  readonly name: ReferenceName;
  /** What was chosen before something else was wrong. */
  readonly chosen?: string | undefined;
  readonly wrong?: { readonly says: string; readonly field: string } | undefined;
}

/** Asks why, before a whole address is shown. */
export function purposePage(visit: Visit, { name, chosen, wrong }: PurposeView): Markup {
  const { texts, token } = visit;
  const says = texts.purpose;
  const choices = purposes.map((code) => {
    const hint = says.hints[code];
    const described = hint === undefined ? '' : html` aria-describedby="purpose-${code}-hint"`;
    return html`<div class="choice"><input type="radio" id="purpose-${code}" name="purpose" value="${code}"${described}${code === chosen ? html` checked` : ''}><label for="purpose-${code}">${word(texts, 'purpose', code)}</label>${hint === undefined ? '' : html`<span class="hint" id="purpose-${code}-hint">${hint}</span>`}</div>`;
  });
  const [ofPurpose, ofNumber] = [wrong && wrong.field !== 'ownReference', wrong?.field === 'ownReference'];
  const told = ofNumber
    ? html` aria-invalid="true" aria-describedby="ownReference-error own-hint"`
    : html` aria-describedby="own-hint"`;
  const body = html`${wrong ? problemBox(texts, wrong.says, wrong.field) : ''}<p class="back"><a href="${casePath(name)}">${texts.genuine.back}</a></p>
<h1>${says.title}</h1><p>${says.hint}</p><p class="inset">${says.note}</p>
<form method="post" action="${casePath(name)}/purpose" autocomplete="off"><input type="hidden" name="token" value="${token}">
<div class="${ofPurpose ? 'wrong' : 'plain'}"><fieldset><legend>${says.legend}</legend>${wrong && ofPurpose ? fieldError(wrong.says, 'purpose') : ''}${choices}</fieldset></div>
<div class="${ofNumber ? 'field wrong' : 'field'}"><label for="ownReference">${says.ownReference}</label><span class="hint" id="own-hint">${says.ownReferenceHint}</span>${wrong && ofNumber ? fieldError(wrong.says, 'ownReference') : ''}<input id="ownReference" name="ownReference" type="text" maxlength="64" autocomplete="off"${told}></div>
<p><button>${says.go}</button></p></form>`;
  return layout(visit, {
    title: wrong ? `${texts.problem.title}: ${says.title}` : says.title,
    section: 'search',
    body,
  });
}

/** The whole address as text, disarmed, and nothing else of the case: who is done with it goes back and it is gone. */
export function addressPage(
  visit: Visit,
  { line, address, referrer, purpose }: WholeAddress,
  hint: Markup | '',
): Markup {
  const { texts } = visit;
  const says = texts.address;
  const reached =
    referrer === undefined ? '' : html`<h2>${says.referrer}</h2><p class="whole"><bdi>${referrer}</bdi></p>`;
  const body = html`${hint}<h1>${says.title}</h1><p class="inset">${says.recorded(word(texts, 'purpose', purpose))}</p>
<p class="whole"><bdi>${address}</bdi></p>${reached}<p class="hint">${says.disarmed}</p>
<p><a class="button" href="${casePath(line)}">${says.back}</a></p>`;
  return layout(visit, { title: says.title, section: 'search', body });
}
