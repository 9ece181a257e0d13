import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { type Members, type MembersRead, readMembers } from './members.ts';

/** What an operation says: a value as plain JSON, or why not. */
export type OperationAnswer<Value = unknown> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly refusals: readonly Refusal[] };

/** An operation checks its arguments itself: they come from the command line, or through the operator's socket. */
export type Operation<Args, Value> = (args: Args) => Promise<OperationAnswer<Value>>;

type Refused = Refusal | readonly Refusal[];

/**
 * Makes an operation of the members it takes and what it does with them. `act` returns refusals as values and never a
 * bare list as its value, so that the two cannot be taken for each other.
 */
export function operation<Shape extends Members, Out>(
  shape: Shape,
  act: (args: MembersRead<Shape>) => Promise<Out> | Out,
): Operation<MembersRead<Shape>, Exclude<Out, Refused>> {
  return async (given) => {
    const read = readMembers(shape, given);
    if (isRefusal(read)) return { ok: false, refusals: [read] };
    const out = await act(read.read);
    if (isRefusal(out)) return { ok: false, refusals: [out] };
    if (Array.isArray(out)) return { ok: false, refusals: out as Refusal[] };
    return { ok: true, value: out as Exclude<Out, Refused> };
  };
}
