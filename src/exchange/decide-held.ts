import type { CaseReference } from '../domain/contract.types.ts';
import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { wakeCases } from '../store/case.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import {
  acceptedRevisions,
  countHeld,
  decideHeld,
  type Held,
  type HeldFilter,
  listHeld,
  lockHeld,
  openReferences,
  restoreRevisions,
  settleHeldMessages,
  standingsOf,
} from '../store/held.ts';
import { toldPairs } from '../store/may-hold.ts';
import { lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, type NewDelivery } from '../store/outbox.ts';
import { destroyReferences } from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { heldByGate } from './decide.ts';
import { laterReceipt } from './purge.ts';
import { newDelivery } from './queue.ts';
import { openContent, openReference, ownerOf, type ReferenceName, revisedFacts } from './record.ts';
import { decideKnown, recallWithheld } from './redecide.ts';

export type Ruling = 'send' | 'withhold' | 'accept' | 'refuse';

/** What became of one reference that a decision was about. */
export interface Ruled {
  readonly originator: string;
  readonly id: string;
  readonly partner: string;
  /**
   * `kept`: a gate and not a rule holds it, which no person passes over; `not-held`: somebody decided it before, or nothing
   * ever held it; `busy`: it is being changed at this moment.
   */
  readonly outcome: 'decided' | 'kept' | 'not-held' | 'busy';
  /** The rule that held it, or the gate that still does. */
  readonly rule?: string;
  /** Of what is not held: how it stands, and by whose decision. */
  readonly effect?: string;
  readonly decidedBy?: string;
}

export interface Decided {
  readonly decided: number;
  /** What a person may not release, because a gate and not a rule holds it; the first of them are listed. */
  readonly kept: readonly { readonly id: string; readonly partner: string; readonly rule: string }[];
  /** How many those are altogether. */
  readonly keptCount: number;
  /** The first of all that was looked at, one by one. */
  readonly results: readonly Ruled[];
  /** How many more there were than are listed. */
  readonly unlisted: number;
  /** How many of those that fit still wait, the kept ones included. */
  readonly remaining: number;
}

const BATCH = 200;
/** Results that one answer lists. */
export const MOST_LISTED = 500;
const HOUR = 3_600_000;
/** A decision that waits longer than this is overdue. */
const DECIDE_HOURS = 24;

/** Whose place a decision is in: what would go to a partner, or what came from one. */
export const directionOf: Readonly<Record<Ruling, 'in' | 'out'>> = {
  send: 'out',
  withhold: 'out',
  accept: 'in',
  refuse: 'in',
};

/** From when on what waits is overdue. */
export function overdueBefore(exchange: Exchange): Date {
  return new Date(exchange.clock() - DECIDE_HOURS * HOUR);
}

/** What waits for a person, the longest waiting first; ages in whole hours. */
export async function showHeld(exchange: Exchange, filter: HeldFilter, limit: number) {
  const rows = await listHeld(exchange.store.db, filter, limit);
  const before = overdueBefore(exchange);
  return rows.map(({ originator, id, partner, direction, rule, code, revision, decided_at, urgency, suspect }) => ({
    originator,
    id,
    partner,
    direction,
    rule,
    ...(code !== null && { code }),
    revision,
    since: isoInstant(decided_at.getTime()),
    hours: Math.max(0, Math.floor((exchange.clock() - decided_at.getTime()) / HOUR)),
    overdue: decided_at < before || urgency === 'emergency',
    ...(urgency !== 'routine' && { urgency }),
    ...(suspect && { suspect }),
  }));
}

/** How many decisions wait, and how many of them are overdue. */
export function tallyHeld(exchange: Exchange, filter: HeldFilter) {
  return countHeld(exchange.store.db, filter, overdueBefore(exchange));
}

/**
 * Decides what is held, one reference or all that fit, in the place of the rule. `send` and `withhold` are for what would
 * go to a partner, `accept` and `refuse` for what came from one; the originator gets the receipt that follows. `by` says
 * who decided, `limit` how many at most. Two people at once: each reference is decided by one of them.
 */
