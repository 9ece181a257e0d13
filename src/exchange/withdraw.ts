import { codes } from '../domain/codes.ts';
import type { Withdrawn } from '../domain/contract.types.ts';
import { guard } from '../domain/guard.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { eventInsert, type NewEvent, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import {
  cancelUnsent,
  lockOne,
  openOfReport,
  partnersHolding,
  partnersRecalled,
  sealReferences,
} from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { checkSchema } from '../wire/schema.ts';
import type { Exchange } from './context.ts';
import { endAlertsOn } from './end-alert.ts';
import { newNotice, voidedOf } from './queue.ts';
import { purgeTime } from './recalled.ts';
import type { ReferenceName } from './record.ts';

/** What a withdrawal means for one recipient. */
export interface Recalled {
  readonly partner: string;
  /** `asked`: holds it and is told to seal or erase; `cancelled`: it never left; `asked-before`: was told already. */
  readonly state: 'asked' | 'cancelled' | 'asked-before';
  /** The message that asks; its delivery and receipt are those of any message. */
  readonly jti?: string;
}

export interface Withdrawal {
  readonly id: string;
  readonly reason: string;
  readonly purge: boolean;
  readonly batch?: string;
  readonly recipients: readonly Recalled[];
}

/** Checks what a caller gives for a withdrawal, by the guard and the published schema; nobody invents reasons by accident. */
export function readWithdrawal(input: unknown): Withdrawn | Refusal {
  const [wrong] = [guard(input, { form: 'event' }), ...checkSchema('withdrawn', input)].filter(
    (one) => one !== undefined,
  );
  if (wrong) return wrong;
  const content = input as Withdrawn;
  const listed = codes.withdrawalReason.filter((code) => code !== 'unknown');
  if ((listed as readonly string[]).includes(content.reason)) return content;
  return refuse('code-unknown', '/reason', 'The reason is not in the code list.', `Use one of: ${listed.join(', ')}.`);
}

/** The store may have been put back to a time before it was sent: then only the partner has it, and reconcile names it. */
const notHere =
  'Check the id. Was it sent before the store was put back? Submit it again with its id, then withdraw it. Which those are: caseref reconcile ISSUER';

/**
 * Takes an own reference back: sealed here at once, out of every face; what had not left is cancelled, and everybody who
 * holds it is asked to seal or erase it. It is complete for a recipient with that recipient's receipt and not before.
 */
export async function withdraw(exchange: Exchange, id: string, content: Withdrawn): Promise<Withdrawal | Refusal> {
  const name = { originator: exchange.self, id };
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    const known = await lockOne(trx, name);
    if (!known) return refuse('not-found', '', undefined, notHere);
    if (known.state === 'purged' || known.state === 'expired') return refuse('reference-withdrawn');
    const { partners } = await exchange.directory.within(trx);
    const recipients = await recall(exchange, trx, name, [...partners.keys()], content);
    await sealReferences(
      trx,
      [{ ...name, reason: content.reason, purgeAfter: purgeTime(exchange, content, undefined) }],
      now(exchange),
    );
    // Somebody said that this was done in a time that was lost: now it is done.
    await endAlertsOn(trx, 'withdrawn-before-loss', name, now(exchange));
    return { id, ...content, recipients };
  });
  exchange.wake.outbox();
  return answer;
}

/** Withdraws every open own reference of one public report under one batch; each is a transaction of its own. */
export async function withdrawReport(
  exchange: Exchange,
  report: string,
  content: Withdrawn,
): Promise<{ batch: string; items: Withdrawal[] }> {
  const batch = content.batch ?? exchange.chance.uuid4();
  const items: Withdrawal[] = [];
  for (const id of await openOfReport(exchange.store.db, exchange.self, report)) {
    const done = await withdraw(exchange, id, { ...content, batch });
    if (!('refused' in done)) items.push(done);
  }
  return { batch, items };
}

function now(exchange: Exchange): Date {
  return new Date(exchange.clock());
}

/** Asks partners that hold a reference to give it up, and cancels what is still on its way to them. */
export async function recall(
  exchange: Exchange,
  trx: Trx,
  name: ReferenceName,
  partners: readonly string[],
  content: Withdrawn,
): Promise<Recalled[]> {
  const holding = new Set(await partnersHolding(trx, name));
  const before = new Set(await partnersRecalled(trx, name, content));
  const unsent = await cancelUnsent(trx, { originator: name.originator, ids: [name.id] }, 'withdrawn', partners);
  const asked = partners.filter((partner) => holding.has(partner) && !before.has(partner));
  const at = now(exchange);
  const events: NewEvent[] = [
    { type: 'reference.withdrawn', at, originator: name.originator, reference: name.id, code: content.reason },
  ];
  const voids = voidedOf(unsent, 'withdrawn');
  let position = await reservePositions(trx, asked.length + voids.length + events.length);
  const told = asked.map((partner) =>
    newNotice(exchange, { partner, event: 'withdrawn', name, payload: { ...content }, position: position++, at }),
  );
  const voided = voids.map(({ partner, payload }) =>
    newNotice(exchange, { partner, event: 'voided', payload, position: position++, at }),
  );
  await insertAll(trx, [deliveryInsert([...told, ...voided]), eventInsert(events, position)]);
  const cancelled = unsent.map(({ partner }) => partner).filter((partner) => !holding.has(partner));
  return [
    ...told.map(({ partner, jti }) => ({ partner, state: 'asked' as const, jti })),
    ...partners
      .filter((partner) => before.has(partner))
      .map((partner) => ({ partner, state: 'asked-before' as const })),
    ...[...new Set(cancelled)].map((partner) => ({ partner, state: 'cancelled' as const })),
  ];
}
