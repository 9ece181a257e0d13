import type { CaseReference } from '../../domain/contract.types.ts';
import { maskUrl } from '../../domain/mask.ts';
import { isIndustryForm } from '../../domain/policy/industry.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import type { Trx } from '../../store/open.ts';
import { revisionBodies } from '../../store/portal-case.ts';
import type { Exchange } from '../context.ts';
import { openContent, type ReferenceName } from '../record.ts';

/** One member that a revision says otherwise: as texts, addresses masked. */
export interface Difference {
  readonly member: string;
  readonly before: string;
  readonly after: string;
}

export interface ShownRevision {
  readonly revision: number;
  readonly at: Date;
  readonly differences: readonly Difference[];
  /** It, or the one before it, was closed to this liaison: what it says otherwise would tell what that one said. */
  readonly closed: boolean;
}

/** So many revisions are told, the newest: a sender that revises without end must not make its case unreadable. */
export const MOST_REVISIONS = 100;

/**
 * The newest revisions of a reference, newest first, each with what it says otherwise than the one before. A revision that was not `open` to the
 * liaison stays closed when a later one opens the reference: an originator takes out what is not for portals, and then opens.
 */
export async function revisionsOf(
  exchange: Exchange,
  trx: Trx,
  name: ReferenceName,
  wrapped: Uint8Array,
  open: (content: ReferenceContent) => boolean,
): Promise<ShownRevision[]> {
  // The one before the oldest that is told is there to be compared with.
  const rows = (await revisionBodies(trx, name, MOST_REVISIONS + 1)).reverse();
  let before: CaseReference | 'closed' | undefined;
  const shown: ShownRevision[] = [];
  for (const { revision, at, body } of rows) {
    const content = openContent(exchange.vault, name, { revision, body, wrapped });
    if (isIndustryForm(content)) continue;
    const now = open(content) ? content : 'closed';
    const closed = now === 'closed' || before === 'closed';
    const told = now === 'closed' || before === 'closed' || !before ? [] : differences(before, now);
    shown.push({ revision, at, differences: told, closed });
    before = now;
  }
  return shown.reverse().slice(0, MOST_REVISIONS);
}

/** What changed, path by path; the revision's own number is no news. */
function differences(before: CaseReference, after: CaseReference): Difference[] {
  const [old, fresh] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((member) => !['revision', 'supersedes'].includes(member) && old.get(member) !== fresh.get(member))
    .map((member) => ({ member, before: old.get(member) ?? '', after: fresh.get(member) ?? '' }));
}

const addresses: ReadonlySet<string> = new Set(['url', 'access.referrer']);

function flat(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) flat(one, `${path}[${index + 1}]`, into);
  } else if (typeof value === 'object' && value !== null) {
    for (const [member, one] of Object.entries(value)) flat(one, path === '' ? member : `${path}.${member}`, into);
  } else if (value !== undefined) {
    into.set(path, addresses.has(path) ? maskUrl(String(value)) : String(value));
  }
  return into;
}
