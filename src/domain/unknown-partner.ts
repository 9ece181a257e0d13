import { type Refusal, type RefusalCode, refuse } from './refusal.ts';

/** Refuses an issuer that is no partner; a slash at the end is the likeliest reason, since issuers are pasted from browsers. */
export function unknownPartner(issuer: string, pointer = '/issuer', code: RefusalCode = 'partner-unknown'): Refusal {
  const what = 'The organisation is no partner of this node.';
  const next = issuer.endsWith('/')
    ? 'Write it without the slash at the end: issuers have none.'
    : 'Look at the partners: caseref partner list. Introduce one: caseref partner add.';
  return refuse(code, pointer, what, next);
}
