import { isoInstant } from '../domain/instant.ts';
import { maskUrl } from '../domain/mask.ts';
import { isIndustryForm } from '../domain/policy/industry.ts';
import { type ReferenceContent, urgencyOf } from '../domain/reference.ts';
import type { ListedDecision, ListedDelivery, ListedReference } from '../store/lists.ts';
import { isClosed } from '../store/recall.ts';
import type { Exchange } from './context.ts';
import { openContent } from './record.ts';

/** How addresses are shown: whole to who may locate, masked and defanged to everybody else. */
export type Sight = 'whole' | 'masked';

/** A case reference, of either form, without the addresses that this caller may not see. */
export function shown<Content extends ReferenceContent>(reference: Content, sight: Sight): Content {
  if (sight === 'whole') return reference;
  const access = isIndustryForm(reference) ? undefined : reference.access;
  const referrer = access?.referrer;
  return {
    ...reference,
    url: maskUrl(reference.url),
    ...(referrer !== undefined && { access: { ...access, referrer: maskUrl(referrer) } }),
  };
}

/** A stored reference as faces show it; without content where its data key is gone. */
export function viewReference(exchange: Exchange, row: ListedReference, sight: Sight) {
  const { originator, id, direction, state, revision, body, wrapped } = row;
  const name = {
    originator,
    id,
    direction,
    state,
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
    ...(row.suspect && { suspect: true as const }),
  };
  if (!body || !wrapped || isClosed(state)) return { ...name, revision };
  const content = openContent(exchange.vault, { originator, id }, { revision, body, wrapped });
  return { ...name, ...shown(content, sight), ...lowered(row, content) };
}

/** How urgent a partner's reference counts here, where a quota of this node lowered it: the signed content says otherwise. */
function lowered({ direction, urgency }: ListedReference, content: ReferenceContent) {
  const stated = urgencyOf(content);
  if (direction === 'out' || stated === urgency || !('urgency' in content)) return {};
  return {
    urgency: { ...content.urgency, level: urgency },
    lowered: { stated, code: 'emergencies-exceeded' as const },
  };
}

export function viewDecision(row: ListedDecision) {
  return {
    partner: row.partner,
    direction: row.direction,
    revision: row.revision,
    effect: row.effect,
    rule: row.rule,
    ...(row.code !== null && { code: row.code }),
    policyVersion: row.policy_version,
    trace: row.trace,
    ...(row.change !== null && { change: row.change }),
    ...(row.disclosed !== null && { disclosed: row.disclosed }),
    decidedAt: instant(row.decided_at),
    ...(row.decided_by !== null && { decidedBy: row.decided_by }),
  };
}

export function viewDelivery(row: ListedDelivery) {
  return {
    id: row.id,
    partner: row.partner,
    event: row.event,
    jti: row.jti,
    ...(row.originator !== null &&
      row.reference_id !== null && { reference: { originator: row.originator, id: row.reference_id } }),
    ...(row.revision !== null && { revision: row.revision }),
    state: row.state,
    attempts: row.attempts,
    ...(row.epoch !== null && row.n !== null && { seq: { epoch: row.epoch, n: row.n } }),
    ...(row.digest !== null && { digest: row.digest }),
    ...(row.last_code !== null && { lastCode: row.last_code }),
    createdAt: instant(row.created_at),
    ...(row.state === 'queued' && { nextAttemptAt: instant(row.next_at) }),
    ...(row.sent_at !== null && { sentAt: instant(row.sent_at) }),
    receipt: viewReceipt(row),
  };
}

function viewReceipt(row: ListedDelivery) {
  if (row.outcome === null || row.settled_at === null) return null;
  return {
    outcome: row.outcome,
    ...(row.outcome_code !== null && { code: row.outcome_code }),
    ...(row.outcome_pointer !== null && { pointer: row.outcome_pointer }),
    ...(row.receipt_jti !== null && { jti: row.receipt_jti }),
    at: instant(row.settled_at),
    ...(row.receipt_suspect && { suspect: true as const }),
  };
}

function instant(at: Date): string {
  return isoInstant(at.getTime());
}
