import { setImmediate as breathe } from 'node:timers/promises';
import type { HostNotice } from '../domain/authority/notice.ts';
import type { CaseReference, Policy } from '../domain/contract.types.ts';
import type { DecidableReference, Decision } from '../domain/decision.ts';
import { isoInstant } from '../domain/instant.ts';
import { decideReceive } from '../domain/policy.ts';
import type { PolicyWarning } from '../domain/policy-check.ts';
import { previewDisclosure } from '../domain/redact.ts';
import type { ReferenceContent } from '../domain/reference.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { type ComparedContents, compareDecisions } from '../domain/simulate.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { countPast, type Past, type PastReference, readOnly, readPast } from '../store/simulate.ts';
import { documentDigest } from '../wire/approval.ts';
import { matchKeys } from '../wire/match.ts';
import { noticeOf } from './case/notice.ts';
import type { Exchange } from './context.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { decideOne } from './decide.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { reviewPolicy } from './policies.ts';
import { openContent } from './record.ts';
import {
  countAll,
  type Ruled,
  type Simulated,
  type SimulatedCounts,
  type SimulatedReference,
} from './simulate-counts.ts';

const DAY = 86_400_000;
/** How far back a draft is tried where nothing else is said. */
const DAYS = 90;
/** References decided in one go, some milliseconds; then whatever else the node has to do has its turn. */
const STRIDE = 16;

