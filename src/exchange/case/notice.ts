import { type HostNotice, hostNoticeOf, noticeByMarking, type OnTimeout } from '../../domain/authority/notice.ts';
import type { Marking } from '../../domain/contract.types.ts';

/** What a reference's row keeps of its case; null while nothing was said. */
export interface CaseColumns {
  readonly case_held: boolean | null;
  readonly case_clearance: string | null;
  readonly case_timeout: string | null;
  /** What was said about another own reference to the same address, where that stops. */
  readonly linked_notice: string | null;
}

/** Of a reference that is new. */
export const nothingSaid = { case_held: null, case_clearance: null, case_timeout: null } as const;

type Status = Parameters<typeof hostNoticeOf>[1]['clearance']['status'];
const hold = { binding: true } as Parameters<typeof hostNoticeOf>[1]['held'][number];

/**
 * Whether a host may be told by what was said about the case, as of the last look at its log: until the next look a hold that has
 * ended still holds, never the other way round. Undefined where nothing was said, and the marking alone decides. What stops one
 * own reference to an address stops the others, since the host that is told of one is told of all.
 */
export function noticeOf(marking: Marking, row: CaseColumns): HostNotice | undefined {
  const { case_held: held, case_clearance: clearance, case_timeout: timeout } = row;
  const linked = (row.linked_notice ?? undefined) as HostNotice | undefined;
  if (held === null || clearance === null) return linked && stronger(noticeByMarking(marking), linked);
  const status = { status: clearance as Status, contradicted: false, lateRefusals: [] };
  const onTimeout = (timeout ?? 'escalate') as OnTimeout;
  return stronger(hostNoticeOf(marking, { held: held ? [hold] : [], clearance: status }, onTimeout), linked);
}

/** What stops by itself says why; a hold elsewhere comes before everything that an answer would open. */
export function stronger(own: HostNotice, linked: HostNotice | undefined): HostNotice {
  return linked === undefined || own === 'must-not' || own === 'hold' ? own : linked;
}
