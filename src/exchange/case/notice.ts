import { type HostNotice, hostNoticeOf, type OnTimeout } from '../../domain/authority/notice.ts';
import type { Marking } from '../../domain/contract.types.ts';

/** What a reference's row keeps of its case; null while nothing was said. */
export interface CaseColumns {
  readonly case_held: boolean | null;
  readonly case_clearance: string | null;
  readonly case_timeout: string | null;
}

type Status = Parameters<typeof hostNoticeOf>[1]['clearance']['status'];
const hold = { binding: true } as Parameters<typeof hostNoticeOf>[1]['held'][number];

/**
 * Whether a host may be told by what was said about the case, as of the last look at its log: until the next look a hold that has
 * ended still holds, never the other way round. Undefined where nothing was said, and the marking alone decides.
 */
export function noticeOf(marking: Marking, row: CaseColumns): HostNotice | undefined {
  const { case_held: held, case_clearance: clearance, case_timeout: timeout } = row;
  if (held === null || clearance === null) return undefined;
  const status = { status: clearance as Status, contradicted: false, lateRefusals: [] };
  return hostNoticeOf(marking, { held: held ? [hold] : [], clearance: status }, (timeout ?? 'escalate') as OnTimeout);
}
