import type { Contact } from '../../domain/contract.types.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { partnerRows } from '../../store/partners.ts';
import { type CountedBy, countPortal, type PortalCount } from '../../store/portal-counts.ts';
import { openRows } from '../../store/portal-search.ts';
import { readOnly } from '../../store/simulate.ts';
import type { Exchange } from '../context.ts';
import type { CaseSource, Due } from './case-events.ts';
import { type ListedCase, lineOf, listCases } from './list.ts';
import { keepDecisions, lookAt } from './look.ts';
import { scopeOf } from './scope.ts';
import { placeBeforeReading } from './undecided.ts';
import type { Viewer } from './viewer.ts';

const DAY = 86_400_000;
const DAYS = 14;
const MOST_URGENT = 10;
/** Clearances that wait and holds that end within this time stand on the first page. */
const SOON_MS = 3 * DAY;

export interface DueCase extends Due {
  readonly line: ListedCase;
}

export interface Overview {
  readonly urgent: readonly ListedCase[];
  readonly due: readonly DueCase[];
  readonly newSince: Date | undefined;
  readonly fresh: number;
  readonly days: readonly PortalCount[];
  readonly countries: readonly PortalCount[];
  readonly categories: readonly PortalCount[];
}

/** The first page: emergencies before priorities, what runs out, and what came within two weeks. */
export async function overviewFor(exchange: Exchange, viewer: Viewer, source: CaseSource): Promise<Overview> {
  await placeBeforeReading(exchange);
  const urgent: ListedCase[] = [];
  for (const urgency of ['emergency', 'priority']) {
    const page = await listCases(exchange, viewer, { urgency, state: 'open' }, { limit: MOST_URGENT });
    if (!isRefusal(page)) urgent.push(...page.cases);
  }
  const now = exchange.clock();
  const today = Math.floor(now / DAY) * DAY;
  const since = new Date(today - (DAYS - 1) * DAY);
  const [days = [], countries = [], categories = []] = await counted(
    exchange,
    viewer,
    ['day', 'hosting', 'category'],
    since,
  );
  const [fresh = []] = viewer.lastVisit ? await counted(exchange, viewer, ['day'], viewer.lastVisit) : [];
  return {
    urgent: urgent.slice(0, MOST_URGENT),
    due: await dueFor(exchange, viewer, await source.due(new Date(now + SOON_MS))),
    newSince: viewer.lastVisit,
    fresh: fresh.reduce((sum, { n }) => sum + n, 0),
    days: everyDay(days, since.getTime(), today),
    countries,
    categories,
  };
}

/** Days on which nothing came stand as zero: a chart without them would draw a busier time. */
function everyDay(counts: readonly PortalCount[], from: number, to: number): PortalCount[] {
  const known = new Map(counts.map(({ code, n }) => [code, n]));
  const days = [];
  for (let at = from; at <= to; at += DAY) {
    const code = new Date(at).toISOString().slice(0, 10);
    days.push({ code, n: known.get(code) ?? 0 });
  }
  return days;
}

function counted(exchange: Exchange, viewer: Viewer, by: readonly CountedBy[], since: Date): Promise<PortalCount[][]> {
  const scope = scopeOf(exchange, viewer);
  const now = new Date(exchange.clock());
  return readOnly(exchange.store.db, async (trx) => {
    const counts = [];
    for (const one of by) counts.push(await countPortal(trx, scope, one, { since, now }));
    return counts;
  });
}

async function dueFor(exchange: Exchange, viewer: Viewer, due: readonly Due[]): Promise<DueCase[]> {
  const rows = await readOnly(exchange.store.db, (trx) => openRows(trx, due));
  const looked = rows.map((row) => lookAt(exchange, viewer, row));
  await keepDecisions(
    exchange,
    viewer,
    looked.map(({ made }) => made),
  );
  const lines = new Map(
    looked.flatMap(({ shown }) => (shown ? [[`${shown.row.originator} ${shown.row.id}`, lineOf(shown)] as const] : [])),
  );
  return due.flatMap((one) => {
    const line = lines.get(`${one.originator} ${one.id}`);
    return line ? [{ ...one, line }] : [];
  });
}

export interface Statistics {
  readonly since: Date;
  readonly months: readonly PortalCount[];
  readonly categories: readonly PortalCount[];
  readonly countries: readonly PortalCount[];
  readonly states: readonly PortalCount[];
  readonly urgencies: readonly PortalCount[];
  readonly senders: readonly PortalCount[];
}

/** What came within twelve months that this liaison may see, counted by codes alone. */
export async function statisticsFor(exchange: Exchange, viewer: Viewer): Promise<Statistics> {
  await placeBeforeReading(exchange);
  const now = new Date(exchange.clock());
  const since = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 11, 1));
  const by = ['month', 'category', 'hosting', 'state', 'urgency', 'originator'] as const;
  const [months = [], categories = [], countries = [], states = [], urgencies = [], senders = []] = await counted(
    exchange,
    viewer,
    by,
    since,
  );
  const sorted = months.toSorted((a, b) => (a.code ?? '').localeCompare(b.code ?? ''));
  return { since, months: sorted, categories, countries, states, urgencies, senders };
}

/** A partner as liaisons see it: who it is and whom to call, and nothing of policies or keys. */
export interface PartnerLine {
  readonly issuer: string;
  readonly name: string;
  readonly type: string;
  readonly jurisdictions: readonly string[];
  readonly state: string;
  readonly contact: Contact | undefined;
  readonly confirmedAt: Date | undefined;
}

/** The organisations that this node exchanges with, our own first. */
export async function partnersFor({ store, self, settings }: Exchange): Promise<PartnerLine[]> {
  const rows = await readOnly(store.db, (trx) => partnerRows(trx));
  const { name, type, jurisdictions, contact } = settings;
  const own = { issuer: self, name, type, jurisdictions, state: 'own', contact, confirmedAt: undefined };
  const others = rows
    .filter(({ state }) => state === 'active' || state === 'suspended')
    .map((row) => ({
      issuer: row.issuer,
      name: row.name,
      type: row.type,
      jurisdictions: row.jurisdictions,
      state: row.state,
      contact: row.contact ?? undefined,
      confirmedAt: row.confirmed_at ?? undefined,
    }));
  return [own, ...others];
}
