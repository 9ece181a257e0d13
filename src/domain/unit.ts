import { checkJurisdiction } from './jurisdiction.ts';
import { type Refusal, refuse } from './refusal.ts';

/** A party that runs no node, as the operator has it on the list. */
export interface Unit {
  readonly name: string;
  /** Where it is competent. */
  readonly jurisdiction: string;
  /** The desk to call. */
  readonly phone?: string | undefined;
}

const LONGEST_NAME = 80;
/** The same forms as in the published schemas: the name goes to partners, the telephone number does not. */
const nameForm = /^[\p{L}\p{M}\p{N}]+(?: [\p{L}\p{M}\p{N}]+)*$/u;
const phoneForm = /^\+?[0-9](?:[0-9 ().-]{0,30}[0-9])?$/;

/** What is wrong with a unit as an operator wrote it; nothing where it may stand on the list. */
export function checkUnit({ name, jurisdiction, phone }: Unit): Refusal | undefined {
  if ([...name].length > LONGEST_NAME || !nameForm.test(name)) {
    const next = `Use at most ${LONGEST_NAME} letters, digits and single spaces between them.`;
    return refuse('usage-invalid', '/name', 'The name of a unit is plain words.', next);
  }
  const place = checkJurisdiction(jurisdiction, '/jurisdiction');
  if (place) return place;
  if (phone === undefined || phoneForm.test(phone)) return undefined;
  const next = 'Write it with + and the code of the country, such as +49 30 1234567.';
  return refuse('usage-invalid', '/phone', 'This is no telephone number.', next);
}
