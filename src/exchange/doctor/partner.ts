import type { Policy } from '../../domain/contract.types.ts';
import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const REVIEW_DAYS = 30;
const KEY_SET_DAYS = 14;

/** What is known of one partner; instants in milliseconds since 1970. */
export interface PartnerStanding {
  readonly issuer: string;
  readonly state: 'pending' | 'active' | 'suspended';
  readonly policy: Policy | undefined;
  readonly keySetUntil: number;
  /** Since when the oldest message that is due waits, and how many wait; undefined where none does. */
  readonly waiting: { readonly since: number; readonly count: number; readonly code: string | null } | undefined;
  /** How many messages wait for whatever reason, those that it fetches itself too; receipts and round trips left out. */
  readonly queued: number;
  /** The circuit breaker lets nothing through for now. */
  readonly shut: boolean;
}

/** What of a partner needs a person, the round trip left out. `now` in milliseconds. */
export function examinePartner(partner: PartnerStanding, now: number): Finding[] {
  const { issuer, state } = partner;
  if (state === 'pending') {
    const message = `${issuer} is not confirmed: nothing is exchanged with it.`;
    const next = `Compare the fingerprint by telephone, then: caseref partner confirm ${issuer} --fingerprint FP`;
    return [{ level: 'warn', code: 'partner-pending', partner: issuer, message, next }];
  }
  const findings = [...examinePolicy(partner, now), ...examineKeySet(partner, now), ...examineWaiting(partner, now)];
  if (state === 'suspended') {
    const message = `${issuer} is suspended: only withdrawals and receipts pass.`;
    return [...findings, { level: 'note', code: 'partner-suspended', partner: issuer, message }];
  }
  if (findings.length > 0) return findings;
  const fine = partner.queued > 0 ? 'policy and keys' : 'policy, keys and outbox';
  return [{ level: 'ok', code: 'partner', partner: issuer, message: `${issuer}: ${fine} are in order.` }];
}

function examinePolicy({ issuer, policy }: PartnerStanding, now: number): Finding[] {
  const next = `caseref policy set ${issuer} FILE`;
  if (!policy) {
    const message = `${issuer} has no policy: nothing is sent to it, and what it sends is held.`;
    return [{ level: 'warn', code: 'policy-missing', partner: issuer, message, next }];
  }
  if (!policy.legal) {
    const message = `The policy of ${issuer} names no legal basis: everything for it is held.`;
    return [{ level: 'warn', code: 'legal-missing', partner: issuer, message, next }];
  }
  const { reviewBy } = policy.legal;
  if (reviewBy === undefined) return [];
  // The date ends at 24:00 UTC, as every date of the protocol does.
  const left = Date.parse(`${reviewBy}T00:00:00Z`) + DAY - now;
  if (left <= 0) {
    const message = `The legal review of ${issuer} was due on ${reviewBy}: all but emergencies is held until it is done.`;
    return [{ level: 'bad', code: 'review-overdue', partner: issuer, message, next: `Review it, then: ${next}` }];
  }
  if (left > REVIEW_DAYS * DAY) return [];
  const message = `The legal review of ${issuer} is due by ${reviewBy}.`;
  return [{ level: 'warn', code: 'review-due', partner: issuer, message, next: `Review it, then: ${next}` }];
}

function examineKeySet({ issuer, keySetUntil }: PartnerStanding, now: number): Finding[] {
  const end = isoInstant(keySetUntil).slice(0, 10);
  const next = 'Ask its operator to publish: caseref keys publish';
  if (keySetUntil <= now) {
    const message = `The key set of ${issuer} has ended on ${end}: 14 days later nothing of it is taken.`;
    return [{ level: 'bad', code: 'partner-keys-expired', partner: issuer, message, next }];
  }
  if (keySetUntil - now > KEY_SET_DAYS * DAY) return [];
  const message = `The key set of ${issuer} ends on ${end}.`;
  return [{ level: 'warn', code: 'partner-keys-expiring', partner: issuer, message, next }];
}

function examineWaiting({ issuer, waiting, shut }: PartnerStanding, now: number): Finding[] {
  const next = `caseref delivery list --state queued --partner ${issuer}`;
  const age = waiting ? now - waiting.since : 0;
  if (!waiting || (age < HOUR && !shut)) return [];
  const many = waiting.count === 1 ? '1 message waits' : `${waiting.count} messages wait`;
  const why = waiting.code === null ? '' : ` (${waiting.code})`;
  const pause = shut ? ' The line is shut for a pause after failures in a row.' : '';
  const message = `${many} for ${issuer} since ${isoInstant(waiting.since)}${why}.${pause}`;
  return [{ level: age > DAY ? 'bad' : 'warn', code: 'delivery-waiting', partner: issuer, message, next }];
}