export interface SimulationRequest {
  readonly issuer: string;
  /** The draft; its version does not matter. */
  readonly document: unknown;
  /** Default: 90 days before `at`. */
  readonly since?: Date | undefined;
  /** The time that both policies are asked at: as the first page said it, so that every page says the same. */
  readonly at?: Date | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface SimulatedPage extends SimulatedCounts {
  readonly partner: string;
  /** Anything but `active` keeps everything back; both policies are asked as though it were active. */
  readonly partnerState: PartnerEntry['state'];
  /** Version of the policy in force; 0 where there is none. */
  readonly version: number;
  readonly since: string;
  readonly at: string;
  /** Digest of what decides today: pages of different ones do not add up. */
  readonly basis: string;
  /** On the first page only: how many references there are in all, and what the draft is warned of. */
  readonly references?: number;
  readonly warnings?: readonly PolicyWarning[];
  readonly items: readonly SimulatedReference[];
  readonly next: string | null;
}

/**
 * Tries a draft policy against the stored past, one page a call: every reference of ours, and every one that came from the
 * partner, is decided under what is in force today and under the draft, at the same time. Nothing is written. What this
 * node refused when it came is not kept and so not in it; limits by time and persons' decisions are not played through.
 */
export async function simulatePolicy(
  exchange: Exchange,
  { issuer, document, at = new Date(exchange.clock()), since, cursor, limit }: SimulationRequest,
): Promise<SimulatedPage | Refusal[]> {
  const { codes } = await exchange.directory.current();
  const { refusals, warnings } = reviewPolicy(document, exchange.clock(), codes);
  if (refusals.length > 0) return [...refusals];
  const list = `simulate ${issuer}`;
  const before = cursor === undefined ? undefined : readCursor(exchange.vault, list, cursor);
  if (isRefusal(before)) return [before];
  const past: Past = { partner: issuer, since: since ?? new Date(at.getTime() - DAYS * DAY) };
  const read = await readOnly(exchange.store.db, async (trx) => {
    const snapshot = await exchange.directory.within(trx);
    const partner = snapshot.partners.get(issuer);
    if (!partner) return unknownPartner(issuer);
    if ((document as Policy).partner !== issuer) return ofAnother(issuer);
    const references = before === undefined ? await countPast(trx, past) : undefined;
    return { snapshot, partner, references, rows: await readPast(trx, past, { limit, before }) };
  });
  if (isRefusal(read)) return [read];
  const { partner } = read;
  const tried = await simulateAll(trialOf(exchange, read.snapshot, partner, document as Policy, at), read.rows);
  const last = read.rows.length < limit ? undefined : read.rows.at(-1);
  return {
    partner: issuer,
    partnerState: partner.state,
    version: partner.policy?.version ?? 0,
    since: isoInstant(past.since.getTime()),
    at: at.toISOString(),
    basis: basisOf(read.snapshot, partner),
    ...(read.references !== undefined && { references: read.references, warnings }),
    ...countAll(tried),
    items: tried.flatMap((one) => (one !== undefined && one.told.change !== 'same' ? [one.told] : [])),
    next: last ? writeCursor(exchange.vault, list, last.position) : null,
  };
}

function ofAnother(issuer: string): Refusal {
  return refuse('policy-invalid', '/partner', 'The policy is for another partner.', `Set "partner" to ${issuer}.`);
}

function basisOf({ denies }: Snapshot, { facts, state, policy }: PartnerEntry): string {
  return documentDigest({ denies, facts, state, policy });
}

/** Both sides of the comparison: they differ in the policy alone. */
interface Trial {
  readonly exchange: Exchange;
  readonly snapshot: Snapshot;
  readonly today: PartnerEntry;
  readonly draft: PartnerEntry & { readonly policy: Policy };
  readonly now: number;
}

function trialOf(exchange: Exchange, snapshot: Snapshot, partner: PartnerEntry, draft: Policy, at: Date): Trial {
  const now = at.getTime();
  const today = { ...partner, state: 'active' as const };
  const version = (partner.policy?.version ?? 0) + 1;
  return {
    exchange: { ...exchange, clock: () => now },
    snapshot,
    today,
    draft: { ...today, policy: { ...draft, version } },
    now,
  };
}

/** Nothing in the place of a reference that cannot be decided on. */
async function simulateAll(trial: Trial, rows: readonly PastReference[]): Promise<(Simulated | undefined)[]> {
  const tried: (Simulated | undefined)[] = [];
  for (const [index, row] of rows.entries()) {
    if (index % STRIDE === 0) await breathe();
    tried.push(simulateOne(trial, row));
  }
  return tried;
}

function simulateOne(trial: Trial, row: PastReference): Simulated | undefined {
  const content = contentOf(trial, row);
  if (content === undefined) return undefined;
  const { originator, id, direction, sent } = row;
  if (direction === 'in') return simulated({ originator, id, direction }, content, decideTaking(trial, content));
  // Our own are always whole.
  const notice = noticeOf(content.marking, row);
  return simulated(
    { originator, id, direction, sent },
    content,
    decideSending(trial, content as CaseReference, notice),
  );
}

/** One that cannot be read is one among many here: it is logged, and the others are tried all the same. */
function contentOf({ exchange }: Trial, row: PastReference): ReferenceContent | undefined {
  const { originator, id, revision, wrapped, body } = row;
  if (!wrapped || !body) return undefined;
  try {
    return openContent(exchange.vault, { originator, id }, { revision, body, wrapped });
  } catch (failure) {
    exchange.log.failure('policy.simulate.unreadable', failure);
    return undefined;
  }
}

function simulated(
  named: Pick<SimulatedReference, 'originator' | 'id' | 'direction' | 'sent'>,
  reference: DecidableReference,
  { before, after, contents }: Compared,
): Simulated {
  const comparison = compareDecisions(before, after, contents);
  const { change, gained, lost, changed } = comparison;
  const { sent, ...name } = named;
  const told = {
    ...name,
    category: reference.category,
    countries: countriesOf(reference),
    change,
    before: ruled(before),
    after: ruled(after),
    ...(gained.length > 0 && { gained }),
    ...(lost.length > 0 && { lost }),
    ...(changed.length > 0 && { changed }),
    ...(sent !== undefined && { sent }),
  };
  return { told, comparison };
}

interface Compared {
  readonly before: Decision;
  readonly after: Decision;
  readonly contents?: ComparedContents | undefined;
}

function decideSending(
  { exchange, snapshot, today, draft, now }: Trial,
  reference: CaseReference,
  notice: HostNotice | undefined,
): Compared {
  const keys = matchKeys(reference.url);
  const before = decideOne(exchange, snapshot, today, reference, keys, notice);
  const after = decideOne(exchange, snapshot, draft, reference, keys, notice);
  const preview = (decision: Decision, policy: Policy | undefined) =>
    decision.effect === 'send' && policy
      ? previewDisclosure(reference, { partner: today.facts, policy, now })
      : undefined;
  const [left, leaves] = [preview(before, today.policy), preview(after, draft.policy)];
  return { before, after, contents: left && leaves && { before: left, after: leaves } };
}

function decideTaking({ snapshot, today, draft, now }: Trial, reference: DecidableReference): Compared {
  const asked = { reference, originator: today.facts, codes: snapshot.codes, now };
  const under = (policy: Policy | undefined) => decideReceive({ ...asked, policy });
  return { before: under(today.policy), after: under(draft.policy) };
}

function ruled({ effect, rule }: Decision): Ruled {
  return { effect, rule };
}

/** The reduced form says nothing of places. */
function countriesOf({ jurisdiction }: DecidableReference): string[] {
  const named = [jurisdiction?.hosting, ...(jurisdiction?.concerned ?? []).map(({ country }) => country)];
  return [...new Set(named.filter((country) => country !== undefined))];
}
