import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { partnerRow } from '../store/partners.ts';
import { policyVersionsBelow } from '../store/policies.ts';
import type { Listed, PageRequest } from './browse.ts';
import type { Exchange } from './context.ts';
import { readCursor, writeCursor } from './cursor.ts';

/** A version of a partner's policy without its rules: what it is, who signed it, and when. */
export interface PolicyVersion {
  readonly version: number;
  /** `superseded` without `activatedAt` never was in force. */
  readonly state: 'pending' | 'active' | 'superseded';
  readonly digest: string;
  readonly createdAt: string;
  readonly author?: string;
  readonly approver?: string;
  readonly activatedAt?: string;
}

interface VersionRow {
  readonly version: number;
  readonly state: PolicyVersion['state'];
  readonly digest: string;
  readonly author: string | null;
  readonly approver: string | null;
  readonly created_at: Date;
  readonly approved_at: Date | null;
}

export function viewPolicyVersion(row: VersionRow): PolicyVersion {
  const { version, state, digest, author, approver, created_at, approved_at } = row;
  return {
    version,
    state,
    digest,
    createdAt: isoInstant(created_at.getTime()),
    ...(author !== null && { author }),
    ...(approver !== null && { approver }),
    ...(approved_at !== null && { activatedAt: isoInstant(approved_at.getTime()) }),
  };
}

/** Every version that a partner's policy ever had, newest first. */
export async function listPolicyVersions(
  exchange: Exchange,
  issuer: string,
  { limit, cursor }: PageRequest,
): Promise<Listed<PolicyVersion> | Refusal> {
  const { db } = exchange.store;
  const list = `policy versions ${issuer}`;
  const below = cursor === undefined ? undefined : readCursor(exchange.vault, list, cursor);
  if (isRefusal(below)) return below;
  if (!(await partnerRow(db, issuer))) return unknownPartner(issuer);
  const rows = await policyVersionsBelow(db, issuer, { limit: limit + 1, below });
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next = rows.length > limit && last ? writeCursor(exchange.vault, list, last.version) : null;
  return { items: items.map(viewPolicyVersion), next };
}
