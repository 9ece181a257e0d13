import type { CaseState } from '../../domain/authority/state.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import type { CourseFacts } from '../../store/case.ts';
import type { Trx } from '../../store/open.ts';
import { matchKeys } from '../../wire/match.ts';
import type { Exchange } from '../context.ts';
import { duplicatesOf } from '../duplicates.ts';
import { macsOf } from '../record.ts';
import type { CaseLog, Entered } from './log.ts';
import type { Note } from './notes.ts';

/** What a case says to who asks for the same address. */
export function courseFacts({ lastSeenOnline: seen, history, pen }: CaseState): CourseFacts {
  const reappearances = history.filter(({ action }) => action === 'reappeared').length;
  const removals = history.filter(({ action }) => action === 'removed' || action === 'unavailable').length;
  return { seen: seen && { at: new Date(seen.at), by: seen.by }, removals, reappearances, pen: pen.holders };
}

/**
 * Whether another organisation holds the pen for the same address under another reference (rule 1), looked at when the pen has moved or
 * may have. People here are told; partners are not, since they would learn of references that are not theirs.
 */
export async function addressNotes(
  exchange: Exchange,
  trx: Trx,
  {
    log,
    known,
  }: { readonly log: Pick<CaseLog, 'name'>; readonly known: { readonly content: ReferenceContent } | undefined },
  { state, face, changed }: { readonly state: CaseState; readonly face: string; readonly changed: readonly Entered[] },
): Promise<Note[]> {
  if (!known || !changed.some(({ statement }) => statement?.event === 'handover')) return [];
  const macs = macsOf(exchange.vault, matchKeys(known.content.url));
  const asked = { ...log.name, macs, holders: state.pen.holders, state: face };
  const { penConflict: between } = (await duplicatesOf(trx, asked)).duplicateAnswer;
  // Several holders of one reference are a conflict of its own.
  if (between.length === 0 || between.every((holder) => state.pen.holders.includes(holder))) return [];
  const alert = between.includes(exchange.self) ? { alert: 'address-held-twice' as const } : {};
  return [{ key: `address ${between.join(' ')}`, code: 'pen-conflict', ...alert, detail: { between } }];
}
