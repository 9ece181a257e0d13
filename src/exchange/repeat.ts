import { isoInstant } from '../domain/instant.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { type FirstShared, firstShared, sendDecisions } from '../store/imports.ts';
import type { Trx } from '../store/open.ts';
import { isClosed } from '../store/recall.ts';
import type { Exchange } from './context.ts';
import { type DuplicatesFound, duplicatesOf } from './duplicates.ts';
import type { Intake } from './intake.ts';
import { type Macs, openReference } from './record.ts';
import type { PartnerDecision, Shared } from './sharing.ts';

/** A submission that may have been made before, under an id that it has either way. */
interface Repeated extends Omit<Intake, 'id'> {
  readonly originator: string;
  readonly id: string;
  readonly macs: Macs;
}

/**
 * Answers submissions whose ids are taken: what was shared once with the same content is answered as it stands, other
 * content under the same id is `reference-exists`, and what was recalled since stays recalled. In the order given.
 */
export async function answerRepeats(
  exchange: Exchange,
  trx: Trx,
  repeats: readonly Repeated[],
): Promise<(Shared | Refusal[])[]> {
  if (repeats.length === 0) return [];
  const ids = repeats.map(({ id }) => id);
  const stored = new Map((await firstShared(trx, exchange.self, ids)).map((row) => [row.id, row]));
  const decided = Map.groupBy(await sendDecisions(trx, exchange.self, ids), ({ id }) => id);
  const found: DuplicatesFound[] = [];
  for (const one of repeats) found.push(await duplicatesOf(trx, one));
  return repeats.map((one, index) => {
    const row = stored.get(one.id);
    const refusal = refusalOf(exchange, one, row);
    if (refusal || !row) return [refusal ?? refuse('reference-exists', '/id')];
    const decisions = (decided.get(one.id) ?? []).map(
      ({ partner, effect, rule, policy_version: policyVersion, trace }): PartnerDecision => {
        return { partner, decision: { effect, rule, policyVersion, trace } as PartnerDecision['decision'] };
      },
    );
    return {
      id: one.id,
      reference: one.reference,
      createdAt: isoInstant(row.createdAt.getTime()),
      decisions,
      ...(found[index] as DuplicatesFound),
      normalised: one.normalised,
      replayed: true,
    };
  });
}

function refusalOf(exchange: Exchange, one: Repeated, row: FirstShared | undefined): Refusal | undefined {
  if (!row) return refuse('reference-exists', '/id');
  const { wrapped, body } = row;
  if (isClosed(row.state) || !wrapped || !body) {
    return refuse('reference-withdrawn', '', 'This was shared before, and was withdrawn or has expired since.');
  }
  const before = openReference(exchange.vault, one, { revision: 1, wrapped, body });
  return JSON.stringify(before) === JSON.stringify(one.reference) ? undefined : refuse('reference-exists', '/id');
}
