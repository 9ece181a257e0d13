import { isRefusal, type Refusal } from '../../src/domain/refusal.ts';
import { type Draft, isDraft } from '../../src/exchange/acts.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { inviteLiaison } from '../../src/exchange/liaison/accredit.ts';
import type { Accredited } from '../../src/exchange/liaison/accreditation.ts';

/** An accreditation that is well for half a year from the instant of the tests on. */
export const accredited: Accredited = {
  name: 'A. Officer',
  agency: 'Police of the tests',
  unit: 'Child protection',
  jurisdictions: ['NL', 'DE-BY'],
  legalBasis: 'Invented agreement, section 2',
  trained: '2026-01-10',
  until: '2027-06-01',
};

/** What must be neither refused nor asked to be signed. */
export function done<Answer>(answer: Answer): Exclude<Answer, Draft | Refusal> {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.pointer} ${answer.message}`);
  if (isDraft(answer)) throw new Error('not done: it waits for a signature');
  return answer as Exclude<Answer, Draft | Refusal>;
}

/** Accredits somebody at a node without operators, and gives id and invitation. */
export async function invite(
  exchange: Exchange,
  change: Partial<Accredited> = {},
): Promise<{ readonly id: string; readonly code: string }> {
  const { id, invitation } = done(await inviteLiaison(exchange, { ...accredited, ...change }));
  if (!invitation) throw new Error('no invitation was made');
  return { id, code: invitation.code };
}
