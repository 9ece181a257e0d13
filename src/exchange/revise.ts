import { isoInstant } from '../domain/instant.ts';
import { checkRevision } from '../domain/reference.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import { lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, partnersTold } from '../store/outbox.ts';
import { reviseReferences } from '../store/references.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { matchKeys } from '../wire/match.ts';
import type { Exchange } from './context.ts';
import { decideAll, heldEvents } from './decide.ts';
import { type Intake, readSubmission } from './intake.ts';
import { newDelivery } from './queue.ts';
import { decisionRow, openReference, ownerOf, revisedFacts, revisionRow } from './record.ts';
import { tooLarge } from './share.ts';
import type { Shared } from './sharing.ts';

export type Revise = (id: string, expected: number, input: unknown) => Promise<Shared | Refusal[]>;

/**
 * Replaces what an own reference says by a higher revision, everywhere it went: each partner is decided for anew, those
 * who hold it get `revised`, those who may have it only now get it for the first time. `expected` is the revision that
 * the caller read (If-Match); the address never changes.
 */
export function createRevise(exchange: Exchange): Revise {
  return async (id, expected, input) => {
    const intake = readSubmission(input, expected + 1, exchange.profile.loopback);
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
  if (!known) return [refuse('not-found')];
  if (!known.wrapped || !known.body) return [refuse('reference-withdrawn')];
  if (known.revision !== expected) return [refuse('precondition-failed')];
  const { wrapped, body, revision } = known;
  const before = openReference(exchange.vault, name, { wrapped, body, revision });
  const order = checkRevision(before, intake.reference);
  if (typeof order === 'object') return [order];
  const { reference } = intake;
  const at = new Date(exchange.clock());
  const decisions = decideAll(exchange, snapshot, reference, matchKeys(reference.url));
  const told = new Set(await partnersTold(trx, name));
  const going = decisions.filter(({ decision }) => decision.effect === 'send');
  const events: NewEvent[] = [
    { type: 'reference.revised', at, originator: name.originator, reference: id },
    ...heldEvents(name, decisions, at),
  ];
  let position = await reservePositions(trx, going.length + events.length);
  const key = exchange.vault.unwrap(wrapped, ownerOf(name));
  const rows = decisions.map(({ partner, decision }) =>
    decisionRow(name, partner, 'out', decision, { revision: reference.revision, basis: snapshot.version, at }),
  );
  await reviseReferences(trx, [{ ...name, state: known.state, ...revisedFacts(reference, at) }], rows);
  const deliveries = going.map(({ partner }) => {
    const event = told.has(partner) ? 'revised' : 'submitted';
    return newDelivery(exchange, name, { partner, event, reference, position: position++, at });
  });
  await insertAll(trx, [
    { table: 'reference_revision', rows: [revisionRow(exchange.vault, key, name, reference, { jti: null, at })] },
    deliveryInsert(deliveries),
    eventInsert(events, position),
  ]);
  return {
    id,
    reference,
    createdAt: isoInstant(at.getTime()),
    decisions,
    duplicates: [],
    normalised: intake.normalised,
    replayed: false,
  };
}
