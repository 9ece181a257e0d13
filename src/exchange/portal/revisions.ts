import type { CaseReference } from '../../domain/contract.types.ts';
import { maskUrl } from '../../domain/mask.ts';
import { isIndustryForm } from '../../domain/policy/industry.ts';
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
}

/** The revisions of a reference, newest first, each with what it says otherwise than the one before. */
export async function revisionsOf(
  exchange: Exchange,
  trx: Trx,
  name: ReferenceName,
  wrapped: Uint8Array,
): Promise<ShownRevision[]> {
  const rows = await revisionBodies(trx, name);
  let before: CaseReference | undefined;
  const shown: ShownRevision[] = [];
  for (const { revision, at, body } of rows) {
    const content = openContent(exchange.vault, name, { revision, body, wrapped });
    if (isIndustryForm(content)) continue;
    shown.push({ revision, at, differences: before ? differences(before, content) : [] });
    before = content;
  }
  return shown.reverse();
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
