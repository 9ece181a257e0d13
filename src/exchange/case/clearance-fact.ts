import type { CaseState } from '../../domain/authority/state.ts';
import { saveClearance } from '../../store/case-clearance.ts';
import type { Trx } from '../../store/open.ts';
import type { CaseLog } from './log.ts';

const dateOf = (at: number | undefined) => (at === undefined ? null : new Date(at));

/** Keeps whether clearance was asked, answered, and late for what was gone by then; nothing where nobody ever asked. */
export async function keepClearance(trx: Trx, { name, entries }: CaseLog, state: CaseState): Promise<void> {
  const { clearance, goneBeforeClearance } = state;
  if (!entries.some(({ statement }) => statement?.event === 'clearance')) return;
  const { firstAskedAt: asked, answeredAt } = clearance;
  const fact =
    asked === undefined
      ? undefined
      : { askedAt: new Date(asked), answeredAt: dateOf(answeredAt), goneAt: dateOf(goneBeforeClearance) };
  await saveClearance(trx, name, fact);
}
