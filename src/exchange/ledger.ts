import type { CaseReference } from '../domain/contract.types.ts';
import type { ReceiveEffect } from '../domain/decision.ts';
import { decideReceive } from '../domain/policy.ts';
import { checkRevision } from '../domain/reference.ts';
import { refuse } from '../domain/refusal.ts';
import type { DataKey } from '../domain/secrets.ts';
import type { NewEvent } from '../store/feed.ts';
import { type KnownReference, lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { isClosed, type Seal, sealReferences, withdrawalsSince } from '../store/recall.ts';
import { emptyRows, type ReferenceRows, referenceInserts, reviseReferences } from '../store/references.ts';
import { type Insert, insertAll, type NewRow } from '../store/rows.ts';
import { matchKeys } from '../wire/match.ts';
import type { Arrival, Verdict } from './arrival.ts';
import type { Exchange } from './context.ts';
import type { Snapshot } from './directory.ts';
import {
  decisionRow,
  indexRows,
  macsOf,
  messagePlace,
  openReference,
  ownerOf,
  type ReferenceName,
  referenceRow,
  revisedFacts,
  revisionRow,
  sealText,
} from './record.ts';

/** A partner's reference as this transaction leaves it, message by message. */
export interface Entry {
  state: string;
  content: CaseReference;
  readonly key: DataKey;
  readonly arrivedAt: Date;
  /** Why and until when an operator keeps it despite a withdrawal. */
  readonly kept?: { readonly code: string; readonly until: Date };
}

/**
 * The partners' references that a batch of messages speaks of: read and locked once, changed in memory message by
 * message in their order of arrival, written once. A refused message leaves nothing in it.
 */
export interface Ledger {
  readonly exchange: Exchange;
  readonly snapshot: Snapshot;
  readonly at: Date;
  readonly entries: Map<string, Entry>;
  /** References whose data key was destroyed: nothing more can be said about them. */
  readonly closed: Set<string>;
  /** Withdrawals taken from each partner within the last hour, this batch included. */
  readonly recalls: Map<string, number>;
  readonly seals: Map<string, Seal>;
  readonly held: NewRow[];
  readonly rows: ReferenceRows;
  readonly revised: Map<string, NewRow>;
  readonly decided: Map<string, NewRow>;
  readonly events: NewEvent[];
  readonly kept: Set<Arrival>;
}

export function nameOf({ verified, judged }: Arrival): ReferenceName | undefined {
  const subject = verified.claims.sub_id;
  const names = judged.kind === 'reference' || judged.kind === 'withdrawn';
  if (!names || subject.format !== 'iss_sub') return undefined;
  return { originator: subject.iss, id: subject.sub };
}

function openEntry(exchange: Exchange, row: KnownReference): [string, Entry] | undefined {
  const { wrapped, body, revision, kept_code: code, kept_until: until } = row;
  if (!wrapped || !body) return undefined;
  const content = openReference(exchange.vault, row, { revision, body, wrapped });
  const kept = code !== null && until !== null ? { kept: { code, until } } : {};
  const key = exchange.vault.unwrap(wrapped, ownerOf(row));
  return [ownerOf(row), { state: row.state, content, key, arrivedAt: row.created_at, ...kept }];
}

/** Reads and locks what these messages speak of. */
export async function openLedger(
  exchange: Exchange,
  trx: Trx,
  arrivals: readonly Arrival[],
  at: Date,
): Promise<Ledger> {
  const names = arrivals.map(nameOf).filter((name) => name !== undefined);
  const snapshot = await exchange.directory.within(trx);
  const known = await lockReferences(trx, [...new Map(names.map((name) => [ownerOf(name), name])).values()]);
  const entries = new Map(known.map((row) => openEntry(exchange, row)).filter((entry) => entry !== undefined));
  const closed = new Set(known.map(ownerOf).filter((owner) => !entries.has(owner)));
  return {
    exchange,
    snapshot,
    at,
    entries,
    closed,
    recalls: await countRecalls(trx, arrivals, at),
    seals: new Map(),
    held: [],
    rows: emptyRows(),
    revised: new Map(),
    decided: new Map(),
    events: [],
    kept: new Set(),
  };
}

const HOUR = 3_600_000;

async function countRecalls(trx: Trx, arrivals: readonly Arrival[], at: Date): Promise<Map<string, number>> {
  const issuers = new Set(
    arrivals.filter(({ judged }) => judged.kind === 'withdrawn').map(({ verified }) => verified.claims.iss),
  );
  const counts = new Map<string, number>();
  for (const issuer of issuers) counts.set(issuer, await withdrawalsSince(trx, issuer, new Date(at.getTime() - HOUR)));
  return counts;
}

/** Enters a submission or revision: what the recipient's policy and the stored revision make of it. */
export function enterReference(ledger: Ledger, arrival: Arrival, reference: CaseReference): Verdict {
  const name = nameOf(arrival) as ReferenceName;
  if (ledger.closed.has(ownerOf(name))) return { outcome: 'refused', refusal: refuse('reference-withdrawn') };
  const entry = ledger.entries.get(ownerOf(name));
  const verdict = entry
    ? compare(ledger, arrival, name, entry, reference)
    : decideAndKeep(ledger, arrival, name, reference, undefined);
  if (verdict.outcome !== 'refused') ledger.kept.add(arrival);
  return verdict;
}

function compare(
  ledger: Ledger,
  arrival: Arrival,
  name: ReferenceName,
  entry: Entry,
  reference: CaseReference,
): Verdict {
  if (isClosed(entry.state)) return { outcome: 'refused', refusal: refuse('reference-withdrawn') };
  const order = checkRevision(entry.content, reference);
  if (typeof order === 'object') return { outcome: 'refused', refusal: order };
  return order === 'newer' ? decideAndKeep(ledger, arrival, name, reference, entry) : { outcome: 'accepted' };
}

const verdicts: Readonly<Record<ReceiveEffect, Verdict>> = {
  accept: { outcome: 'accepted' },
  hold: { outcome: 'held', refusal: { code: 'policy-held', pointer: '' } },
  refuse: { outcome: 'refused', refusal: { code: 'policy-refused', pointer: '' } },
};

function decideAndKeep(
  ledger: Ledger,
  arrival: Arrival,
  name: ReferenceName,
  reference: CaseReference,
  entry: Entry | undefined,
): Verdict {
  const { exchange, snapshot, at } = ledger;
  const partner = snapshot.partners.get(name.originator);
  const originator = partner?.facts ?? { issuer: name.originator, type: 'unknown', jurisdictions: [] };
  const decision = decideReceive({ reference, originator, policy: partner?.policy, now: at.getTime() });
  const verdict = verdicts[decision.effect];
  if (verdict.outcome === 'refused') return verdict;
  const state = decision.effect === 'hold' ? 'held' : 'open';
  const made = { revision: reference.revision, basis: snapshot.version, at };
  const row = decisionRow(name, name.originator, 'in', decision, made);
  if (entry) ledger.decided.set(ownerOf(name), row);
  else ledger.rows.decisions.push(row);
  const key = entry ? revise(ledger, name, entry, reference, state) : insert(ledger, name, reference, state);
  const { iss, jti } = arrival.verified.claims;
  ledger.rows.revisions.push(revisionRow(exchange.vault, key, name, reference, { jti, at }));
  const type = entry ? 'reference.revised' : 'reference.received';
  const urgent = reference.urgency?.level === 'emergency' && { body: { urgency: 'emergency', state } };
  ledger.events.push({ type, at, originator: name.originator, reference: name.id, partner: iss, jti, ...urgent });
  return verdict;
}

function insert(ledger: Ledger, name: ReferenceName, reference: CaseReference, state: 'held' | 'open'): DataKey {
  const { exchange, rows, at } = ledger;
  const { key, wrapped } = exchange.vault.newDataKey(ownerOf(name));
  ledger.entries.set(ownerOf(name), { state, content: reference, key, arrivedAt: at });
  rows.references.push(
    referenceRow(name, reference, {
      position: 0,
      direction: 'in',
      state,
      at,
      ceilingDays: exchange.settings.retainDays,
    }),
  );
  rows.keys.push({ ...name, wrapped });
  rows.indexes.push(...indexRows(name, macsOf(exchange.vault, matchKeys(reference.url))));
  return key;
}

/** A revision opens what a rule held before, and a rule that holds now holds it again; other states stay. */
function revise(
  ledger: Ledger,
  name: ReferenceName,
  entry: Entry,
  reference: CaseReference,
  state: 'held' | 'open',
): DataKey {
  if (entry.state === 'open' || entry.state === 'held') entry.state = state;
  entry.content = reference;
  ledger.revised.set(ownerOf(name), {
    ...name,
    state: entry.state,
    ...revisedFacts(reference, {
      at: ledger.at,
      arrivedAt: entry.arrivedAt,
      ceilingDays: ledger.exchange.settings.retainDays,
    }),
  });
  return entry.key;
}

/** The signed bytes of a message, encrypted with the data key of its reference; null where nothing of it is kept. */
export function sealArrival(ledger: Ledger, arrival: Arrival): Uint8Array | null {
  const name = nameOf(arrival);
  const entry = name && ledger.entries.get(ownerOf(name));
  if (!entry || !ledger.kept.has(arrival)) return null;
  const { iss, jti } = arrival.verified.claims;
  return sealText(ledger.exchange.vault, entry.key, messagePlace(iss, jti), arrival.verified.compact);
}

/** Writes what the messages changed, together with what else they leave; a reference that was entered and revised in one batch goes in as it ended. */
export async function writeLedger(
  trx: Trx,
  { rows, revised, decided, seals, at }: Ledger,
  others: readonly Insert[],
): Promise<void> {
  const later = new Map(revised);
  const references = rows.references.map((row) => {
    const owner = `${row.originator} ${row.id}`;
    const last = later.get(owner);
    later.delete(owner);
    return { ...row, ...last };
  });
  await insertAll(trx, [...referenceInserts({ ...rows, references }), ...others]);
  await reviseReferences(trx, [...later.values()], [...decided.values()]);
  await sealReferences(trx, [...seals.values()], at);
}
