import type { CaseReference } from '../domain/contract.types.ts';
import type { NewDelivery } from '../store/outbox.ts';
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