export async function decideHeldReferences(
  exchange: Exchange,
  filter: HeldFilter,
  then: Ruling,
  by: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<Decided | Refusal> {
  const kept: Held[] = [];
  const done: Held[] = [];
  let counts = { decided: 0, kept: 0 };
  let after: Held | undefined;
  do {
    const from = after;
    const most = Math.min(BATCH, limit - counts.decided);
    const batch = await inTransaction(exchange.store.db, (trx) =>
      decideBatch(exchange, trx, filter, { then, by, most, after: from }),
    );
    counts = { decided: counts.decided + batch.done.length, kept: counts.kept + batch.kept.length };
    done.push(...batch.done.slice(0, MOST_LISTED - done.length));
    kept.push(...batch.kept.slice(0, MOST_LISTED - kept.length));
    if (batch.done.length > 0) exchange.wake.outbox();
    after = batch.last;
  } while (after !== undefined && counts.decided < limit);
  const others = await notHeld(exchange, filter, then, [...done, ...kept]);
  if (counts.decided + counts.kept === 0) {
    const nothing = nothingHeld(others);
    if (nothing) return nothing;
  }
  const results = [...done.map(ruled('decided')), ...kept.map(ruled('kept')), ...others];
  const { waiting } = await countHeld(exchange.store.db, { ...filter, direction: directionOf[then] }, new Date(0));
  return {
    decided: counts.decided,
    kept: kept.map(({ id, partner, rule }) => ({ id, partner, rule })),
    keptCount: counts.kept,
    results: results.slice(0, MOST_LISTED),
    unlisted: counts.decided + counts.kept + others.length - Math.min(results.length, MOST_LISTED),
    remaining: waiting,
  };
}

function ruled(outcome: 'decided' | 'kept') {
  return ({ originator, id, partner, rule }: Held): Ruled => ({ originator, id, partner, outcome, rule });
}

/** Of references that were named one by one, how those stand that were not held. */
async function notHeld(
  exchange: Exchange,
  { partner, names = [] }: HeldFilter,
  then: Ruling,
  seen: readonly ReferenceName[],
): Promise<Ruled[]> {
  const found = new Set(seen.map(ownerOf));
  const left = names.filter((name) => !found.has(ownerOf(name)));
  if (partner === undefined || left.length === 0) return [];
  const given = { partner, direction: directionOf[then], names: left };
  const standings = await standingsOf(exchange.store.db, given);
  const standing = new Map(standings.map((one) => [ownerOf(one), one]));
  return left.map(({ originator, id }): Ruled => {
    const one = standing.get(ownerOf({ originator, id }));
    const outcome = one?.effect === 'hold' ? 'busy' : 'not-held';
    const decidedBy = one?.decided_by ?? undefined;
    return { originator, id, partner, outcome, ...(one && { effect: one.effect }), ...(decidedBy && { decidedBy }) };
  });
}

function nothingHeld(others: readonly Ruled[]): Refusal | undefined {
  const decided = others.find(({ effect }) => effect !== undefined);
  if (!decided) return refuse('not-found', '', 'Nothing that fits is held.', 'List what is: caseref reference held.');
  if (others.some(({ outcome }) => outcome === 'busy')) return undefined;
  const by = decided.decidedBy === undefined ? '' : ` by ${decided.decidedBy}`;
  const message = `None of them is held any more: ${decided.id} stands at ${decided.effect}${by}.`;
  return refuse('state-conflict', '/references', message, 'Look at each: caseref reference show ID.');
}

async function decideBatch(
  exchange: Exchange,
  trx: Trx,
  filter: HeldFilter,
  { then, by, most, after }: { then: Ruling; by: string; most: number; after: Held | undefined },
) {
  const found = await lockHeld(trx, filter, { direction: directionOf[then], limit: most, after });
  const gated = then === 'send' ? await gatedNow(exchange, trx, found) : [];
  const stays = new Set(gated.map((one) => `${one.partner} ${ownerOf(one)}`));
  const held = found.filter((one) => !stays.has(`${one.partner} ${ownerOf(one)}`));
  if (held.length > 0) await apply(exchange, trx, held, then, by);
  return { done: held, kept: gated, last: found.length < most ? undefined : found.at(-1) };
}

/**
 * What no person can send at this moment, each with what stands in the way now: a gate, a deny, or that nobody can read it.
 * Asked anew: a review may have fallen due since, or a partner been suspended.
 */
async function gatedNow(exchange: Exchange, trx: Trx, found: readonly Held[]): Promise<Held[]> {
  const { partners, ...rest } = await exchange.directory.within(trx);
  const rows = new Map((await lockReferences(trx, found)).map((row) => [ownerOf(row), row]));
  const at = new Date(exchange.clock());
  return found.flatMap((one) => {
    const partner = partners.get(one.partner);
    const row = rows.get(ownerOf(one));
    if (!partner || !row) return [one];
    const [known] = decideKnown(exchange, { partners, ...rest }, partner, row, at, undefined);
    if (!known) return [one];
    const { effect, trace, rule } = known.decision;
    return effect === 'withhold' || heldByGate(trace) ? [{ ...one, rule }] : [];
  });
}

async function apply(exchange: Exchange, trx: Trx, held: readonly Held[], then: Ruling, by: string): Promise<void> {
  const at = new Date(exchange.clock());
  await decideHeld(trx, held, { effect: then, by, at });
  const messages =
    then === 'accept'
      ? await settleHeldMessages(trx, held, 'accepted')
      : then === 'refuse'
        ? await settleHeldMessages(trx, held, 'refused')
        : [];
  if (then === 'accept') await openReferences(trx, held, at);
  if (then === 'refuse') await refuseRevisions(exchange, trx, held, at);
  if (then === 'withhold') {
    for (const [partner, group] of Map.groupBy(held, (one) => one.partner))
      await recallWithheld(exchange, trx, partner, group);
  }
  const told = then === 'send' ? await toldPairs(trx, exchange.self, held) : new Set<string>();
  const contents = then === 'send' ? await contentsOf(exchange, trx, held) : new Map<string, CaseReference>();
  const events = held.map(
    ({ originator, id, partner }): NewEvent => ({
      type: 'decision.made',
      at,
      originator,
      reference: id,
      partner,
      body: { effect: then, by },
    }),
  );
  let position = await reservePositions(trx, messages.length + contents.size + held.length + events.length);
  const outcome = then === 'accept' ? { outcome: 'accepted' } : { outcome: 'refused', code: 'policy-refused' };
  const receipts = messages.map((message) => laterReceipt(exchange, message, outcome, position++, at));
  const deliveries: NewDelivery[] = [];
  for (const { originator, id, partner } of then === 'send' ? held : []) {
    const reference = contents.get(id);
    if (!reference) continue;
    deliveries.push(
      newDelivery(
        exchange,
        { originator, id },
        { partner, event: told.has(`${id} ${partner}`) ? 'revised' : 'submitted', reference, position: position++, at },
      ),
    );
  }
  await insertAll(trx, [deliveryInsert([...receipts, ...deliveries]), eventInsert(events, position)]);
  await wakeCases(trx, held, at);
}

/** Erases what is refused; where an earlier revision had been accepted, that one stays as it was and only the later ones go. */
async function refuseRevisions(exchange: Exchange, trx: Trx, held: readonly Held[], at: Date): Promise<void> {
  const accepted = await acceptedRevisions(trx, held);
  const { retainDays: ceilingDays } = exchange.settings;
  const facts = accepted.map((row) => {
    const { originator, id, created_at: arrivedAt } = row;
    const reference = openContent(exchange.vault, row, row);
    return { originator, id, ...revisedFacts(reference, { at, arrivedAt, ceilingDays }) };
  });
  await restoreRevisions(trx, facts);
  const stays = new Set(accepted.map(ownerOf));
  await destroyReferences(
    trx,
    held.filter((one) => !stays.has(ownerOf(one))),
    'purged',
    at,
  );
}

/** The newest revision of each. */
async function contentsOf(exchange: Exchange, trx: Trx, held: readonly Held[]): Promise<Map<string, CaseReference>> {
  const names = [...new Map(held.map(({ originator, id }) => [id, { originator, id }])).values()];
  const contents = new Map<string, CaseReference>();
  for (const { originator, id, revision, wrapped, body } of await lockReferences(trx, names)) {
    if (wrapped && body)
      contents.set(id, openReference(exchange.vault, { originator, id }, { revision, body, wrapped }));
  }
  return contents;
}
