import { type NewEvent, raise } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { isClosed } from '../store/recall.ts';
import { veiledAmong } from '../store/recovery.ts';
import { type DuplicatesFound, openDuplicates } from './duplicates.ts';
import type { Ledger } from './ledger.ts';
import { type Conflicting, conflictAlerts, conflictEvents, conflictsAmong } from './pen-conflict.ts';
import { type Macs, ownerOf } from './record.ts';

/** What is known of the addresses that partners sent, for the feed and for people. */
export interface Arrived {
  /** The entries of the ledger, those of new references with what is known of their address. */
  readonly events: NewEvent[];
  readonly conflicts: readonly Conflicting[];
}

/**
 * Looks for duplicates of what partners sent, before anybody here works on it. The answer stays here: nothing of it is in a receipt,
 * and no decision depends on it. Of what comes behind a veil nothing is said.
 */
export async function answerArrivals(trx: Trx, ledger: Ledger): Promise<Arrived> {
  const { events, entries, at } = ledger;
  const macs = macsByOwner(ledger);
  const veiled = await veiledAmong(trx, [
    ...new Set(events.filter(isArrival).map(({ originator }) => originator ?? '')),
  ]);
  const arrived = events.filter(isArrival).flatMap((event) => {
    const name = { originator: event.originator ?? '', id: event.reference ?? '' };
    const entry = entries.get(ownerOf(name));
    const own = macs.get(ownerOf(name));
    if (!entry || !own || isClosed(entry.state) || veiled.has(name.originator)) return [];
    const observedAt = 'observedAt' in entry.content ? entry.content.observedAt : undefined;
    return [{ event, ...name, macs: own, observedAt }];
  });
  if (arrived.length === 0) return { events: [...events], conflicts: [] };
  const duplicates = await openDuplicates(trx, arrived);
  const found = new Map(arrived.map((one) => [one.event, { name: one, ...duplicates(one) }]));
  const conflicts = conflictsAmong([...found.values()].map(({ name, duplicateAnswer: answer }) => ({ name, answer })));
  const told = events.map((event) => withAnswer(event, found.get(event)));
  return { events: [...told, ...conflictEvents(conflicts, at)], conflicts };
}

/** Tells the operator of an address whose pen we hold and another organisation holds too. */
export async function alertArrivals(trx: Trx, { exchange, at }: Ledger, { conflicts }: Arrived): Promise<void> {
  await raise(trx, conflictAlerts(exchange.self, conflicts), at);
}

function isArrival({ type }: NewEvent): boolean {
  return type === 'reference.received';
}

function withAnswer(event: NewEvent, found: DuplicatesFound | undefined): NewEvent {
  if (!found) return event;
  const { answer: duplicate, rule } = found.duplicateAnswer;
  const count = found.duplicates.filter(({ match }) => match === duplicate).length;
  return { ...event, body: { ...event.body, duplicate, rule, ...(count > 0 && { count }) } };
}

function macsByOwner({ rows }: Ledger): Map<string, Macs> {
  const owners = Map.groupBy(rows.indexes, ({ originator, id }) => `${originator} ${id}`);
  return new Map(
    [...owners].map(([owner, indexes]) => [
      owner,
      Object.fromEntries(indexes.map(({ name, mac }) => [name, mac])) as unknown as Macs,
    ]),
  );
}
