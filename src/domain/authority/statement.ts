import type {
  Acknowledged,
  Acted,
  Assessed,
  Clearance,
  Feedback,
  Handover,
  Hold,
  Issuer,
  ToldBy,
} from '../contract.types.ts';
import type { CaseEventName } from '../message.ts';

/** The payload of each event about the case. */
export interface Payloads {
  readonly assessed: Assessed;
  readonly acted: Acted;
  readonly handover: Handover;
  readonly hold: Hold;
  readonly clearance: Clearance;
  readonly acknowledged: Acknowledged;
  readonly feedback: Feedback;
}

/** What one organisation said about one reference; times in milliseconds since 1970. */
export interface StatementOf<Name extends CaseEventName> {
  readonly event: Name;
  readonly payload: Payloads[Name];
  /** Whose node said it; for a party without a node `payload.toldBy` says who told that node. */
  readonly by: Issuer;
  /** The jtis of the messages that carry it: one for each recipient that is known here. */
  readonly jtis: readonly string[];
  /** When it was said: see `saidAt`. */
  readonly said: number;
  /** True where it is known only because the originator relayed it. */
  readonly relayed: boolean;
}

export type Statement = { [Name in CaseEventName]: StatementOf<Name> }[CaseEventName];

/** A desk that speaks: an organisation, or the unit without a node that told it. */
export interface Desk {
  readonly by: Issuer;
  readonly unit: string | undefined;
}

/** How far two honest clocks may be apart, in milliseconds. */
export const SKEW = 120_000;
const HORIZON = 90 * 86_400_000;

/**
 * When a message was said, in milliseconds: its `toe` (RFC 8417, time of event) where that is within the horizon before `iat`,
 * else `iat`. Copies of one statement are signed at different seconds, and a relayed one later still: only `toe` is the
 * same on all of them. Both in seconds.
 */
export function saidAt({ iat, toe }: { readonly iat: number; readonly toe?: number | undefined }): number {
  const usable = toe !== undefined && toe <= iat && (iat - toe) * 1000 <= HORIZON;
  return (usable ? toe : iat) * 1000;
}

export function deskOf({ by, payload }: { by: Issuer; payload: { toldBy?: ToldBy } }): Desk {
  return { by, unit: payload.toldBy?.unit };
}

export function sameDesk(a: Desk, b: Desk): boolean {
  return a.by === b.by && a.unit === b.unit;
}

/**
 * The log as everybody must read it: each statement once, in one order. What came twice, directly and relayed, or in several
 * messages (same jti, or same speaker, second and content) is one statement, and what its speaker sent itself counts before
 * what was relayed. So every order of arrival, with any repetition, gives the same list.
 */
export function readLog(log: readonly Statement[]): Statement[] {
  return readCopies(log).map(({ statement }) => statement);
}

/** The same with the copies that each statement was read from, as they were given. */
export function readCopies(log: readonly Statement[]): { statement: Statement; copies: readonly Statement[] }[] {
  const groups = new Map<string, Statement[]>();
  for (const statement of log) {
    const keys = keysOf(statement);
    const met = new Set(keys.map((key) => groups.get(key)).filter((group) => group !== undefined));
    const joined = [...[...met].flat(), statement];
    for (const key of joined.flatMap(keysOf)) groups.set(key, joined);
  }
  const different = [...new Set(groups.values())];
  return different
    .map((copies) => ({ statement: merge(copies), copies }))
    .sort((a, b) => inOrder(a.statement, b.statement));
}

/** Statements of one event type, in the order of the log. */
export function ofEvent<Name extends CaseEventName>(
  log: readonly Statement[],
  name: Name,
): readonly StatementOf<Name>[] {
  return log.filter((statement) => statement.event === name) as unknown as readonly StatementOf<Name>[];
}

function keysOf(statement: Statement): string[] {
  const { by, jtis, said } = statement;
  return [...jtis.map((jti) => `jti ${by} ${jti}`), `said ${by} ${said} ${contentOf(statement)}`];
}

function merge(copies: readonly Statement[]): Statement {
  const [first] = [...copies].sort((a, b) => Number(a.relayed) - Number(b.relayed) || inOrder(a, b));
  if (first === undefined) throw new Error('a statement has at least one copy');
  return { ...first, jtis: [...new Set(copies.flatMap(({ jtis }) => jtis))].sort() };
}

/** What can only follow something else comes after it where both were said in the same second. */
const steps = ['offered', 'placed', 'requested', 'accepted', 'granted', 'declined', 'refused', 'confirmed', 'lifted'];

function inOrder(a: Statement, b: Statement): number {
  return (
    a.said - b.said ||
    stepOf(a) - stepOf(b) ||
    compareText(a.by, b.by) ||
    compareText(contentOf(a), contentOf(b)) ||
    compareText([...a.jtis].sort().join(), [...b.jtis].sort().join())
  );
}

function stepOf({ payload }: Statement): number {
  if (!('step' in payload)) return -1;
  const place = steps.indexOf(payload.step);
  return place < 0 ? steps.length : place;
}

function contentOf({ event, payload }: Statement): string {
  return `${event} ${canonical(payload)}`;
}

/** JSON with members in the order of their names, so that equal payloads are equal text. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
    .join()}}`;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
