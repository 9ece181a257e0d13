import { html } from 'hono/html';
import type { Genuine } from '../../exchange/portal/genuine.ts';
import type { ReferenceName } from '../../exchange/record.ts';
import { foreign, layout, type Markup, summary, time } from '../layout.ts';
import { casePath } from '../lines.ts';
import type { Visit } from '../parts.ts';
import { instant } from '../words.ts';

export function genuinePage(visit: Visit, name: ReferenceName, genuine: Genuine): Markup {
  const { texts } = visit;
  const says = texts.genuine;
  const { verdict, sender, message, fingerprint, checkedAt } = genuine;
  const good = verdict === 'valid' || verdict === 'own';
  const body = html`<p class="back"><a href="${casePath(name)}">${says.back}</a></p><h1>${says.title}</h1>
<div class="${good ? 'verdict good' : 'callout'}"><h2>${says[verdict]}</h2><p><bdi>${sentence(visit, genuine)}</bdi></p></div>
${summary([
  [says.checked, time(texts, checkedAt)],
  [says.sender, foreign(sender.name ?? sender.issuer)],
  [says.confirmed, sender.confirmedAt && time(texts, sender.confirmedAt)],
  [says.fingerprint, fingerprint && html`<bdi class="code">${fingerprint.written}</bdi>`],
  [says.spoken, fingerprint && html`<span class="code">${fingerprint.spoken}</span>`],
  [says.signed, message?.signedAt && time(texts, message.signedAt)],
  [says.came, message && time(texts, message.receivedAt)],
  [says.receipt, verdict === 'own' ? undefined : receiptText(visit, genuine)],
  [says.key, message && html`<bdi class="code">${message.kid}</bdi>`],
  [says.algorithm, foreign(message?.alg)],
  [says.message, message && html`<bdi class="code">${message.jti}</bdi>`],
  [says.digest, message && html`<span class="code">${message.digest}</span>`],
])}${wentPart(visit, genuine)}`;
  return layout(visit, { title: says.title, section: 'search', body });
}

function sentence({ texts }: Visit, { verdict, sender, message }: Genuine): string {
  const says = texts.genuine;
  if (verdict !== 'valid') return says[`${verdict}Text`];
  if (!message) return says['not-keptText'];
  const signed = message.signedAt ? instant(texts, message.signedAt) : texts.unknown;
  return says.validText(sender.name ?? sender.issuer, signed, instant(texts, message.receivedAt));
}

function receiptText({ texts }: Visit, { receipt }: Genuine): string {
  const says = texts.genuine;
  if (!receipt) return says.noReceipt;
  const outcome = says.outcomes[receipt.outcome ?? ''] ?? receipt.outcome ?? texts.unknown;
  return says.receiptText(outcome, receipt.at ? instant(texts, receipt.at) : says.receiptWaits);
}

function wentPart({ texts }: Visit, { went, verdict }: Genuine): Markup | '' {
  if (verdict !== 'own' || went.length === 0) return '';
  const says = texts.genuine;
  const rows = went.map(
    ({ name, partner, sent_at: sent, outcome }) =>
      html`<li><bdi>${name ?? partner}</bdi>${sent ? html`, ${time(texts, sent)}` : ''}: ${outcome === null ? says.noAnswer : (says.outcomes[outcome] ?? outcome)}</li>`,
  );
  return html`<h2>${says.went}</h2><ul>${rows}</ul>`;
}
