import type { CaseReference } from '../domain/contract.types.ts';
import { type Run, runsOf } from '../domain/sequence.ts';
import type { NewDelivery } from '../store/outbox.ts';
import type { Unsent } from '../store/recall.ts';
import type { Exchange } from './context.ts';
import type { ReferenceName } from './record.ts';

/** A message about an own reference on its way to one partner; an emergency goes before everything that waits. */
export function newDelivery(
  exchange: Exchange,
  name: ReferenceName,
  message: { partner: string; event: 'submitted' | 'revised'; reference: CaseReference; position: number; at: Date },
): NewDelivery {
  return {
    id: exchange.chance.uuid(),
    position: message.position,
    partner: message.partner,
    jti: exchange.chance.jti(),
    event: message.event,
    originator: name.originator,
    reference_id: name.id,
    revision: message.reference.revision,
    priority: message.reference.urgency?.level === 'emergency' ? 0 : 1,
    payload: null,
    at: message.at,
  };
}

/** A message that carries no reference; a recall and its voided numbers go before everything that waits. */
export function newNotice(
  exchange: Exchange,
  given: {
    partner: string;
    event: 'withdrawn' | 'voided';
    name?: ReferenceName;
    payload: Record<string, unknown>;
    position: number;
    at: Date;
  },
): NewDelivery {
  return {
    id: exchange.chance.uuid(),
    position: given.position,
    partner: given.partner,
    jti: exchange.chance.jti(),
    event: given.event,
    originator: given.name?.originator ?? null,
    reference_id: given.name?.id ?? null,
    revision: null,
    priority: 0,
    payload: given.payload,
    at: given.at,
  };
}

/** Ranges in one message: below what the contract allows, and well below what a token carries. */
const RANGES = 200;

/** Numbers as ranges for as many messages as they take. */
export function rangesOf(numbers: readonly number[]): Run[][] {
  const runs = runsOf(numbers.toSorted((a, b) => a - b));
  const parts = Math.ceil(runs.length / RANGES);
  return Array.from({ length: parts }, (_, part) => runs.slice(part * RANGES, (part + 1) * RANGES));
}

/** Numbers that were given and will never arrive, as the payloads of `voided` for each partner and epoch. */
export function voidedOf(
  unsent: readonly Unsent[],
  reason: 'withdrawn' | 'expired' | 'dropped' | 'policy',
): { partner: string; payload: Record<string, unknown> }[] {
  const numbered = unsent.filter(({ n, epoch }) => n !== null && epoch !== null);
  const groups = Map.groupBy(numbered, ({ partner, epoch }) => `${partner} ${epoch}`);
  return [...groups.values()].flatMap((group) =>
    rangesOf(group.map(({ n }) => Number(n))).map((ranges) => ({
      partner: group[0]?.partner ?? '',
      payload: { epoch: group[0]?.epoch, ranges, reason },
    })),
  );
}
