import { wakeCases } from '../store/case.ts';
import { type NewEvent, recordEvents, reservePositions } from '../store/feed.ts';
import { madeWhileAway } from '../store/held.ts';
import { toldPairs } from '../store/may-hold.ts';
import { lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { isClosed } from '../store/recall.ts';
import { reviseReferences } from '../store/references.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { heldEvents } from './decide.ts';
import { alertHeldThere } from './held-there.ts';
import { newDelivery } from './queue.ts';
import { decideKnown, recallWithheld } from './redecide.ts';
import { every, type Ticking } from './ticking.ts';

const BATCH = 200;

/**
 * Decides again what was decided while a partner was pending or suspended, as soon as it is active and has a policy: what
 * may go then goes by itself, in the order of any other. What a person decided stays as that person decided it. Each batch
 * is a transaction of its own, so an interruption leaves the rest for the next look, in this process or another.
 * @returns how many decisions were made again.
 */
export async function reconsider(exchange: Exchange): Promise<number> {
  const { partners } = await exchange.directory.within(exchange.store.db);
  let made = 0;
  for (const { facts, state, policy } of partners.values()) {
    if (state === 'active' && policy) made += await reconsiderFor(exchange, facts.issuer);
  }
  return made;
}

async function reconsiderFor(exchange: Exchange, issuer: string): Promise<number> {
  let made = 0;
  let after: string | undefined;
  do {
    const from = after;
    const batch = await inTransaction(exchange.store.db, (trx) => reconsiderBatch(exchange, trx, issuer, from));
    made += batch.made;
    after = batch.next;
    if (batch.made > 0) exchange.wake.outbox();
  } while (after !== undefined);
  return made;
}

async function reconsiderBatch(exchange: Exchange, trx: Trx, issuer: string, after: string | undefined) {
  const found = await madeWhileAway(trx, issuer, after, BATCH);
  const next = found.length < BATCH ? undefined : found.at(-1)?.id;
  const snapshot = await exchange.directory.within(trx);
  const partner = snapshot.partners.get(issuer);
  if (found.length === 0 || partner?.state !== 'active') return { made: 0, next: undefined };
  const locked = await lockReferences(trx, found);
  // Under the locks: what a person, a revision or another process decided meanwhile is not decided here.
  const still = new Set((await madeWhileAway(trx, issuer, after, BATCH)).map(({ id }) => id));
  const at = new Date(exchange.clock());
  const known = locked.filter(({ id, state }) => still.has(id) && !isClosed(state));
  const decided = known.flatMap((row) => {
    const made = decideKnown(exchange, snapshot, partner, row, at, undefined);
    return made.map((one) => ({ ...one, revision: row.revision }));
  });
  await reviseReferences(
    trx,
    [],
    decided.map(({ row }) => row),
  );
  const pairs = decided.map(({ name }) => ({ id: name.id, partner: issuer }));
  const told = await toldPairs(trx, exchange.self, pairs);
  const lost = decided.filter(({ decision }) => decision.effect === 'withhold').map(({ name }) => name);
  await recallWithheld(exchange, trx, issuer, lost);
  await alertHeldThere(
    exchange,
    trx,
    decided.map(({ name, decision }) => ({ name, partner: issuer, decision })),
    at,
  );
  const going = decided.filter(({ decision }) => decision.effect === 'send');
  let position = await reservePositions(trx, going.length);
  const deliveries = going.map(({ name, reference }) => {
    const event = told.has(`${name.id} ${issuer}`) ? 'revised' : 'submitted';
    return newDelivery(exchange, name, { partner: issuer, event, reference, position: position++, at });
  });
  await insertAll(trx, [deliveryInsert(deliveries)]);
  await wakeCases(
    trx,
    going.map(({ name }) => name),
    at,
  );
  await recordEvents(
    trx,
    decided.flatMap(({ name, decision, urgency }): NewEvent[] => [
      { type: 'decision.made', at, ...eventName(name), partner: issuer, body: { effect: decision.effect } },
      ...heldEvents(name, [{ partner: issuer, decision }], at, urgency),
    ]),
  );
  return { made: decided.length, next };
}

function eventName({ originator, id }: { readonly originator: string; readonly id: string }) {
  return { originator, reference: id };
}

const TICK_MS = 1000;
/** A submission that saw the partner suspended may commit after its return: looked for at every so many looks. */
const EVERY = 60;

/** One look at a time: decides again whenever partners or policies have changed since the last, and now and then. */
export function createReconsidering(exchange: Exchange): () => Promise<void> {
  let seen: number | undefined;
  let looks = 0;
  return async () => {
    const { version } = await exchange.directory.current();
    looks += 1;
    if (version === seen && looks % EVERY !== 0) return;
    await reconsider(exchange);
    seen = version;
  };
}

/** Looks every second; `stop` waits for a look that is under way. */
export function startReconsidering(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'reconsider.failed' }, createReconsidering(exchange));
}
