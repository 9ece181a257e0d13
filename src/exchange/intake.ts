import type { CodeLists } from '../domain/code-lists.ts';
import type { CaseReference, Submission } from '../domain/contract.types.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { normaliseUrl } from '../domain/url.ts';
import { isJsonObject } from '../wire/strict.ts';
import { gateReference } from './gate.ts';

/** One member that intake wrote in its canonical form before signing (host case, U-labels). */
export interface Normalised {
  readonly pointer: string;
  readonly code: 'host-canonical';
}

export interface Intake {
  readonly id: string | undefined;
  readonly reference: CaseReference;
  readonly normalised: readonly Normalised[];
}

interface Address {
  readonly pointer: string;
  /** The object and member that hold it, in the draft that is ours to write. */
  readonly holder: Record<string, unknown>;
  readonly member: string;
}

/** Where an address stands in a submission: its own, and that of the page that led to it. */
function addresses(draft: unknown): Address[] {
  if (!isJsonObject(draft)) return [];
  const own = { pointer: '/url', holder: draft as Record<string, unknown>, member: 'url' };
  if (!isJsonObject(draft.access)) return [own];
  const access = draft.access as Record<string, unknown>;
  return [own, { pointer: '/access/referrer', holder: access, member: 'referrer' }];
}

/**
 * Reads what a client submits: hosts are brought to lower-case A-labels first (and the answer says so), then the whole
 * passes every gate. The revision is the node's to give, never the client's.
 */
export function readSubmission(
  input: unknown,
  revision: number,
  { loopback, lists }: { readonly loopback: boolean; readonly lists: CodeLists },
): Intake | Refusal[] {
  const draft: unknown = structuredClone(input);
  const normalised: Normalised[] = [];
  for (const { pointer, holder, member } of addresses(draft)) {
    const address = holder[member];
    if (typeof address !== 'string') continue;
    const result = normaliseUrl(address, { loopback }, pointer);
    if (isRefusal(result) || !result.normalised) continue;
    holder[member] = result.url;
    normalised.push({ pointer, code: 'host-canonical' });
  }
  const refusals = gateReference(draft, { schema: 'submission', codes: 'listed', loopback, lists });
  if (refusals.length > 0) return refusals;
  const { id, ...content } = draft as Submission;
  return { id, reference: { revision, ...content }, normalised };
}
