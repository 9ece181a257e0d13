import type { CaseReference } from '../domain/contract.types.ts';
import type { Decision } from '../domain/decision.ts';
import { isIndustryForm } from '../domain/policy/industry.ts';
import { type ReferenceContent, urgencyOf } from '../domain/reference.ts';
import { expiry } from '../domain/retention.ts';
import type { DataKey, Place, Vault } from '../domain/secrets.ts';
import type { NewRow } from '../store/rows.ts';
import type { MatchKeys } from '../wire/match.ts';

/** (originator, id): what a reference is named by everywhere. */
export interface ReferenceName {
  readonly originator: string;
  readonly id: string;
}

export function ownerOf(name: ReferenceName): string {
  return `${name.originator} ${name.id}`;
}

const text = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Where the content of a revision stands: bound into its ciphertext. */
function revisionPlace(name: ReferenceName, revision: number): Place {
  return { table: 'reference_revision', row: `${ownerOf(name)} ${revision}`, column: 'body' };
}

/** Where the signed bytes of a message we sent stand. */
export function deliveryPlace(id: string): Place {
  return { table: 'delivery', row: id, column: 'body' };
}

/** Where the signed bytes of a message we received stand. */
export function messagePlace(issuer: string, jti: string): Place {
  return { table: 'message', row: `${issuer} ${jti}`, column: 'body' };
}

export function sealText(vault: Vault, key: DataKey, place: Place, plain: string): Uint8Array {
  return vault.seal(key, place, text.encode(plain));
}

export function openText(vault: Vault, key: DataKey, place: Place, sealed: Uint8Array): string {
  return utf8.decode(vault.open(key, place, sealed));
}

interface StoredContent {
  readonly revision: number;
  readonly body: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** What a stored revision says, of whatever form. */
export function openContent(vault: Vault, name: ReferenceName, stored: StoredContent): ReferenceContent {
  const key = vault.unwrap(stored.wrapped, ownerOf(name));
  return JSON.parse(openText(vault, key, revisionPlace(name, stored.revision), stored.body)) as ReferenceContent;
}

/** The same of what can be sent: our own are always whole, and nothing else is ever asked for as if it were. */
export function openReference(vault: Vault, name: ReferenceName, stored: StoredContent): CaseReference {
  const content = openContent(vault, name, stored);
  if (isIndustryForm(content))
    throw new Error('a reference in the reduced form was about to be treated as a whole one');
  return content;
}

/** Every jurisdiction that a reference names, with the country of each subdivision, for filters. */
function jurisdictionsOf(reference: CaseReference): string[] {
  const { hosting, reporting, concerned } = reference.jurisdiction;
  const named = [hosting, reporting, ...(concerned ?? []).map((one) => one.country)];
  const codes = named.filter((code) => code !== undefined).flatMap((code) => [code, code.slice(0, 2)]);
  return [...new Set(codes)];
}

/** How urgent a reference counts here, where that is not what it says. */
interface Lowered {
  readonly urgency?: string;
}

function facts(reference: ReferenceContent, { urgency = urgencyOf(reference) }: Lowered) {
  const { revision, category, marking } = reference;
  const every = { revision, category, urgency, tlp: marking.tlp };
  return { ...every, ...(isIndustryForm(reference) ? unsaid : wholeFacts(reference)) };
}

/** What the reduced form says nothing of. */
const unsaid = {
  role: null,
  hosting: null,
  jurisdictions: [],
  assignee: null,
  report: null,
  retain_until: null,
  received_at: null,
  observed_at: null,
};

function wholeFacts(reference: CaseReference) {
  return {
    role: reference.role ?? null,
    hosting: reference.jurisdiction.hosting ?? null,
    jurisdictions: jurisdictionsOf(reference),
    assignee: reference.assignee ?? null,
    report: reference.report ?? null,
    retain_until: reference.retainUntil ?? null,
    received_at: reference.receivedAt ?? null,
    observed_at: reference.observedAt ?? null,
  };
}

function expiryOf(reference: ReferenceContent, arrivedAt: Date, ceilingDays: number | undefined): Date | null {
  const retainUntil = isIndustryForm(reference) ? undefined : reference.retainUntil;
  const at = expiry({ retainUntil, arrivedAt: arrivedAt.getTime(), ceilingDays });
  return at === null ? null : new Date(at);
}

/** The row of a new reference: codes in the clear for filters, nothing of its address or handles. */
export function referenceRow(
  name: ReferenceName,
  reference: ReferenceContent,
  row: {
    position: number;
    direction: 'in' | 'out';
    state: string;
    at: Date;
    ceilingDays: number | undefined;
  } & Lowered,
): NewRow {
  return {
    originator: name.originator,
    id: name.id,
    position: row.position,
    direction: row.direction,
    state: row.state,
    ...facts(reference, row),
    expires_at: expiryOf(reference, row.at, row.ceilingDays),
    created_at: row.at,
    updated_at: row.at,
  };
}

/** The members of a reference's row that a revision may change. */
export function revisedFacts(
  reference: ReferenceContent,
  row: { at: Date; arrivedAt: Date; ceilingDays: number | undefined } & Lowered,
) {
  return {
    ...facts(reference, row),
    expires_at: expiryOf(reference, row.arrivedAt, row.ceilingDays),
    updated_at: row.at,
  };
}

export function revisionRow(
  vault: Vault,
  key: DataKey,
  name: ReferenceName,
  reference: ReferenceContent,
  row: { jti: string | null; at: Date },
): NewRow {
  const place = revisionPlace(name, reference.revision);
  return {
    originator: name.originator,
    id: name.id,
    revision: reference.revision,
    body: sealText(vault, key, place, JSON.stringify(reference)),
    jti: row.jti,
    at: row.at,
  };
}

/** Blind indexes of an address under the match keys that are kept (K4 serves denies only and is not). */
export interface Macs {
  readonly K1: Uint8Array;
  readonly K2: Uint8Array;
  readonly K3: Uint8Array;
}

export function macsOf(vault: Vault, { K1, K2, K3 }: MatchKeys): Macs {
  return { K1: vault.index('K1', K1), K2: vault.index('K2', K2), K3: vault.index('K3', K3) };
}

/** Blind-index rows of an address: what equality look-ups use instead of it. */
export function indexRows({ originator, id }: ReferenceName, macs: Macs): NewRow[] {
  return Object.entries(macs).map(([name, mac]) => ({ mac, name, originator, id }));
}

/** The stored answer to "why": one row for each (reference, partner, direction). */
export function decisionRow(
  name: ReferenceName,
  partner: string,
  direction: 'in' | 'out',
  decision: Decision,
  row: { revision: number; basis: number; at: Date; by?: string },
): NewRow {
  return {
    originator: name.originator,
    id: name.id,
    partner,
    direction,
    revision: row.revision,
    basis: row.basis,
    effect: decision.effect,
    rule: decision.rule,
    code: decision.code ?? null,
    policy_version: decision.policyVersion,
    trace: decision.trace,
    change: decision.change ?? null,
    disclosed: decision.disclosed ?? null,
    decided_at: row.at,
    decided_by: row.by ?? null,
  };
}
