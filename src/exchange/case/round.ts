import { dueCourses } from '../../store/case.ts';
import { lockReferences } from '../../store/messages.ts';
import type { Trx } from '../../store/open.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { Exchange } from '../context.ts';
import { openContent, ownerOf, type ReferenceName } from '../record.ts';
import { every, type Ticking } from '../ticking.ts';
import { openLogs } from './log.ts';
import { type Settling, settleCase } from './settle.ts';

const BATCH = 100;

/** A case opened under the lock of its reference. */
export async function openCase(exchange: Exchange, trx: Trx, name: ReferenceName, at: Date): Promise<Settling> {
  const [row] = await lockReferences(trx, [name]);
  const snapshot = await exchange.directory.within(trx);
  const { wrapped, body } = row ?? {};
  const key = wrapped ? exchange.vault.unwrap(wrapped, ownerOf(name)) : undefined;
  const log = (await openLogs(exchange, trx, [name], () => key)).get(ownerOf(name));
  if (!log) throw new Error('a log was asked for and not given');
  const { vault } = exchange;
  const known =
    row && wrapped && body
      ? {
          state: row.state,
          content: openContent(vault, name, { revision: row.revision, wrapped, body }),
          closedByWord: row.closed_by_word,
        }
      : undefined;
  return { snapshot, log, known, gone: row !== undefined && known === undefined && row.doubted_at === null, at };
}

/**
 * Brings on what changes by itself: holds that end, reviews, deadlines, hand-overs that nobody answered, and what waited too long.
 * Each case is a transaction of its own, so an interruption leaves the rest for the next look, in this process or another; and
 * one that cannot be read keeps no other waiting. Throws the first failure, when all have been looked at.
 * @returns how many cases were looked at.
 */
export async function settleDue(exchange: Exchange): Promise<number> {
  const now = new Date(exchange.clock());
  let looked = 0;
  const failures: unknown[] = [];
  const seen = new Set<string>();
  for (;;) {
    const due = (await dueCourses(exchange.store.db, now, BATCH)).filter((name) => !seen.has(ownerOf(name)));
    for (const name of due) {
      seen.add(ownerOf(name));
      await settleOne(exchange, name).catch((failure: unknown) => failures.push(failure));
    }
    looked += due.length;
    if (due.length > 0) exchange.wake.outbox();
    if (due.length < BATCH) break;
  }
  if (failures.length > 0) throw failures[0];
  return looked;
}

function settleOne(exchange: Exchange, name: ReferenceName): Promise<void> {
  return inTransaction(exchange.store.db, async (trx) => {
    await settleCase(exchange, trx, await openCase(exchange, trx, name, new Date(exchange.clock())));
  });
}

const TICK_MS = 1000;

/** Looks every second; `stop` waits for a look that is under way. */
export function startCases(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'case.failed' }, () => settleDue(exchange));
}
