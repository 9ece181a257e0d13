import type { Decision, SendEffect } from '../domain/decision.ts';
import { type NewEvent, recordEvents, reservePositions } from '../store/feed.ts';
import { decidedByPerson } from '../store/held.ts';
import { toldPairs } from '../store/may-hold.ts';
import { type KnownReference, lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { type Claimed, deliveryInsert, endClaimed, releaseDeliveries, restDeliveries } from '../store/outbox.ts';
import { closedReason, isClosed } from '../store/recall.ts';
import { reviseReferences } from '../store/references.ts';
import { surelyThere } from '../store/replay.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { closedByReceipt } from '../store/unknown-receipts.ts';
import { matchKeys } from '../wire/match.ts';
import { noticeOf } from './case/notice.ts';
import { endUntold } from './case/untold.ts';
import type { Exchange } from './context.ts';
import { coverNumbers, type Uncovered } from './cover.ts';
import { decideOne, heldByGate, heldEvents } from './decide.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { alertHeldThere } from './held-there.ts';
import { newDelivery, newNotice, voidedOf } from './queue.ts';
import { decisionRow, openReference, type ReferenceName } from './record.ts';
import { saysTheSame } from './same-disclosure.ts';
import { openSigned } from './seal.ts';
import { recall } from './withdraw.ts';

/**
 * Decides again what was queued under an older directory, on another day or for an older revision: a policy that narrowed, a
 * deny that was added or a reference that was taken back counts for everything that has not arrived yet, signed or not. It
 * is the newest revision that is decided on, under its lock, so that a revision in another process and this agree. What may
 * still go is claimed again at once; bytes that say what may not be said any more are made anew under a new jti; the rest
 * ends here, with the new decision in the place of the old one, and its number is covered by a `voided`. What is said about a
 * reference goes where the reference may go.
 */
export async function decideAgain(
  exchange: Exchange,
  issuer: string,
  claimed: readonly Claimed[],
  lease: string,
): Promise<void> {
  const said = claimed.filter(({ statement_id }) => statement_id !== null);
  const carried = claimed.filter(({ statement_id }) => statement_id === null);
  if (said.length > 0) await inTransaction(exchange.store.db, (trx) => endUntold(exchange, trx, issuer, said, lease));
  if (carried.length === 0) return;
  await inTransaction(exchange.store.db, (trx) => decideWithin(exchange, trx, issuer, carried, lease));
}

/**
 * What becomes of a claimed delivery: it `goes`, its bytes are made `again`, it `waits` for the operator since its reference is
 * closed by somebody's word, it is `superseded` by a revision that was decided on when it was made, it is `over`, or it is
 * `broken`: nobody can read what it is about.
 */
type Fate = 'goes' | 'again' | 'waits' | 'superseded' | 'over' | 'broken';
type Known = ReturnType<typeof decideKnown>[number];

function fateOf(
  exchange: Exchange,
  partner: PartnerEntry,
  delivery: Claimed,
  row?: KnownReference,
  known?: Known,
): Fate {
  if (row && isClosed(row.state)) return 'over';
  if (row && delivery.revision !== row.revision) return 'superseded';
  if (!row || !known) return 'broken';
  const { decision, reference, notice } = known;
  if (decision.effect !== 'send') return 'over';
  if (delivery.digest === null) return 'goes';
  try {
    return saysTheSame(openSigned(exchange, delivery), { reference, decision, partner, notice }) ? 'goes' : 'again';
  } catch (failure) {
    exchange.log.failure('delivery.undecided', failure, { partner: partner.facts.issuer });
    return 'broken';
  }
}

async function decideWithin(
  exchange: Exchange,
  trx: Trx,
  issuer: string,
  claimed: readonly Claimed[],
  lease: string,
): Promise<void> {
  const snapshot = await exchange.directory.within(trx);
  const partner = snapshot.partners.get(issuer);
  if (!partner) return;
  const at = new Date(exchange.clock());
  const names = new Map(claimed.map((delivery) => [delivery.reference_id, nameOf(exchange, delivery)]));
  const rows = new Map((await lockReferences(trx, [...names.values()])).map((row) => [row.id, row]));
  const closed = await closedByReceipt(trx, exchange.self, [...rows.keys()]);
  const decided = await decideCurrent(exchange, trx, { snapshot, partner, claimed, rows, at });
  const fates = Map.groupBy(claimed, (delivery) => {
    const id = delivery.reference_id ?? '';
    if (closed.has(id)) return 'waits';
    return fateOf(exchange, partner, delivery, rows.get(id), decided.get(id));
  });
  const idsOf = (deliveries: readonly Claimed[] = []) => deliveries.map(({ id }) => id);
  await releaseDeliveries(trx, idsOf(fates.get('goes')), lease, snapshot.version);
  await releaseDeliveries(trx, idsOf(fates.get('waits')), lease);
  const superseded = fates.get('superseded') ?? [];
  const ruledOut = [...(fates.get('over') ?? []), ...(fates.get('again') ?? [])];
  // What the partner took is evidence: it stays as it is. Where it asks for it again, it learns that this will not come.
  const unreadable = fates.get('broken') ?? [];
  const resting = [...superseded, ...ruledOut, ...unreadable.filter(({ replayed }) => replayed)].filter(
    ({ sent_at }) => sent_at !== null,
  );
  await restDeliveries(trx, idsOf(resting), lease);
  await coverReplayed(exchange, trx, issuer, resting, { rows, decided, at });
  const unsent = (deliveries: readonly Claimed[]) => idsOf(deliveries.filter(({ sent_at }) => sent_at === null));
  const replaced = await endClaimed(trx, unsent(superseded), lease, { state: 'dropped', code: 'superseded' });
  const dropped = await endClaimed(trx, unsent(ruledOut), lease, { state: 'dropped', code: 'policy' });
  const unread = unreadable.filter((delivery) => !resting.includes(delivery));
  const buried = await endClaimed(trx, idsOf(unread), lease, { state: 'dead', code: 'internal' });
  // What a purge or withdrawal ended meanwhile is covered by its own `voided`: a number must not be voided twice.
  const broken = unread.filter(({ id }) => buried.some((one) => one.id === id));
  const known = [...decided.values()];
  const withheld = known.filter(({ decision }) => decision.effect === 'withhold').map(({ name }) => name);
  await recallWithheld(exchange, trx, issuer, withheld);
  await alertHeldThere(
    exchange,
    trx,
    known.map(({ name, decision }) => ({ name, partner: issuer, decision })),
    at,
  );
  await voidNumbers(exchange, trx, issuer, { ended: replaced, reason: 'dropped', at });
  await voidNumbers(exchange, trx, issuer, { ended: [...dropped, ...buried], reason: 'policy', at });
  const asked = fates.get('again') ?? [];
  const there = await surelyThere(trx, idsOf(asked.filter(({ replayed }) => replayed)));
  const anew = asked.filter(({ id, sent_at, replayed }) => sent_at === null || (replayed && !there.has(id)));
  await queueAnew(exchange, trx, issuer, anew, decided, at);
  const held = known.flatMap(({ name, decision, urgency }) =>
    heldEvents(name, [{ partner: issuer, decision }], at, urgency),
  );
  await recordEvents(trx, [...held, ...broken.map((one) => deadEvent(one, issuer, at))]);
}

interface Undecided {
  readonly snapshot: Snapshot;
  readonly partner: PartnerEntry;
  readonly claimed: readonly Claimed[];
  readonly rows: ReadonlyMap<string, KnownReference>;
  readonly at: Date;
}

/**
 * Decides on the references that still say what waits. What a revision has overtaken is no reason to decide on that one: its
 * own decision stands until it is claimed itself, a person answers or the partner is back, and whoever decides on it sends it.
 */
async function decideCurrent(
  exchange: Exchange,
  trx: Trx,
  { snapshot, partner, claimed, rows, at }: Undecided,
): Promise<ReadonlyMap<string, Known>> {
  const current = claimed.flatMap(({ reference_id: id, revision }) => {
    const row = rows.get(id ?? '');
    return row && row.revision === revision && !isClosed(row.state) ? [row] : [];
  });
  const open = [...new Set(current)];
  const persons = await decidedByPerson(trx, partner.facts.issuer, open);
  const known = open.flatMap((row) => decideKnown(exchange, snapshot, partner, row, at, persons.get(row.id)));
  await reviseReferences(
    trx,
    [],
    known.map(({ row }) => row),
  );
  return new Map(known.map((one) => [one.name.id, one]));
}

interface Redecided {
  readonly rows: ReadonlyMap<string, KnownReference>;
  readonly decided: ReadonlyMap<string, Known>;
  readonly at: Date;
}

/** Covers the numbers of what a partner asked for once more and does not get. */
async function coverReplayed(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  rested: readonly Claimed[],
  { rows, decided, at }: Redecided,
): Promise<void> {
  const streams = Map.groupBy(
    rested.filter(({ replayed, n }) => replayed && n !== null),
    ({ epoch }) => epoch ?? '',
  );
  for (const [epoch, ended] of streams) {
    const numbers = ended.map(({ n, revision, reference_id: id }): Uncovered => {
      const row = rows.get(id ?? '');
      // A newer revision says everything; what is no revision's fault is the policy's.
      const superseded = row === undefined || row.revision !== revision || !decided.has(id ?? '');
      return { n: n ?? 0, reason: closedReason(row?.state ?? null) ?? (superseded ? 'dropped' : 'policy') };
    });
    await coverNumbers(exchange, trx, { partner, epoch }, numbers, at);
  }
}

/** A corrected message has a new jti (protocol, "Receipts"). */
async function queueAnew(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  ended: readonly Claimed[],
  decided: ReadonlyMap<string, Known>,
  at: Date,
): Promise<void> {
  if (ended.length === 0) return;
  let position = await reservePositions(trx, ended.length);
  const deliveries = ended.flatMap(({ event, reference_id: id }) => {
    const known = decided.get(id ?? '');
    if (!known) return [];
    const message = { partner, event: event as 'submitted' | 'revised', reference: known.reference, at };
    return [newDelivery(exchange, known.name, { ...message, position: position++ })];
  });
  await insertAll(trx, [deliveryInsert(deliveries)]);
}

function nameOf(exchange: Exchange, { reference_id: id }: Claimed): ReferenceName {
  return { originator: exchange.self, id: id as string };
}

/** A partner that holds what it may not have any more, or may hold it, is asked to give it up. */
export async function recallWithheld(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  names: readonly ReferenceName[],
): Promise<void> {
  if (names.length === 0) return;
  const pairs = names.map(({ id }) => ({ id, partner }));
  const told = await toldPairs(trx, exchange.self, pairs);
  for (const name of names) {
    if (told.has(`${name.id} ${partner}`))
      await recall(exchange, trx, name, [partner], { reason: 'superseded', purge: true });
  }
}

/** What a person sent stays sent while only a rule says hold; a deny or a gate that has come since counts for it too. */
export function letPersonSpeak({ code, ...ruled }: Decision<SendEffect>): Decision<SendEffect> {
  if (ruled.effect === 'hold' && !heldByGate(ruled.trace)) return { ...ruled, effect: 'send' };
  return code === undefined ? ruled : { ...ruled, code };
}

/** Nothing for what cannot be read: a person sees it among the dead letters, and the others go on. */
export function decideKnown(
  exchange: Exchange,
  snapshot: Snapshot,
  partner: PartnerEntry,
  row: KnownReference,
  at: Date,
  person: string | undefined,
) {
  const name = { originator: row.originator, id: row.id };
  try {
    const { wrapped, body, revision } = row;
    if (!wrapped || !body) return [];
    const reference = openReference(exchange.vault, name, { wrapped, body, revision });
    const notice = noticeOf(reference.marking, row);
    const ruled = decideOne(exchange, snapshot, partner, reference, matchKeys(reference.url), notice);
    const decision = person === undefined ? ruled : letPersonSpeak(ruled);
    const made = { revision, basis: snapshot.version, at, ...(person !== undefined && { by: person }) };
    return [
      {
        name,
        decision,
        reference,
        notice,
        urgency: reference.urgency?.level,
        row: decisionRow(name, partner.facts.issuer, 'out', decision, made),
      },
    ];
  } catch (failure) {
    exchange.log.failure('delivery.undecided', failure, { partner: partner.facts.issuer });
    return [];
  }
}

function deadEvent({ jti, originator, reference_id }: Claimed, partner: string, at: Date): NewEvent {
  return {
    type: 'delivery.dead',
    at,
    partner,
    jti,
    code: 'internal',
    originator: originator ?? undefined,
    reference: reference_id ?? undefined,
  };
}

/** Covers numbers that will never arrive by one message for each epoch. */
async function voidNumbers(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  {
    ended,
    reason,
    at,
  }: {
    readonly ended: readonly { id: string; epoch: string | null; n: number | null }[];
    readonly reason: 'dropped' | 'policy';
    readonly at: Date;
  },
): Promise<void> {
  const voids = voidedOf(
    ended.map((one) => ({ ...one, partner })),
    reason,
  );
  if (voids.length === 0) return;
  let position = await reservePositions(trx, voids.length);
  const notices = voids.map(({ payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert(notices)]);
}
