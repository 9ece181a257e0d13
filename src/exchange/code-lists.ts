import { checkCodeList } from '../domain/code-import.ts';
import { type CodeList, withImported } from '../domain/code-lists.ts';
import { guard } from '../domain/guard.ts';
import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { activeCodeLists, codeListRows, putCodeList } from '../store/code-lists.ts';
import { recordEvents } from '../store/feed.ts';
import type { Database, Trx } from '../store/open.ts';
import { bumpDirectory } from '../store/partners.ts';
import { inTransaction } from '../store/transaction.ts';
import { checkCodeListForm, shippedCodeLists } from '../wire/code-list.ts';
import { type ActStanding, beginAct, type Draft, isDraft, repeatAct, type Signing, signersOf } from './acts.ts';
import type { Exchange } from './context.ts';

/** A version of a code list after its import; `pending` counts for nothing before a second person gives the same file. */
export interface CodeListImport extends ActStanding {
  readonly list: string;
  readonly version: string;
  readonly state: 'active' | 'pending';
  /** What the version before did not have, and what it retires. */
  readonly added: readonly string[];
  readonly retired: readonly string[];
}

/**
 * Takes the next version of a code list without a release of this program: from then on the node API takes its codes and policies
 * may name them, in every process. What came from partners before, with a code that nobody knew here, stands as it came
 * and counts from the next decision on. What a code means is what partners agreed, so it takes two persons.
 */
export async function importCodeList(
  exchange: Exchange,
  document: unknown,
  { signing, insteadOf }: { readonly signing?: Signing | undefined; readonly insteadOf?: string | undefined } = {},
): Promise<CodeListImport | Draft | Refusal[]> {
  const guarded = guard(document, { form: 'policy' });
  if (guarded) return [guarded];
  const malformed = checkCodeListForm(document);
  if (malformed.length > 0) return malformed;
  const next = document as CodeList;
  return inTransaction(exchange.store.db, async (trx): Promise<CodeListImport | Draft | Refusal[]> => {
    const eyes = await beginAct(trx);
    const imported = await activeCodeLists(trx);
    const before = newest(next.list, imported);
    const wrong = checkCodeList(next, before, withImported(imported));
    if (wrong) return [wrong];
    const act = { kind: 'codes.import', subject: next.list, document: { ...next } };
    const weighed = await repeatAct(exchange, trx, { ...act, eyes, signing, insteadOf });
    if (isRefusal(weighed)) return [weighed];
    if (isDraft(weighed)) return weighed;
    await weighed.record();
    return store(exchange, trx, { next, before, ...weighed });
  });
}

async function store(
  exchange: Exchange,
  trx: Trx,
  {
    next,
    before,
    standing,
    effective,
  }: {
    readonly next: CodeList;
    readonly before: CodeList | undefined;
    readonly standing: ActStanding;
    readonly effective: boolean;
  },
): Promise<CodeListImport> {
  const { list, version } = next;
  const at = new Date(exchange.clock());
  const state = effective ? 'active' : 'pending';
  const { digest, author = null, approver = null } = standing;
  await putCodeList(trx, { list, version, document: next, digest, state, author, approver, imported_at: at });
  if (effective) {
    const body = { subject: list, digest, ...signersOf(standing) };
    await recordEvents(trx, [{ type: 'codes.imported', at, code: version, body }]);
    await bumpDirectory(trx);
  }
  const known = new Map(before?.codes.map((one) => [one.code, one]));
  const added = next.codes.filter(({ code }) => !known.has(code)).map(({ code }) => code);
  const retired = next.codes.filter((one) => one.retired === true && known.get(one.code)?.retired !== true);
  return { list, version, state, added, retired: retired.map(({ code }) => code), ...standing };
}

/** The version that counts now: imported, or of this release where that is later. */
function newest(list: string, imported: readonly CodeList[]): CodeList | undefined {
  const versions = [...imported, ...shippedCodeLists].filter((one) => one.list === list);
  return versions.sort((a, b) => (a.version < b.version ? 1 : -1))[0];
}

/** A code list as it stands here. */
export interface CodeListView {
  readonly list: string;
  readonly version: string;
  readonly title: string;
  /** `release`: as shipped; `active` or `pending`: imported. */
  readonly state: 'release' | 'active' | 'pending';
  readonly codes: readonly string[];
  readonly retired: readonly string[];
  readonly importedAt?: string;
}

/** The lists whose next versions can be imported, each in the version that counts, and the versions that wait. */
export async function listCodeLists({ store: { db } }: Pick<Exchange, 'store'>): Promise<CodeListView[]> {
  const rows = await codeListRows(db);
  const imported = await activeCodeLists(db);
  const names = new Set([...shippedCodeLists, ...imported].map(({ list }) => list));
  const current = [...names].sort().flatMap((name) => newest(name, imported) ?? []);
  const rowOf = ({ list, version }: CodeList) => rows.find((row) => row.list === list && row.version === version);
  const counts = current.map((one) => {
    const row = rowOf(one);
    return viewList(one, row ? 'active' : 'release', row?.imported_at);
  });
  const waiting = rows.filter(({ state }) => state === 'pending');
  return [...counts, ...waiting.map(({ document, imported_at: at }) => viewList(document, 'pending', at))];
}

function viewList(
  { list, version, title, codes }: CodeList,
  state: CodeListView['state'],
  importedAt: Date | undefined,
): CodeListView {
  const retired = codes.filter((one) => one.retired === true).map(({ code }) => code);
  return {
    ...{ list, version, title, state, codes: codes.map(({ code }) => code), retired },
    ...(importedAt && { importedAt: isoInstant(importedAt.getTime()) }),
  };
}

/** The code lists of this node as a transaction sees them, where the directory may not be read. */
export async function codeListsWithin(db: Database) {
  return withImported(await activeCodeLists(db));
}
