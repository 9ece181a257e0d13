import { INDUSTRY } from '../../domain/policy/industry.ts';
import { holdersOf } from '../../store/case.ts';
import type { Trx } from '../../store/open.ts';
import type { Exchange } from '../context.ts';
import type { PartnerEntry } from '../directory.ts';
import type { ReferenceName } from '../record.ts';

/** Why somebody who has the reference is not told, or not now. */
export const untoldCodes = [
  ...(['partner-unknown', 'partner-pending', 'partner-suspended', 'legal-basis-missing'] as const),
  ...(['policy-held', 'not-concerned'] as const),
] as const;
export type UntoldCode = (typeof untoldCodes)[number];

/** What becomes of a statement for one partner: on its way, waiting for the partner's return, or not told. */
export interface Recipient {
  readonly partner: string;
  readonly state: 'queued' | 'waiting' | 'not-told';
  readonly code?: UntoldCode;
}

/**
 * Everybody who has the reference, or is told this of it, each with what it comes to: silence towards a partner has a reason
 * that can be read. `told` as `tellCase` left it.
 */
export async function recipientsOf(
  exchange: Exchange,
  trx: Trx,
  name: ReferenceName,
  told: readonly string[],
): Promise<Recipient[]> {
  const { partners } = await exchange.directory.within(trx);
  const holders = name.originator === exchange.self ? await holdersOf(trx, name) : [];
  const others = holders.filter(({ partner }) => !told.includes(partner));
  const rows = [
    ...told.map((partner): Recipient => {
      const away = partners.get(partner)?.state === 'suspended';
      return away ? { partner, state: 'waiting', code: 'partner-suspended' } : { partner, state: 'queued' };
    }),
    ...others.map(({ partner, sends }): Recipient => {
      return { partner, state: 'not-told', code: untold(partners.get(partner), sends) };
    }),
  ];
  return rows.sort((a, b) => (a.partner < b.partner ? -1 : 1));
}

function untold(partner: PartnerEntry | undefined, sends: boolean): UntoldCode {
  if (!partner) return 'partner-unknown';
  if (partner.state === 'pending') return 'partner-pending';
  if (partner.facts.type === INDUSTRY) return 'not-concerned';
  if (partner.policy?.legal === undefined) return 'legal-basis-missing';
  return sends ? 'not-concerned' : 'policy-held';
}
