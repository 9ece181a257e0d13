import { deliveryBreaches } from './invariant-deliveries.ts';
import type { Judging } from './invariant-line.ts';
import { receiptBreaches } from './invariant-receipts.ts';
import { referenceBreaches } from './invariant-references.ts';
import { readFacts, type StoredFacts, type WatchedNode } from './stored-facts.ts';

// What must hold between nodes whatever broke between them. The same judge serves the scenarios over a faulty network and the
// simulation; it reads stores and nothing else, and says in words what it found.

/** Reads every node and judges what they say together; empty where everything holds. */
export async function findBreaches(nodes: readonly WatchedNode[], judging: Judging = {}): Promise<string[]> {
  return judge(await Promise.all(nodes.map(readFacts)), judging);
}

/** Judges facts that were read before; pure. Nodes that write meanwhile are to be read while they rest. */
export function judge(all: readonly StoredFacts[], judging: Judging = {}): string[] {
  return all.flatMap((from) => [
    ...answeredBreaches(from, judging),
    ...all
      .filter((to) => to !== from)
      .flatMap((to) => {
        const line = { from, to, judging };
        return [...deliveryBreaches(line), ...receiptBreaches(line), ...referenceBreaches(line)];
      }),
  ]);
}

/** A reference that was answered with 201 is there, with a decision for everybody who was a partner at that time. */
function answeredBreaches(node: StoredFacts, { answered, atRest, restored }: Judging): string[] {
  const own = new Map(node.references.filter(({ direction }) => direction === 'out').map((one) => [one.id, one]));
  const lost = restored?.has(node.issuer)
    ? []
    : (answered?.get(node.issuer) ?? [])
        .filter((id) => !own.has(id))
        .map((id) => `${node.issuer} lost ${id}, which it had answered`);
  const decided = new Set(node.decisions.map(({ id, partner }) => `${id} ${partner}`));
  const asked = node.partners.filter(({ state }) => state === 'active' || state === 'suspended');
  const undecided = [...own.values()].flatMap(({ id, createdAt, hasKey }) =>
    asked
      .filter(({ confirmedAt }) => confirmedAt !== null && (atRest || confirmedAt < createdAt))
      .filter(({ issuer }) => hasKey && !decided.has(`${id} ${issuer}`))
      .map(({ issuer }) => `${node.issuer} took ${id} and decided nothing about it for ${issuer}`),
  );
  return [...lost, ...undecided];
}

/**
 * What is still under way between nodes, in words: deliveries that wait, messages without a receipt. Empty once everything
 * came to its end; dead letters and held withdrawals have ended, since they wait for a person.
 */
export function outstanding(all: readonly StoredFacts[]): string[] {
  return all.flatMap(({ issuer, deliveries, owed }) => [
    ...deliveries
      .filter(({ state, event }) => state === 'queued' || (underWay.has(state) && isAnswered(event)))
      .map(({ event, jti, partner, state, code }) =>
        `${issuer} to ${partner}: ${event} ${jti} is ${state} ${code ?? ''}`.trim(),
      ),
    ...owed.map(({ partner, delivery }) => `${issuer} owes ${partner} another signature of ${delivery}`),
  ]);
}

/** Taken by the partner, and not answered for. */
const underWay: ReadonlySet<string> = new Set(['sent', 'overdue']);

/** Every message but these two gets a receipt. */
function isAnswered(event: string): boolean {
  return event !== 'receipt' && event !== 'voided';
}
