import { html } from 'hono/html';
import type { Contact } from '../../domain/contract.types.ts';
import type { NamedOrganisation } from '../../exchange/portal/case.ts';
import { foreign, type Markup, telephone } from '../layout.ts';
import type { Texts } from '../texts/en.ts';

/** Telephone numbers of a desk, the one for emergencies first. */
export function phonesOf(contact: Contact | undefined): string[] {
  return [contact?.emergencyPhone, contact?.phone].filter((phone) => phone !== undefined);
}

/** The telephone numbers of a desk, large, each with what it is for; as text, since a link would start a call on a machine that was not meant to make one. */
export function phoneList(texts: Texts, contact: Contact | undefined): Markup | '' {
  const { emergencyPhone, phone, hours, timezone } = contact ?? {};
  const open = [hours, timezone].filter((one) => one !== undefined).join(', ');
  const rows: readonly (readonly [string, string | undefined, string])[] = [
    [texts.case.emergencyPhone, emergencyPhone, ''],
    [texts.case.phone, phone, open],
  ];
  const filled = rows.filter(([, number]) => number !== undefined);
  if (filled.length === 0) return '';
  return html`<dl class="phones">${filled.map(
    ([label, number, when]) =>
      html`<div><dt>${label}${when === '' ? '' : html` (<bdi>${when}</bdi>)`}</dt><dd>${telephone(number)}</dd></div>`,
  )}</dl>`;
}

/** How an organisation is reached: text alone, nothing that opens a program. */
export function contactRows(
  texts: Texts,
  { name, issuer, contact = {} }: NamedOrganisation,
): (readonly [string, Markup | undefined])[] {
  const says = texts.case;
  const hours = [contact.hours, contact.timezone].filter((one) => one !== undefined).join(', ');
  return [
    [says.name, foreign(name ?? issuer)],
    [says.desk, foreign(contact.desk)],
    [says.emergencyPhone, telephone(contact.emergencyPhone)],
    [says.phone, telephone(contact.phone)],
    [says.email, foreign(contact.email)],
    [says.hours, hours === '' ? undefined : foreign(hours)],
    [says.languages, foreign(contact.languages?.join(', '))],
    [says.issuer, foreign(issuer)],
  ];
}
