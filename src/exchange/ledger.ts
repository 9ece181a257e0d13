import type { ReceiveEffect } from '../domain/decision.ts';
import { checkPassedOn } from '../domain/onward.ts';
import { decideReceive } from '../domain/policy.ts';
import { checkRevision, type ReferenceContent, urgencyOf } from '../domain/reference.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { DataKey } from '../domain/secrets.ts';
import type { NewEvent } from '../store/feed.ts';
import { type KnownReference, lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { closedAmong, isClosed, type Seal, sealReferences, withdrawalsSince } from '../store/recall.ts';
import { emptyRows, type ReferenceRows, referenceInserts, reviseReferences } from '../store/references.ts';
import { type Insert, insertAll, type NewRow } from '../store/rows.ts';
import { dropIndexes, firmTombstones, openTombstones, setAsideRevisions } from '../store/suspect.ts';
import { matchKeys } from '../wire/match.ts';
import type { Arrival, Verdict } from './arrival.ts';
import { type Cases, openCases } from './case/cases.ts';
import type { Exchange } from './context.ts';
import { type DayQuota, isEmergency, openQuota } from './day-quota.ts';
import type { Snapshot } from './directory.ts';
import {
  decisionRow,
  indexRows,
  macsOf,
  messagePlace,
  openContent,
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
  content: ReferenceContent;
  /** How urgent it counts here. */
  urgency: string;
  /** A lost key may have signed the content: whatever the originator says now counts, by any number. */
  isSuspect: boolean;
  readonly key: DataKey;
  readonly arrivedAt: Date;
  /** Whether it is an own one that is closed by somebody's word alone. */
  readonly closedByWord?: boolean;
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
  /** What only suspect withdrawals erased, by owner: the least revision that brings it back. */
  readonly doubted: Map<string, number>;
  /** Of those, what came back and what a withdrawal that counts has closed; and whose suspect revisions are set aside. */
  readonly restored: ReferenceName[];
  readonly firm: ReferenceName[];
  readonly replaced: ReferenceName[];
  /** References that others pass on and that are closed here under their originator's own name. */
  readonly closedSources: ReadonlySet<string>;
  readonly quota: DayQuota;
  /** Withdrawals taken from each partner within the last hour, this batch included. */
  readonly recalls: Map<string, number>;
  readonly seals: Map<string, Seal>;
  readonly held: NewRow[];
  readonly rows: ReferenceRows;
  readonly revised: Map<string, NewRow>;
  readonly decided: Map<string, NewRow>;
  readonly events: NewEvent[];
  readonly kept: Set<Arrival>;
  /** What was said about these references. */
  readonly cases: Cases;
}

export function nameOf({ verified, judged }: Arrival): ReferenceName | undefined {
  const subject = verified.claims.sub_id;
  const names = judged.kind === 'reference' || judged.kind === 'withdrawn' || judged.kind === 'statement';
  if (!names || subject.format !== 'iss_sub') return undefined;
  return { originator: subject.iss, id: subject.sub };
}

function openEntry(exchange: Exchange, row: KnownReference): [string, Entry] | undefined {
  const { wrapped, body, revision, urgency, suspect: isSuspect, kept_code: code, kept_until: until } = row;
  if (!wrapped || !body) return undefined;
  const content = openContent(exchange.vault, row, { revision, body, wrapped });
  const kept = code !== null && until !== null ? { kept: { code, until } } : {};
  const key = exchange.vault.unwrap(wrapped, ownerOf(row));
  const { state, created_at: arrivedAt, closed_by_word: closedByWord } = row;
  return [ownerOf(row), { state, content, urgency, isSuspect, key, arrivedAt, closedByWord, ...kept }];
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
  const keyOf = (name: ReferenceName) => entries.get(ownerOf(name))?.key;
  const cases = await openCases(exchange, trx, { names, arrivals, keyOf });
  const erased = known.filter((row) => !entries.has(ownerOf(row)));
  const closed = erased.filter((row) => row.doubted_at === null).map(ownerOf);
  const doubted = erased.filter((row) => row.doubted_at !== null);
  return {
    exchange,
    snapshot,
    at,
    entries,
    closed: new Set(closed),
    doubted: new Map(doubted.map((row) => [ownerOf(row), row.revision])),
    restored: [],
    firm: [],
    replaced: [],
    closedSources: new Set((await closedAmong(trx, arrivals.flatMap(sourceOf))).map(ownerOf)),
    quota: await openQuota(trx, snapshot, arrivals, at),
    recalls: await countRecalls(trx, arrivals, at),
    seals: new Map(),
    held: [],
    rows: emptyRows(),
    revised: new Map(),
    decided: new Map(),
    events: [],
    kept: new Set(),
    cases,
  };
}

/** Whose reference an arrival passes on. */
function sourceOf({ judged }: Arrival): ReferenceName[] {
  if (judged.kind !== 'reference' || !('source' in judged.reference) || !judged.reference.source) return [];
  const { iss, sub } = judged.reference.source;
  return [{ originator: iss, id: sub }];
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
export function enterReference(ledger: Ledger, arrival: Arrival, reference: ReferenceContent): Verdict {
  const name = nameOf(arrival) as ReferenceName;
  const wrong = checkSource(ledger, arrival, reference);
  if (wrong) return { outcome: 'refused', refusal: wrong };
  const floor = ledger.doubted.get(ownerOf(name)) ?? 0;
  if (ledger.closed.has(ownerOf(name)) || reference.revision < floor)
    return { outcome: 'refused', refusal: refuse('reference-withdrawn') };
  const entry = ledger.entries.get(ownerOf(name));
  const verdict = entry
    ? compare(ledger, arrival, name, entry, reference)
    : decideAndKeep(ledger, arrival, name, reference, undefined);
  if (verdict.outcome !== 'refused') ledger.kept.add(arrival);
  return verdict;
}

/** What is passed on: with its originator's leave, and never what its originator took back here. */
function checkSource(ledger: Ledger, arrival: Arrival, reference: ReferenceContent): Refusal | undefined {
  const { exchange, snapshot } = ledger;
  const { iss } = arrival.verified.claims;
  const sender = snapshot.partners.get(iss)?.facts ?? { issuer: iss, type: 'unknown', jurisdictions: [] };
  const wrong = checkPassedOn(reference, { self: exchange.self, home: exchange.settings.jurisdictions, sender });
  if (wrong) return wrong;
  const isGone = sourceOf(arrival)
    .map(ownerOf)
    .some((owner) => isClosedSource(ledger, owner));
  return isGone ? refuse('reference-withdrawn', '/source') : undefined;
}

function isClosedSource(ledger: Ledger, owner: string): boolean {
  const entry = ledger.entries.get(owner);
  return ledger.closedSources.has(owner) || ledger.closed.has(owner) || (entry !== undefined && isClosed(entry.state));
}

function compare(
  ledger: Ledger,
  arrival: Arrival,
  name: ReferenceName,
  entry: Entry,
  reference: ReferenceContent,
): Verdict {
  if (isClosed(entry.state)) return { outcome: 'refused', refusal: refuse('reference-withdrawn') };
  if (entry.isSuspect) return replaceSuspect(ledger, arrival, name, entry, reference);
  const order = checkRevision(entry.content, reference);
  if (typeof order === 'object') return { outcome: 'refused', refusal: order };
  return order === 'newer' ? decideAndKeep(ledger, arrival, name, reference, entry) : { outcome: 'accepted' };
}

/** Neither number nor address of what a lost key may have signed bind its originator. What was there is set aside. */
function replaceSuspect(
  ledger: Ledger,
  arrival: Arrival,
  name: ReferenceName,
  entry: Entry,
  reference: ReferenceContent,
): Verdict {
  const verdict = decideAndKeep(ledger, arrival, name, reference, entry);
  if (verdict.outcome === 'refused') return verdict;
  entry.isSuspect = false;
  ledger.replaced.push(name);
  ledger.rows.indexes.push(...indexRows(name, macsOf(ledger.exchange.vault, matchKeys(reference.url))));
  return verdict;
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
  reference: ReferenceContent,
  entry: Entry | undefined,
): Verdict {
  const { exchange, snapshot, at } = ledger;
  const partner = snapshot.partners.get(name.originator);
  const originator = partner?.facts ?? { issuer: name.originator, type: 'unknown', jurisdictions: [] };
  const decision = decideReceive({
    ...{ reference, originator, policy: partner?.policy },
    ...{ codes: snapshot.codes, now: at.getTime() },
  });
  const verdict = verdicts[decision.effect];
  if (verdict.outcome === 'refused') return verdict;
  const state = decision.effect === 'hold' ? 'held' : 'open';
  const made = { revision: reference.revision, basis: snapshot.version, at };
  const row = decisionRow(name, name.originator, 'in', decision, made);
  if (entry || ledger.doubted.has(ownerOf(name))) ledger.decided.set(ownerOf(name), row);
  else ledger.rows.decisions.push(row);
  const urgency = countUrgency(ledger, name.originator, reference, entry);
  const key = entry
    ? revise(ledger, name, entry, reference, { state, urgency })
    : insert(ledger, name, reference, { state, urgency });
  const { iss, jti } = arrival.verified.claims;
  ledger.rows.revisions.push(revisionRow(exchange.vault, key, name, reference, { jti, at }));
  const type = entry ? 'reference.revised' : 'reference.received';
  const stated = urgencyOf(reference);
  const urgent = stated === 'emergency' && { body: { urgency, state, ...(urgency !== stated && { stated }) } };
  ledger.events.push({ type, at, originator: name.originator, reference: name.id, partner: iss, jti, ...urgent });
  return verdict;
}

/**
 * How urgent a reference counts here. An emergency over the partner's quota is taken and counts as `priority`, while its
 * content stays as it came; one that counts as an emergency already asks for no second place.
 */
function countUrgency(ledger: Ledger, partner: string, reference: ReferenceContent, entry: Entry | undefined): string {
  const stated = urgencyOf(reference);
  if (stated !== 'emergency' || entry?.urgency === 'emergency') return stated;
  if (!ledger.quota.hasEmergency(partner)) return 'priority';
  ledger.quota.takeEmergency(partner);
  return stated;
}

/** Seconds that a message has to wait for the next day, by the partner's quota; 0 where it is taken now. */
export function waitFor(ledger: Ledger, arrival: Arrival): number {
  const name = nameOf(arrival);
  const known = name && ledger.entries.get(ownerOf(name));
  const partner = arrival.verified.claims.iss;
  const urgent = isEmergency(arrival) && (known?.urgency === 'emergency' || ledger.quota.hasEmergency(partner));
  return ledger.quota.take(arrival, urgent);
}

/** What the recipient makes of a reference. */
interface Standing {
  readonly state: 'held' | 'open';
  readonly urgency: string;
}

function insert(
  ledger: Ledger,
  name: ReferenceName,
  reference: ReferenceContent,
  { state, urgency }: Standing,
): DataKey {
  const { exchange, rows, at } = ledger;
  const { key, wrapped } = exchange.vault.newDataKey(ownerOf(name));
  const ceilingDays = exchange.settings.retainDays;
  ledger.entries.set(ownerOf(name), { state, content: reference, urgency, isSuspect: false, key, arrivedAt: at });
  if (ledger.doubted.delete(ownerOf(name))) {
    ledger.restored.push(name);
    const facts = revisedFacts(reference, { urgency, at, arrivedAt: at, ceilingDays });
    ledger.revised.set(ownerOf(name), { ...name, state, ...facts });
  } else {
    const row = { position: 0, direction: 'in', state, urgency, at, ceilingDays } as const;
    rows.references.push(referenceRow(name, reference, row));
  }
  rows.keys.push({ ...name, wrapped });
  rows.indexes.push(...indexRows(name, macsOf(exchange.vault, matchKeys(reference.url))));
  return key;
}

/** A revision opens what a rule held before, and a rule that holds now holds it again; other states stay. */
function revise(
  ledger: Ledger,
  name: ReferenceName,
  entry: Entry,
  reference: ReferenceContent,
  { state, urgency }: Standing,
): DataKey {
  if (entry.state === 'open' || entry.state === 'held') entry.state = state;
  entry.content = reference;
  entry.urgency = urgency;
  ledger.revised.set(ownerOf(name), {
    ...name,
    state: entry.state,
    ...revisedFacts(reference, {
      urgency,
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
  { rows, revised, decided, seals, restored, replaced, firm, at }: Ledger,
  others: readonly Insert[],
): Promise<void> {
  await openTombstones(trx, restored, at);
  await setAsideRevisions(trx, replaced);
  await dropIndexes(trx, replaced);
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
  await firmTombstones(trx, firm);
}
