import { isoInstant } from '../../domain/instant.ts';
import { refuse } from '../../domain/refusal.ts';
import type { Trx } from '../../store/open.ts';
import type { OpenedStatement } from '../../wire/case-event.ts';
import type { Arrival, Verdict } from '../arrival.ts';
import type { Exchange } from '../context.ts';
import type { Ledger } from '../ledger.ts';
import { ownerOf } from '../record.ts';
import { OVER_LIMIT } from './hold-limit.ts';
import { HELD_FOR, type Judged, judgeStatement } from './judge.ts';
import { enter, isFull } from './log.ts';
import { settleCase } from './settle.ts';

/** Statements of one sender that wait at the same time. */
const MOST_WAITING = 5000;

/** Enters what a partner says about a reference: taken, waiting for what it speaks of, or refused. */
export function enterStatement(ledger: Ledger, arrival: Arrival, opened: OpenedStatement): Verdict {
  const { exchange, snapshot, at, cases } = ledger;
  if (exchange.settings.type === 'industry') return { outcome: 'refused', refusal: refuse('unsupported-event') };
  const name = { originator: opened.reference.iss, id: opened.reference.sub };
  const owner = ownerOf(name);
  const log = cases.logs.get(owner);
  if (!log) throw new Error('a statement was taken without the log of its reference');
  if (ledger.closed.has(owner)) return { outcome: 'refused', refusal: refuse('reference-withdrawn') };
  const known = ledger.entries.get(owner);
  const holders = cases.holders.get(owner) ?? new Map();
  const overtakes = cases.overtaking.has(`${opened.sender} ${arrival.verified.claims.jti}`);
  const bench = { exchange, snapshot, now: at.getTime(), holders, overtakes };
  const judged = withinLimit(ledger, opened, judgeStatement(bench, log, opened, known));
  if (judged.kind === 'refused') return { outcome: 'refused', refusal: judged.refusal };
  const crowded = judged.kind === 'held' && isCrowded(ledger, opened.sender);
  if (crowded || isFull(log, opened.statement, { sender: opened.sender, self: exchange.self }))
    return { outcome: 'refused', refusal: refuse('too-large') };
  const heard = { sender: opened.sender, carrier: arrival.verified.claims.jti, digest: opened.digest, at };
  if (known) ledger.kept.add(arrival);
  if (judged.kind === 'taken') {
    enter(exchange, log, opened.statement, { ...heard, state: 'taken' }, known?.key);
    return { outcome: 'accepted' };
  }
  const { code, pointer } = judged.refusal;
  const heldUntil = new Date(at.getTime() + HELD_FOR);
  enter(exchange, log, opened.statement, { ...heard, state: 'held', code, heldUntil }, known?.key);
  return {
    outcome: 'held',
    refusal: { code, pointer },
    kept: { code, until: isoInstant(heldUntil.getTime()) },
  };
}

/** Holds over the partner's own limit a day wait for the operator, who is told; a lift never does, nor what is relayed. */
function withinLimit({ quota }: Ledger, { sender, statement }: OpenedStatement, judged: Judged): Judged {
  const { event, payload, relayed } = statement;
  if (judged.kind === 'refused' || relayed || event !== 'hold' || payload.step !== 'placed') return judged;
  return quota.takeHold(sender) ? judged : { kind: 'held', refusal: refuse(OVER_LIMIT) };
}

/** What waits is no place to fill a node with: one sender's share of it ends. */
function isCrowded({ cases }: Ledger, sender: string): boolean {
  const before = cases.waiting.get(sender) ?? 0;
  cases.waiting.set(sender, before + 1);
  return before >= MOST_WAITING;
}

/** Brings on every case that these messages changed; once the references are written. */
export async function settleCases(exchange: Exchange, trx: Trx, ledger: Ledger): Promise<void> {
  const { snapshot, at, cases, entries, closed } = ledger;
  for (const [owner, log] of cases.logs) {
    if (log.entries.length === 0) continue;
    const known = entries.get(owner);
    await settleCase(exchange, trx, { snapshot, log, known, gone: closed.has(owner), at });
  }
}
