import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { SuspectLeft } from '../../store/suspect-left.ts';

/** What is left in doubt of one partner, whether or not the alert of it was closed. */
export function examineSuspect(partner: string, left: SuspectLeft | undefined): Finding[] {
  if (!left) return [];
  const { count, since } = left;
  const many = count === 1 ? '1 message' : `${count} messages`;
  const first = since === undefined ? '' : `, the first of ${isoInstant(since.getTime())},`;
  const message = `${many} of ${partner}${first} may be somebody else’s: it has not said them again.`;
  const next = `Look at them, and ask the partner what it really sent: caseref partner show ${partner}`;
  return [{ level: 'warn', code: 'messages-suspect', partner, message, next }];
}
