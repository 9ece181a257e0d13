import { isoInstant } from '../domain/instant.ts';
import { checkRevision } from '../domain/reference.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { wakeCases } from '../store/case.ts';
import { eventInsert, type NewEvent, raiseFor, reservePositions } from '../store/feed.ts';
import { partnersTold } from '../store/may-hold.ts';
import { type KnownReference, lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, dropSuperseded } from '../store/outbox.ts';
import { isClosed } from '../store/recall.ts';
import { reviseReferences } from '../store/references.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { matchKeys } from '../wire/match.ts';
import { noticeOf } from './case/notice.ts';
import type { Exchange } from './context.ts';
import { decideAll, heldEvents } from './decide.ts';
import { duplicatesOf } from './duplicates.ts';
import { alertHeldThere } from './held-there.ts';
import { type Intake, readSubmission } from './intake.ts';
import { newDelivery, newNotice, voidedOf } from './queue.ts';
import {
  decisionRow,
  macsOf,
  openReference,
  ownerOf,
  type ReferenceName,
  revisedFacts,
  revisionRow,
} from './record.ts';
import { tooLarge } from './share.ts';
import type { PartnerDecision, Shared } from './sharing.ts';
import { recall } from './withdraw.ts';

export type Revise = (id: string, expected: number, input: unknown) => Promise<Shared | Refusal[]>;

/**
 * Replaces what an own reference says by a higher revision, everywhere it went: each partner is decided for anew, those
 * who hold it get `revised`, those who may have it only now get it for the first time. `expected` is the revision that
 * the caller read (If-Match); the address never changes.
 */
export function createRevise(exchange: Exchange): Revise {
  return async (id, expected, input) => {
    const { codes: lists } = await exchange.directory.current();
    const intake = readSubmission(input, expected + 1, { ...exchange.profile, lists });
    if (Array.isArray(intake)) return intake;
    if (intake.id !== undefined && intake.id !== id) {
      return [
        refuse(
          'schema-invalid',
          '/id',
          'The id is not that of the path.',
          'Leave "id" out, or repeat that of the path.',
        ),
      ];
    }
    const large = tooLarge(intake.reference);
    if (large) return [large];
    const answer = await inTransaction(exchange.store.db, (trx) => reviseWithin(exchange, trx, id, expected, intake));
    exchange.wake.outbox();
    return answer;
  };
}

/** The wrapped data key of a reference that may become what was sent, or why it may not. */
function revisable(
  exchange: Exchange,
  known: KnownReference | undefined,
  expected: number,
  intake: Intake,
): (KnownReference & { wrapped: Buffer }) | Refusal {
  if (!known) return refuse('not-found');
  const { wrapped, body, revision, state } = known;
  if (!wrapped || !body || isClosed(state)) return refuse('reference-withdrawn');
  if (revision !== expected) return refuse('precondition-failed');
  const order = checkRevision(openReference(exchange.vault, known, { wrapped, body, revision }), intake.reference);
  return typeof order === 'object' ? order : { ...known, wrapped };
}

/** Asks those who hold the reference and may not have it any more to give it up. */
async function recallLost(
  exchange: Exchange,
  trx: Trx,
  name: ReferenceName,
  decisions: readonly PartnerDecision[],
  told: ReadonlySet<string>,
): Promise<void> {
  const lost = decisions.filter(({ partner, decision }) => told.has(partner) && decision.effect === 'withhold');
  const partners = lost.map(({ partner }) => partner);
  if (partners.length > 0) await recall(exchange, trx, name, partners, { reason: 'superseded', purge: true });
}

async function reviseWithin(
  exchange: Exchange,
  trx: Trx,
  id: string,
  expected: number,
  intake: Intake,
): Promise<Shared | Refusal[]> {
  const name = { originator: exchange.self, id };
  const snapshot = await exchange.directory.within(trx);
  const [known] = await lockReferences(trx, [name]);
  const ready = revisable(exchange, known, expected, intake);
  if (isRefusal(ready)) return [ready];
  const { reference } = intake;
  const at = new Date(exchange.clock());
  const notice = noticeOf(reference.marking, ready);
  const decisions = decideAll(exchange, snapshot, reference, matchKeys(reference.url), notice);
  await dropSuperseded(trx, name, 'unnumbered', at);
  const told = new Set(await partnersTold(trx, name));
  // What had a number may be there already: who may have it is told of the revision, and the number is covered.
  const overtaken = await dropSuperseded(trx, name, 'numbered', at);
  await recallLost(exchange, trx, name, decisions, told);
  const ruled = decisions.map((one) => ({ name, ...one }));
  await alertHeldThere(exchange, trx, ruled, at);
  const going = decisions.filter(({ decision }) => decision.effect === 'send');
  const about = { at, originator: name.originator, reference: id };
  const events: NewEvent[] = [
    { type: 'reference.revised', ...about },
    ...heldEvents(name, decisions, at, reference.urgency?.level),
  ];
  const voids = voidedOf(overtaken, 'dropped');
  let position = await reservePositions(trx, voids.length + going.length + events.length);
  const key = exchange.vault.unwrap(ready.wrapped, ownerOf(name));
  const rows = decisions.map(({ partner, decision }) =>
    decisionRow(name, partner, 'out', decision, { revision: reference.revision, basis: snapshot.version, at }),
  );
  await reviseReferences(
    trx,
    [
      {
        ...name,
        state: ready.state,
        ...revisedFacts(reference, { at, arrivedAt: ready.created_at, ceilingDays: exchange.settings.retainDays }),
      },
    ],
    rows,
  );
  const deliveries = going.map(({ partner }) => {
    const event = told.has(partner) ? 'revised' : 'submitted';
    return newDelivery(exchange, name, { partner, event, reference, position: position++, at });
  });
  const voided = voids.map(({ partner, payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [
    { table: 'reference_revision', rows: [revisionRow(exchange.vault, key, name, reference, { jti: null, at })] },
    deliveryInsert([...voided, ...deliveries]),
    eventInsert(events, position),
  ]);
  await raiseFor(trx, events);
  await wakeCases(trx, [name], at);
  return {
    id,
    reference,
    createdAt: isoInstant(at.getTime()),
    decisions,
    ...(await duplicatesNow(exchange, trx, ready, reference)),
    normalised: intake.normalised,
    replayed: false,
  };
}

/** What is known of its address now; the address is the one that it had. */
function duplicatesNow(
  exchange: Exchange,
  trx: Trx,
  { originator, id, state }: KnownReference,
  { url }: { url: string },
) {
  return duplicatesOf(trx, { originator, id, state, macs: macsOf(exchange.vault, matchKeys(url)) });
}
