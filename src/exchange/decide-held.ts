import type { CaseReference } from '../domain/contract.types.ts';
import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import {
  decideHeld,
  type Held,
  type HeldFilter,
  listHeld,
  lockHeld,
  openReferences,
  settleHeldMessages,
} from '../store/held.ts';
import { lockReferences } from '../store/messages.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert, type NewDelivery, toldPairs } from '../store/outbox.ts';
import { destroyReferences } from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { heldByGate } from './decide.ts';
import { laterReceipt } from './purge.ts';
import { newDelivery } from './queue.ts';
import { openReference } from './record.ts';
import { recallWithheld } from './redecide.ts';

export type Ruling = 'send' | 'withhold' | 'accept' | 'refuse';

export interface Decided {
  readonly decided: number;
  /** What a person may not release, because a gate and not a rule holds it. */
  readonly kept: readonly { readonly id: string; readonly partner: string; readonly rule: string }[];
}

const BATCH = 200;
const directions: Readonly<Record<Ruling, 'in' | 'out'>> = { send: 'out', withhold: 'out', accept: 'in', refuse: 'in' };

/** What waits for a person, the longest waiting first. */
export async function showHeld(exchange: Exchange, filter: HeldFilter, limit: number) {
  const rows = await listHeld(exchange.store.db, filter, limit);
  return rows.map(({ originator, id, partner, direction, rule, code, revision, decided_at }) => ({
    originator,
    id,
    partner,
    direction,
    rule,
    ...(code !== null && { code }),
    revision,
    since: isoInstant(decided_at.getTime()),
  }));
}

/**
 * Decides what is held, one reference or all that fit, in the place of the rule. `send` and `withhold` are for what would
 * go to a partner, `accept` and `refuse` for what came from one; the originator gets the receipt that follows.
 */
export async function decideHeldReferences(
  exchange: Exchange,
  filter: HeldFilter,
  then: Ruling,
  by: string,
): Promise<Decided | Refusal> {
  const kept: { id: string; partner: string; rule: string }[] = [];
  let decided = 0;
  let after: Held | undefined;
  do {
    const from = after;
    const batch = await inTransaction(exchange.store.db, (trx) => decideBatch(exchange, trx, filter, then, by, from));
    decided += batch.done;
    kept.push(...batch.kept);
    if (batch.done > 0) exchange.wake.outbox();
    after = batch.last;
  } while (after !== undefined);
  if (decided === 0 && kept.length === 0)
    return refuse('not-found', '', 'Nothing that fits is held.', 'List what is: caseref reference held.');
  return { decided, kept };
}

async function decideBatch(exchange: Exchange, trx: Trx, filter: HeldFilter, then: Ruling, by: string, after?: Held) {
  const found = await lockHeld(trx, filter, { direction: directions[then], limit: BATCH, after });
  const gated = then === 'send' ? found.filter(({ trace }) => heldByGate(trace)) : [];
  const held = found.filter((one) => !gated.includes(one));
  if (held.length > 0) await apply(exchange, trx, held, then, by);
  const kept = gated.map(({ id, partner, rule }) => ({ id, partner, rule }));
  return { done: held.length, kept, last: found.length < BATCH ? undefined : found.at(-1) };
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
  if (then === 'refuse') await destroyReferences(trx, held, 'purged', at);
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
      body: { effect: then },
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
