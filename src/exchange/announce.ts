import type { PostOutcome } from '../domain/attempt.ts';
import { claimUntaught, noteTold } from '../store/told.ts';
import { inTransaction } from '../store/transaction.ts';
import { attestAll } from './attest.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';

/** What one partner answered to our key set: it has it, refused it, or was not reached and asks later by itself. */
export interface ToldPartner {
  readonly partner: string;
  readonly told: boolean;
  /** The code of its refusal. */
  readonly refused?: string;
  /** Why it was not reached, as a code. */
  readonly unreachable?: string;
}

/** What came of telling the published key set. */
export interface Announced {
  readonly told: readonly ToldPartner[];
  /** Messages that are said again to partners that have just taken our new identity. */
  readonly attested: number;
}

/** A partner that has not taken our new identity is told anew after this long. */
const AGAIN_MS = 5 * 60_000;
/** Answers of a listener that is there and cannot take anything now. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

/** The published key set as a compact token. */
interface Current {
  readonly keySet: string;
  readonly seq: number;
}

/** Pushes our key set to every confirmed partner that has an address for it, or to these, and notes what each answered. */
export async function announceKeys(
  exchange: Exchange,
  published: Current,
  only?: readonly string[],
): Promise<Announced> {
  const { partners } = await exchange.directory.within(exchange.store.db);
  const reachable = [...partners.values()].flatMap((partner) =>
    partner.endpoints.keys && partner.state !== 'pending' && (only?.includes(partner.facts.issuer) ?? true)
      ? [{ partner, url: partner.endpoints.keys }]
      : [],
  );
  const answers = await Promise.all(reachable.map(({ partner, url }) => tell(exchange, partner, url, published)));
  const attested = answers.reduce((sum, one) => sum + one.attested, 0);
  if (attested > 0) exchange.wake.outbox();
  return { told: answers.map(({ answer }) => answer), attested };
}

async function tell(
  exchange: Exchange,
  { facts: { issuer: partner }, local }: PartnerEntry,
  url: string,
  { keySet, seq }: Current,
): Promise<{ readonly answer: ToldPartner; readonly attested: number }> {
  const answer = answerOf(partner, await exchange.transport.postKeySet(url, keySet, { partner, local }));
  // Silence says nothing of what it knows: a refusal before it stands.
  if (answer.unreachable !== undefined) return { answer, attested: 0 };
  const attested = await inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const first = await noteTold(trx, { issuer: partner, seq, at, code: answer.refused });
    return first ? attestAll(exchange, trx, partner) : 0;
  });
  return { answer, attested };
}

function answerOf(partner: string, outcome: PostOutcome): ToldPartner {
  if (outcome.status === 'accepted') return { partner, told: true };
  if (outcome.status === 'unreachable') return { partner, told: false, unreachable: outcome.code };
  const { http, err } = outcome;
  const later = http >= 500 || http < 400 || LATER.has(http);
  if (later) return { partner, told: false, unreachable: `http-${http}` };
  return { partner, told: false, refused: err ?? `http-${http}` };
}

/**
 * Tells partners that have not taken our new identity once more: whoever confirms it knows us from that moment on, and
 * nothing else tells us that it did. A node that takes no inbound connection tells every key set until it is taken: nobody
 * can ask for it.
 */
export async function announceAgain(exchange: Exchange, published: Current | undefined): Promise<void> {
  if (!published) return;
  const now = exchange.clock();
  const untaught = await claimUntaught(
    exchange.store.db,
    new Date(now),
    new Date(now - AGAIN_MS),
    exchange.settings.pollOnly === true,
  );
  if (untaught.length > 0) await announceKeys(exchange, published, untaught);
}
