import type { AlertCause } from '../domain/alert.ts';
import type { NewEvent } from '../store/feed.ts';
import type { DuplicateAnswer } from './duplicates.ts';
import type { ReferenceName } from './record.ts';

/** A reference to an address whose pen several organisations hold, each under a reference of its own or of another. */
export interface Conflicting {
  readonly name: ReferenceName;
  readonly between: readonly string[];
}

/** Of these references, those whose address is held by several (rule 1). */
export function conflictsAmong(
  asked: readonly { readonly name: ReferenceName; readonly answer: DuplicateAnswer }[],
): Conflicting[] {
  return asked.flatMap(({ name, answer }) =>
    answer.penConflict.length > 0 ? [{ name, between: answer.penConflict }] : [],
  );
}

/** What the feed is told of it. No partner is: it would learn that another organisation knows the address. */
export function conflictEvents(conflicts: readonly Conflicting[], at: Date): NewEvent[] {
  return conflicts.map(({ name: { originator, id }, between }) => {
    return { type: 'case.noted', at, originator, reference: id, code: 'pen-conflict', body: { between } };
  });
}

/** An alert where this node is one of those who hold it: it can agree with the others who acts. */
export function conflictAlerts(self: string, conflicts: readonly Conflicting[]): AlertCause[] {
  return conflicts
    .filter(({ between }) => between.includes(self))
    .map(({ name: { originator, id }, between }) => {
      const partner = between.find((holder) => holder !== self);
      return { code: 'address-held-twice', originator, subject: id, ...(partner !== undefined && { partner }) };
    });
}
