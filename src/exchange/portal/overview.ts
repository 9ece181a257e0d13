import type { Contact } from '../../domain/contract.types.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { partnerRows } from '../../store/partners.ts';
import { type CountedBy, countPortal, type PortalCount } from '../../store/portal-counts.ts';
import { readOnly } from '../../store/simulate.ts';
import type { Exchange } from '../context.ts';
import { type Due, dueFor } from './due.ts';
import { type ListedCase, listCases } from './list.ts';
import { scopeOf } from './scope.ts';
import { placeBeforeReading } from './undecided.ts';
import type { Viewer } from './viewer.ts';

const DAY = 86_400_000;
const DAYS = 14;
const MOST_URGENT = 10;

export interface Overview {
  readonly urgent: readonly ListedCase[];
  readonly due: readonly Due[];
  readonly newSince: Date | undefined;
  readonly fresh: number;
  readonly days: readonly PortalCount[];
  readonly countries: readonly PortalCount[];
  readonly categories: readonly PortalCount[];
}

/** The first page: emergencies before priorities, what runs out, and what came within two weeks. */
export async function overviewFor(exchange: Exchange, viewer: Viewer): Promise<Overview> {
  await placeBeforeReading(exchange);
  const now = exchange.clock();
  const today = Math.floor(now / DAY) * DAY;
  const since = new Date(today - (DAYS - 1) * DAY);
  const arrived = await counted(exchange, viewer, ['day', 'hosting', 'category'], since);
  const fresh = viewer.lastVisit ? (await counted(exchange, viewer, ['day'], viewer.lastVisit)).day : [];
  return {
    urgent: [
      ...(await newestUrgent(exchange, viewer, 'emergency')),
      ...(await newestUrgent(exchange, viewer, 'priority')),
    ],
    due: await dueFor(exchange, viewer),
    newSince: viewer.lastVisit,
    fresh: fresh.reduce((sum, { n }) => sum + n, 0),
    days: everyDay(arrived.day, since.getTime(), today),
    countries: arrived.hosting,
    categories: arrived.category,
  };
}

/** What nobody has finished yet: a hold or a hand-over that was returned makes nothing less urgent. */
const unfinished = ['open', 'on-hold', 'unplaced'];

/** The newest of one urgency that wait, so many at most: many emergencies hide no priority case. */
async function newestUrgent(exchange: Exchange, viewer: Viewer, urgency: string): Promise<ListedCase[]> {
  const found: ListedCase[] = [];
  for (const state of unfinished) {
    const page = await listCases(exchange, viewer, { urgency, state }, { limit: MOST_URGENT });
    if (!isRefusal(page)) found.push(...page.cases);
  }
  return found.toSorted((a, b) => b.receivedAt.getTime() - a.receivedAt.getTime()).slice(0, MOST_URGENT);
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

function counted<By extends CountedBy>(exchange: Exchange, viewer: Viewer, by: readonly By[], since: Date) {
  const scope = scopeOf(exchange, viewer);
  const now = new Date(exchange.clock());
  return readOnly(exchange.store.db, (trx) => countPortal(trx, scope, by, { since, now }));
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
  const counts = await counted(exchange, viewer, by, since);
  return {
    since,
    months: counts.month.toSorted((a, b) => (a.code ?? '').localeCompare(b.code ?? '')),
    categories: counts.category,
    countries: counts.hosting,
    states: counts.state,
    urgencies: counts.urgency,
    senders: counts.originator,
  };
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
