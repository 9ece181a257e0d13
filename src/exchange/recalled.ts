import type { Withdrawn } from '../domain/contract.types.ts';
import { isoInstant } from '../domain/instant.ts';
import type { NewRow } from '../store/rows.ts';
import type { Arrival, Verdict } from './arrival.ts';
import type { Exchange } from './context.ts';
import { type Entry, type Ledger, nameOf } from './ledger.ts';
import { ownerOf, type ReferenceName } from './record.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Withdrawals an hour that a partner whose policy names no number may make before a person looks. */
const PER_HOUR = 20;
/** Hours between sealing and erasure where the policy names none; the protocol allows 168 at most. */
const PURGE_HOURS = 72;
const LONGEST_HOURS = 168;
/** How long backups made before a purge may still hold what was purged. */
const BACKUP_DAYS = 35;

/** Until when backups may still hold what is purged now. */
export function backupsUntil(now: number): string {
  return isoInstant(now + BACKUP_DAYS * DAY);
}

/** When what is sealed now is erased: at once for `legal`, else after the time that the policy leaves for mistakes. */
export function purgeTime(
  exchange: Exchange,
  content: Pick<Withdrawn, 'reason' | 'purge'>,
  policyHours: number | undefined,
): Date | null {
  if (!content.purge) return null;
  const hours = content.reason === 'legal' ? 0 : Math.min(policyHours ?? PURGE_HOURS, LONGEST_HOURS);
  return new Date(exchange.clock() + hours * HOUR);
}

/**
 * Enters a withdrawal: the reference is sealed with this transaction, out of every face. For a reference that never came
 * a tombstone is written, so that a later arrival is refused. Withdrawals over the partner's limit, and those of a
 * suspended partner, wait for the operator and change nothing. One that is taken `again` was counted when it came first.
 */
export function enterWithdrawal(ledger: Ledger, arrival: Arrival, content: Withdrawn, again = false): Verdict {
  const name = nameOf(arrival) as ReferenceName;
  const owner = ownerOf(name);
  if (ledger.closed.has(owner)) return gone(ledger, content);
  const policy = ledger.snapshot.partners.get(name.originator)?.policy;
  const taken = (ledger.recalls.get(name.originator) ?? 0) + 1;
  const overLimit = !again && taken > (policy?.receive.withdrawalsPerHour ?? PER_HOUR);
  if (overLimit || arrival.verified.state === 'suspended') return hold(ledger, arrival, name, content);
  if (!again) ledger.recalls.set(name.originator, taken);
  if (ledger.doubted.delete(owner)) {
    ledger.firm.push(name);
    ledger.closed.add(owner);
    return gone(ledger, content);
  }
  const entry = ledger.entries.get(owner);
  if (!entry) return bury(ledger, name, content);
  return sealEntry(ledger, arrival, name, entry, content, policy?.receive.purgeAfterHours);
}

/** There is nothing any more, or there never was. */
function gone({ at }: Ledger, { reason, purge }: Withdrawn): Verdict {
  return {
    outcome: 'purged',
    backupsUntil: backupsUntil(at.getTime()),
    recall: { reason, purgeAfter: purge ? at : null },
  };
}

function sealEntry(
  ledger: Ledger,
  arrival: Arrival,
  name: ReferenceName,
  entry: Entry,
  content: Withdrawn,
  policyHours: number | undefined,
): Verdict {
  if (entry.state !== 'restricted') entry.state = 'sealed';
  const purgeAfter = purgeTime(ledger.exchange, content, policyHours);
  const before = ledger.seals.get(ownerOf(name))?.purgeAfter ?? null;
  ledger.seals.set(ownerOf(name), { ...name, reason: content.reason, purgeAfter: earlier(before, purgeAfter) });
  const { iss, jti } = arrival.verified.claims;
  ledger.events.push({
    type: 'reference.sealed',
    at: ledger.at,
    originator: name.originator,
    reference: name.id,
    partner: iss,
    jti,
    code: content.reason,
  });
  const recall = { reason: content.reason, purgeAfter };
  if (!entry.kept || entry.kept.until <= ledger.at || !content.purge) return { outcome: 'sealed', recall };
  const { code, until } = entry.kept;
  return { outcome: 'retained', kept: { code, until: isoInstant(until.getTime()) }, recall };
}

/** Of two times of erasure the earlier one; never is later than any. */
export function earlier(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other;
  return one < other ? one : other;
}

/** Issuer and id of what must never come in, and nothing else. */
export function tombstoneRow(name: ReferenceName, position: number, at: Date): NewRow {
  return {
    ...name,
    position,
    direction: 'in',
    state: 'purged',
    revision: 0,
    category: 'unknown',
    role: null,
    urgency: 'routine',
    tlp: 'unknown',
    hosting: null,
    jurisdictions: [],
    assignee: null,
    report: null,
    retain_until: null,
    received_at: null,
    expires_at: null,
    created_at: at,
    updated_at: at,
  };
}

function bury(ledger: Ledger, name: ReferenceName, content: Withdrawn): Verdict {
  ledger.closed.add(ownerOf(name));
  ledger.rows.references.push(tombstoneRow(name, 0, ledger.at));
  return gone(ledger, content);
}

function hold(ledger: Ledger, arrival: Arrival, name: ReferenceName, content: Withdrawn): Verdict {
  const { claims, digest } = arrival.verified;
  ledger.held.push({
    issuer: claims.iss,
    jti: claims.jti,
    digest,
    reference_id: name.id,
    reason: content.reason,
    purge: content.purge,
    batch: content.batch ?? null,
    received_at: ledger.at,
  });
  ledger.events.push({
    type: 'withdrawal.held',
    at: ledger.at,
    originator: name.originator,
    reference: name.id,
    partner: claims.iss,
    jti: claims.jti,
    ...(content.batch !== undefined && { body: { batch: content.batch } }),
  });
  return { outcome: 'held', refusal: { code: 'withdrawals-exceeded', pointer: '' } };
}
