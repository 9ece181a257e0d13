import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';

/** What one partner answered to our key sets. */
export interface ToldStanding {
  readonly issuer: string;
  readonly state: string;
  readonly confirmed_at: Date | null;
  readonly told_seq: number | null;
  readonly told_code: string | null;
  readonly told_at: Date | null;
}

/** From which key set on our identity is that of today, and since when. */
export interface IdentityStanding {
  readonly seq: number;
  readonly at: Date | null;
}

/** Whether the partner knows who we are: it took none of our key sets since our identity changed, or refused the last one. */
export function examineTold(partner: ToldStanding, identity: IdentityStanding): Finding[] {
  const { issuer, state, told_code: code, told_at: at } = partner;
  if (state !== 'active' && state !== 'suspended') return [];
  const next = `Call it, and give it our card: caseref card, caseref partner show ${issuer}`;
  if (!knowsUs(partner, identity)) {
    const answer = code === null ? 'has not taken' : `refuses (${code})`;
    const message = `${issuer} ${answer} our new identity: it has not confirmed it, and takes nothing that we send.`;
    return [{ level: 'bad', code: 'identity-unconfirmed', partner: issuer, message, next }];
  }
  if (code === null || at === null) return [];
  const message = `${issuer} refused our newest key set (${code}) at ${isoInstant(at.getTime())}: it goes by an older one.`;
  return [{ level: 'bad', code: 'key-set-refused', partner: issuer, message, next }];
}

function knowsUs({ told_seq: seq, confirmed_at: confirmed }: ToldStanding, identity: IdentityStanding): boolean {
  if (identity.at === null || (seq ?? 0) >= identity.seq) return true;
  // Introduced since: it was given the card of today.
  return confirmed !== null && confirmed > identity.at;
}
