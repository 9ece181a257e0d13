import { isDate, isoInstant } from '../../domain/instant.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import { liaisonRows } from '../../store/liaisons.ts';
import { partnerRow } from '../../store/partners.ts';
import { type LooksOfDay, looksByDay } from '../../store/portal-views.ts';
import type { Exchange } from '../context.ts';
import { type Care, careOf, setCare } from '../portal/views.ts';

interface Unit {
  readonly agency: string;
  readonly unit: string;
}

/** Sets how a unit of liaisons is cared for, and says how it is now; `not-found` where nobody is accredited for it. */
export async function careForUnit(
  exchange: Exchange,
  { agency, unit, breakHint, exposureNote }: Unit & { readonly [Name in keyof Care]?: boolean | undefined },
): Promise<(Unit & Care) | Refusal> {
  const rows = await liaisonRows(exchange.store.db);
  if (!rows.some((row) => row.agency === agency && row.unit === unit))
    return refuse('not-found', '/unit', 'Nobody is accredited for this unit.', 'List them: caseref liaison list.');
  const change = { ...(breakHint !== undefined && { breakHint }), ...(exposureNote !== undefined && { exposureNote }) };
  if (Object.keys(change).length > 0) await setCare(exchange, { agency, unit }, change);
  return { agency, unit, ...(await careOf(exchange, { agency, unit })) };
}

const DAY = 86_400_000;
const DAYS = 90;

/**
 * What an originator can be told of looks at its references, and all of it: day, country and count, and nothing of who, which unit or which
 * case. `since` is a day, 90 days ago where absent. `partner-unknown` for an organisation that this node does not know, `usage-invalid` for no day.
 */
export async function countLooks(
  { store, self, clock }: Exchange,
  { originator, since }: { readonly originator: string; readonly since?: string | undefined },
): Promise<{ originator: string; since: string; items: readonly LooksOfDay[]; next: null } | Refusal> {
  if (originator !== self && !(await partnerRow(store.db, originator)))
    return refuse('partner-unknown', '/originator', undefined, 'List them: caseref partner list.');
  if (since !== undefined && !isDate(since))
    return refuse('usage-invalid', '/since', 'This is no day.', 'Write it as YYYY-MM-DD.');
  const from = since ?? isoInstant(clock() - DAYS * DAY).slice(0, 10);
  const items = await looksByDay(store.db, originator, new Date(`${from}T00:00:00Z`));
  return { originator, since: from, items, next: null };
}
