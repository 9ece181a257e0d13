import type { Assessment, Handle } from '../../domain/contract.types.ts';
import { portalReach } from '../../domain/marking.ts';
import { isIndustryForm } from '../../domain/policy/industry.ts';
import { findablePlaces, isHidden } from '../../domain/portal.ts';
import type { Trx } from '../../store/open.ts';
import { isUndecided, settlePlaces, takeUndecided, type Undecided } from '../../store/portal-places.ts';
import { placeKey } from '../../store/portal-search.ts';
import type { NewRow } from '../../store/rows.ts';
import { inTransaction } from '../../store/transaction.ts';
import { matchKeys } from '../../wire/match.ts';
import { openLogs } from '../case/log.ts';
import { spokenIn, spokenOfEvent } from '../case/voices.ts';
import type { Exchange } from '../context.ts';
import { openContent, ownerOf } from '../record.ts';
import { every, type Ticking } from '../ticking.ts';
import { readable } from './look.ts';

const BATCH = 500;
const TICK_MS = 2000;

interface Made {
  readonly places: NewRow[];
  readonly assessed: NewRow[];
  readonly handles: NewRow[];
}

/** Settles where one batch of new or changed references is found. @returns how many there were. */
async function placeReferences(exchange: Exchange, limit = BATCH): Promise<number> {
  return inTransaction(exchange.store.db, async (trx) => {
    const taken = await takeUndecided(trx, limit);
    const made: Made = { places: [], assessed: [], handles: [] };
    const claims = await claimsSince(exchange, trx, taken);
    for (const one of taken) readable(exchange, one, () => place(exchange, one, claims.get(ownerOf(one)) ?? [], made));
    await settlePlaces(
      trx,
      taken.map(({ position }) => position),
      made,
    );
    return taken.length;
  });
}

type Claim = Pick<Assessment, 'scheme' | 'code'>;

/** What was claimed about these references beside what they say themselves, as far as it counts. */
async function claimsSince(
  exchange: Exchange,
  trx: Trx,
  rows: readonly Undecided[],
): Promise<ReadonlyMap<string, readonly Claim[]>> {
  const open = new Map(rows.flatMap((row) => (row.wrapped ? [[ownerOf(row), row.wrapped] as const] : [])));
  const named = rows.filter((row) => open.has(ownerOf(row)));
  const logs = await openLogs(exchange, trx, named, (name) => {
    const wrapped = open.get(ownerOf(name));
    return wrapped && readable(exchange, name, () => exchange.vault.unwrap(wrapped, ownerOf(name)));
  });
  const claimed = [...logs].map(
    ([owner, log]) =>
      [owner, spokenOfEvent(spokenIn(log), 'assessed').map(({ statement }) => statement.payload)] as const,
  );
  return new Map(claimed);
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

function place(exchange: Exchange, row: Undecided, claims: readonly Claim[], made: Made): void {
  const { wrapped, body, revision, position, originator, id, category, urgency, state, hosting } = row;
  if (!wrapped || !body || isHidden(state)) return;
  const content = openContent(exchange.vault, row, { revision, body, wrapped });
  const reach = portalReach(content.marking);
  if (isIndustryForm(content) || reach === 'none') return;
  const places = findablePlaces(content);
  if (places.length === 0) return;
  const { created_at, expires_at } = row;
  const host = exchange.vault.index('K3', matchKeys(content.url).K3);
  const assessments = namesOf([...(content.assessments ?? []), ...claims]);
  for (const code of places) {
    const key = placeKey(code, reach);
    const facts = { originator, id, category, urgency, state, hosting, host, created_at, expires_at };
    made.places.push({ place: key, position, ...facts });
    made.assessed.push(...assessments.map((assessment) => ({ place: key, assessment, position })));
  }
  // The number that its page tells people to quote leads back to it, as every number does that the sender noted in it.
  for (const number of [id, ...(content.handles ?? []).map((handle) => handle.id)]) {
    made.handles.push({ mac: numberMac(exchange, number), position });
  }
}

function namesOf(claims: readonly Claim[]): string[] {
  return [...new Set(claims.map(({ scheme, code }) => `${scheme}:${code}`))];
}

/** Blind index of a case number, in whatever system it was given: spaces and case are how people type, not what they mean. */
export function numberMac({ vault }: Pick<Exchange, 'vault'>, number: Handle['id']): Uint8Array {
  return vault.digest('portal number', number.normalize('NFKC').replaceAll(/\s+/g, '').toUpperCase());
}
