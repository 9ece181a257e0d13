import type { Contact } from '../../domain/contract.types.ts';
import type { NamedOrganisation } from '../../exchange/portal/case.ts';
import { foreign, type Markup } from '../layout.ts';
import type { Texts } from '../texts/en.ts';

/** Telephone numbers of a desk, the one for emergencies first. */
export function phonesOf(contact: Contact | undefined): string[] {
  return [contact?.emergencyPhone, contact?.phone].filter((phone) => phone !== undefined);
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
    [says.emergencyPhone, foreign(contact.emergencyPhone)],
    [says.phone, foreign(contact.phone)],
    [says.email, foreign(contact.email)],
    [says.hours, hours === '' ? undefined : foreign(hours)],
    [says.languages, foreign(contact.languages?.join(', '))],
    [says.issuer, foreign(issuer)],
  ];
}
