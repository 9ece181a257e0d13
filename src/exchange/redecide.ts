import type { Decision, SendEffect } from '../domain/decision.ts';
import { type NewEvent, recordEvents, reservePositions } from '../store/feed.ts';
import { decidedByPerson } from '../store/held.ts';
import { type KnownReference, lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import {
  type Attempt,
  type Claimed,
  deliveryInsert,
  dropDeliveries,
  releaseDeliveries,
  settleAttempts,
  toldPairs,
} from '../store/outbox.ts';
import { reviseReferences } from '../store/references.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { matchKeys } from '../wire/match.ts';
import type { Exchange } from './context.ts';
import { decideOne, heldByGate, heldEvents } from './decide.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import { newNotice, voidedOf } from './queue.ts';
import { decisionRow, openReference, type ReferenceName } from './record.ts';
import { recall } from './withdraw.ts';

/**
 * Decides again what was queued under an older directory: a policy that narrowed, a deny that was added or a partner
 * that was suspended counts for everything that has not arrived yet, signed or not. It is the newest revision that is
 * decided on, under its lock, so that a revision in another process and this agree. What may still go is claimed again at
 * once; the rest ends here, with the new decision in the place of the old one, and its number is covered by a `voided`.
 */
export async function decideAgain(
  exchange: Exchange,
  issuer: string,
  claimed: readonly Claimed[],
  lease: string,
): Promise<void> {
  if (claimed.length === 0) return;
  await inTransaction(exchange.store.db, (trx) => decideWithin(exchange, trx, issuer, claimed, lease));
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
  const known = await lockReferences(trx, [...names.values()]);
  const persons = await decidedByPerson(trx, issuer, known);
  const decided = known.flatMap((row) => decideKnown(exchange, snapshot, partner, row, at, persons.get(row.id)));
  const effects = new Map(decided.map(({ name, decision }) => [name.id, decision.effect]));
  const idsOf = (wanted: (effect: string | undefined) => boolean) =>
    claimed.filter(({ reference_id: id }) => wanted(effects.get(id ?? ''))).map(({ id }) => id);
  await reviseReferences(
    trx,
    [],
    decided.map(({ row }) => row),
  );
  await releaseDeliveries(
    trx,
    idsOf((effect) => effect === 'send'),
    lease,
  );
  const stopped = idsOf((effect) => effect !== undefined && effect !== 'send');
  const dropped = await dropDeliveries(trx, stopped, lease, 'policy');
  const broken = claimed.filter(({ reference_id: id }) => !effects.has(id ?? ''));
  await settleAttempts(
    trx,
    broken.map(({ id }) => deadAttempt(id, lease, at)),
    at,
  );
  const withheld = decided.filter(({ decision }) => decision.effect === 'withhold').map(({ name }) => name);
  await recallWithheld(exchange, trx, issuer, withheld);
  await voidNumbers(exchange, trx, issuer, [...dropped, ...broken], at);
  const held = decided.flatMap(({ name, decision, urgency }) =>
    heldEvents(name, [{ partner: issuer, decision }], at, urgency),
  );
  await recordEvents(trx, [...held, ...broken.map((one) => deadEvent(one, issuer, at))]);
}

function nameOf(exchange: Exchange, { reference_id: id }: Claimed): ReferenceName {
  return { originator: exchange.self, id: id as string };
}

/** A partner that holds what it may not have any more is asked to give it up. */
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
function letPersonSpeak({ code, ...ruled }: Decision<SendEffect>): Decision<SendEffect> {
  if (ruled.effect === 'hold' && !heldByGate(ruled.trace)) return { ...ruled, effect: 'send' };
  return code === undefined ? ruled : { ...ruled, code };
}

/** Nothing for what cannot be read: a person sees it among the dead letters, and the others go on. */
function decideKnown(
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
    const ruled = decideOne(exchange, snapshot, partner, reference, matchKeys(reference.url));
    const decision = person === undefined ? ruled : letPersonSpeak(ruled);
    const made = { revision, basis: snapshot.version, at, ...(person !== undefined && { by: person }) };
    return [
      {
        name,
        decision,
        urgency: reference.urgency?.level,
        row: decisionRow(name, partner.facts.issuer, 'out', decision, made),
      },
    ];
  } catch (failure) {
    exchange.log.failure('delivery.undecided', failure, { partner: partner.facts.issuer });
    return [];
  }
}

function deadAttempt(id: string, lease: string, at: Date): Attempt {
  return { id, lease, state: 'dead', code: 'internal', nextAt: at };
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
  ended: readonly { id: string; epoch: string | null; n: number | null }[],
  at: Date,
): Promise<void> {
  const voids = voidedOf(
    ended.map((one) => ({ ...one, partner })),
    'policy',
  );
  if (voids.length === 0) return;
  let position = await reservePositions(trx, voids.length);
  const notices = voids.map(({ payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert(notices)]);
}
