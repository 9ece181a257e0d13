import type { CaseReference, Handle } from '../../domain/contract.types.ts';
import { portalReach } from '../../domain/marking.ts';
import { isIndustryForm } from '../../domain/policy/industry.ts';
import { findablePlaces, isHidden } from '../../domain/portal.ts';
import { isUndecided, settlePlaces, takeUndecided, type Undecided } from '../../store/portal-places.ts';
import type { NewRow } from '../../store/rows.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import { openContent } from '../record.ts';
import { every, type Ticking } from '../ticking.ts';

const BATCH = 500;
const TICK_MS = 2000;

/** Settles where one batch of new or changed references is found. @returns how many there were. */
export async function placeReferences(exchange: Exchange, limit = BATCH): Promise<number> {
  return inTransaction(exchange.store.db, async (trx) => {
    const taken = await takeUndecided(trx, limit);
    const made = { places: [] as NewRow[], handles: [] as NewRow[] };
    for (const one of taken) place(exchange, one, made);
    await settlePlaces(
      trx,
      taken.map(({ position }) => position),
      made,
    );
    return taken.length;
  });
}

/** What waits is settled before a page is read, so that nobody misses what came a moment ago; a long queue is left to the worker. */
export async function placeBeforeReading(exchange: Exchange): Promise<void> {
  if (await isUndecided(exchange.store.db)) await placeReferences(exchange);
}

/** Settles where references are found, now and every few seconds; also, after an update, of everything that was here before. */
export function startPlacing(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'portal.unplaced' }, async () => {
    let done = BATCH;
    while (done === BATCH) done = await placeReferences(exchange);
  });
}

function place(exchange: Exchange, row: Undecided, made: { places: NewRow[]; handles: NewRow[] }): void {
  const { wrapped, body, revision, position, originator, id, category, urgency, state, hosting } = row;
  if (!wrapped || !body || isHidden(state)) return;
  const content = openContent(exchange.vault, row, { revision, body, wrapped });
  const reach = portalReach(content.marking);
  if (isIndustryForm(content) || reach === 'none') return;
  const places = findablePlaces(content);
  if (places.length === 0) return;
  const assessments = assessmentsOf(content);
  const { created_at, expires_at } = row;
  for (const code of places) {
    const facts = { originator, id, reach, category, urgency, state, hosting, assessments, created_at, expires_at };
    made.places.push({ place: code, position, ...facts });
  }
  for (const { id: number } of content.handles ?? []) {
    made.handles.push({ mac: numberMac(exchange, number), position });
  }
}

function assessmentsOf({ assessments = [] }: CaseReference): string[] {
  return [...new Set(assessments.map(({ scheme, code }) => `${scheme}:${code}`))];
}

/** Blind index of a case number, in whatever system it was given: spaces and case are how people type, not what they mean. */
export function numberMac({ vault }: Pick<Exchange, 'vault'>, number: Handle['id']): Uint8Array {
  return vault.digest('portal number', number.normalize('NFKC').replaceAll(/\s+/g, '').toUpperCase());
}
