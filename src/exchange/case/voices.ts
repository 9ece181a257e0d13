import { checkCaseEvent } from '../../domain/authority/check.ts';
import { readCopies, type Statement, type StatementOf } from '../../domain/authority/statement.ts';
import { type CodeLists, withRetired } from '../../domain/code-lists.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { CaseEventName } from '../../domain/message.ts';
import type { Voice } from './case-view.ts';
import { type CaseLog, counted, type Entered } from './log.ts';

/** One statement that counts, with the entries of the log that brought it. */
export interface Spoken<Said = Statement> {
  readonly statement: Said;
  readonly entries: readonly Entered[];
}

/** What counts of a log, each statement once, in the order in which it was said. */
export function spokenIn(log: CaseLog): Spoken[] {
  const entered = new Map(log.entries.map((entry) => [entry.statement, entry]));
  return readCopies(counted(log)).map(({ statement, copies }) => ({
    statement,
    entries: copies.flatMap((copy) => entered.get(copy) ?? []),
  }));
}

export function spokenOfEvent<Name extends CaseEventName>(spoken: readonly Spoken[], event: Name) {
  return spoken.filter(({ statement }) => statement.event === event) as unknown as readonly Spoken<StatementOf<Name>>[];
}

/** Who said it, by whom it came here, and which of its codes are in none of our lists. */
export function voiceOf<Name extends CaseEventName>(
  statement: StatementOf<Name> & { event: Name },
  entries: readonly Entered[],
  lists: CodeLists,
): Voice {
  const { by, relayed, payload, said } = statement;
  const first = entries.map(({ row }) => row.received_at.getTime()).sort((a, b) => a - b)[0];
  const via = relayed ? entries[0]?.row.sender : undefined;
  const unknown = unknownIn(statement, lists);
  return {
    by,
    ...(via !== undefined && { via }),
    ...(payload.toldBy && { toldBy: payload.toldBy }),
    said: isoInstant(said),
    ...(first !== undefined && { receivedAt: isoInstant(first) }),
    ...(unknown.length > 0 && { unknown }),
  };
}

/** What lists a payload's codes are missing from: pointers of those members. */
export function unknownIn<Name extends CaseEventName>(
  { event, payload }: Pick<StatementOf<Name>, 'event' | 'payload'> & { event: Name },
  lists: CodeLists,
): string[] {
  return checkCaseEvent(event, payload, 'listed', withRetired(lists)).flatMap(({ code, pointer }) =>
    code === 'code-unknown' ? [pointer] : [],
  );
}
