import type { Contact, Issuer } from './contract.types.ts';

/** Stands first wherever an emergency is shown: nobody waits for a machine while a child is in danger. */
export const CALL_FIRST = 'Call now: this does not replace the call.';

/** Whom to call about an emergency: the numbers of the partner's card, as far as it gave any. */
export interface Call {
  readonly partner: Issuer;
  readonly name: string;
  readonly says: string;
  /** Telephone for a child in danger now, telephone of the desk, hours, time zone and languages of the card. */
  readonly contact?: Contact;
}

/** The same in one line: the number for a child in danger now, else that of the desk, and its hours. */
export function callWords({ says, name, contact = {} }: Call): string {
  const { emergencyPhone, phone, hours, timezone } = contact;
  const number = emergencyPhone ?? phone ?? 'no number is recorded, ask for one';
  const when = [hours, timezone].filter((part) => part !== undefined).join(' ');
  return `${says} ${name}: ${number}${when === '' ? '' : ` (${when})`}.`;
}
