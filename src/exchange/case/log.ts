import type { Statement } from '../../domain/authority/statement.ts';
import type { DataKey, Place, Vault } from '../../domain/secrets.ts';
import { courseRows, type StatementRow, statementRows } from '../../store/case.ts';
import type { CaseCourseTable } from '../../store/case-tables.ts';
import type { Database } from '../../store/open.ts';
import type { NewRow } from '../../store/rows.ts';
import type { Exchange } from '../context.ts';
import { openText, ownerOf, type ReferenceName, sealText } from '../record.ts';

/** Statements of one reference that are kept, whoever says them. */
export const MOST_STATEMENTS = 500;
/** Of those, what one organisation may say: nobody fills a log that others need. The same everywhere, so that logs stay the same. */
export const MOST_OF_ONE = 100;
/** Room beyond all that for our own words and for what stops or clears a notice. */
const KEPT_FREE = 100;

/** One entry of the log, opened; it has no statement where it was refused, erased or is suspect. */
export interface Entered {
  readonly id: string;
  readonly row: Pick<
    StatementRow,
    | ('sender' | 'speaker' | 'event' | 'carrier' | 'digest' | 'received_at' | 'held_until' | 'direction' | 'suspect')
    | 'said_at'
  >;
  state: StatementRow['state'];
  code: string | null;
  readonly statement: Statement | undefined;
}

/** The log of a reference as this transaction leaves it. */
export interface CaseLog {
  readonly name: ReferenceName;
  readonly entries: Entered[];
  readonly course: CaseCourseTable | undefined;
  /** Rows to be written. */
  readonly fresh: NewRow[];
}

/** Where the payload of a statement stands: bound into its ciphertext. */
function statementPlace(id: string): Place {
  return { table: 'case_statement', row: id, column: 'payload' };
}

/** Opens the logs of these references, which the caller has locked where they exist. */
export async function openLogs(
  exchange: Exchange,
  db: Database,
  names: readonly ReferenceName[],
  keyOf: (name: ReferenceName) => DataKey | undefined,
): Promise<Map<string, CaseLog>> {
  const different = [...new Map(names.map((name) => [ownerOf(name), name])).values()];
  const rows = Map.groupBy(await statementRows(db, different), (row) =>
    ownerOf({ originator: row.originator, id: row.reference_id }),
  );
  const courses = new Map(
    (await courseRows(db, different)).map((row) => [
      ownerOf({ originator: row.originator, id: row.reference_id }),
      row,
    ]),
  );
  return new Map(
    different.map((name) => {
      const key = keyOf(name);
      const entries = (rows.get(ownerOf(name)) ?? []).map((row) => openEntry(exchange.vault, name, row, key));
      return [ownerOf(name), { name, entries, course: courses.get(ownerOf(name)), fresh: [] }];
    }),
  );
}

function openEntry(vault: Vault, name: ReferenceName, row: StatementRow, key: DataKey | undefined): Entered {
  const payload = openPayload(vault, name, row, key);
  const { event, speaker: by, jtis, relayed } = row;
  const said = row.said_at.getTime();
  const statement = payload && ({ event, payload, by, jtis, said, relayed } as unknown as Statement);
  return { id: row.id, row, state: row.state, code: row.code, statement };
}

/** What was said, or undefined where it is erased. */
export function openPayload(
  vault: Vault,
  name: ReferenceName,
  row: Pick<StatementRow, 'id' | 'payload' | 'wrapped'>,
  key: DataKey | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const own = row.wrapped ? vault.unwrap(row.wrapped, ownerOf(name)) : key;
  if (!row.payload || !own) return undefined;
  return JSON.parse(openText(vault, own, statementPlace(row.id), row.payload)) as Record<string, unknown>;
}

/** Whether a log has no room for one more statement of this sender. */
export function isFull(
  { entries }: Pick<CaseLog, 'entries'>,
  { event, relayed }: Pick<Statement, 'event' | 'relayed'>,
  { sender, self }: { readonly sender: string; readonly self: string },
): boolean {
  const first = sender === self || event === 'hold' || event === 'clearance';
  if (entries.length >= MOST_STATEMENTS + (first ? KEPT_FREE : 0)) return true;
  // What the originator relays others said; each of them has had its share there.
  if (relayed) return false;
  return entries.filter(({ row }) => row.sender === sender && row.speaker === sender).length >= MOST_OF_ONE;
}

/** How a statement came here. */
export interface Heard {
  readonly sender: string;
  readonly carrier: string | null;
  readonly digest: string | null;
  readonly state: 'taken' | 'held';
  readonly code?: string;
  readonly heldUntil?: Date;
  readonly at: Date;
}

/** Enters a statement at the end of a log. Without the key of its reference it gets one of its own. */
export function enter(
  exchange: Exchange,
  log: CaseLog,
  statement: Statement,
  heard: Heard,
  key: DataKey | undefined,
): Entered {
  const { vault, chance, self } = exchange;
  const id = chance.uuid();
  const own = key ? undefined : vault.newDataKey(ownerOf(log.name));
  const direction = heard.sender === self ? 'out' : 'in';
  const row = {
    id,
    originator: log.name.originator,
    reference_id: log.name.id,
    sender: heard.sender,
    speaker: statement.by,
    event: statement.event,
    carrier: heard.carrier,
    jtis: [...statement.jtis],
    digest: heard.digest,
    direction,
    relayed: statement.relayed,
    told_by: statement.payload.toldBy !== undefined,
    said_at: new Date(statement.said),
    received_at: heard.at,
    state: heard.state,
    code: heard.code ?? null,
    pointer: null,
    held_until: heard.heldUntil ?? null,
    payload: sealText(vault, (key ?? own?.key) as DataKey, statementPlace(id), JSON.stringify(statement.payload)),
    wrapped: own?.wrapped ?? null,
  } as const;
  log.fresh.push(row);
  const entered: Entered = {
    id,
    row: { ...row, suspect: false },
    state: heard.state,
    code: row.code,
    statement,
  };
  log.entries.push(entered);
  return entered;
}

/** What counts of a log: taken, readable and not suspect. */
export function counted(log: CaseLog): Statement[] {
  return log.entries.flatMap(({ state, row, statement }) =>
    state === 'taken' && !row.suspect && statement ? [statement] : [],
  );
}
