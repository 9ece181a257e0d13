import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import { waitsToBeFetched } from '../../domain/poll.ts';
import { waitingByPartner } from '../../store/checkup.ts';
import { type PollSeen, pollsSeen } from '../../store/poll.ts';
import type { Exchange } from '../context.ts';
import type { PartnerEntry } from '../directory.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What is known of the polls between this node and one partner; instants in milliseconds since 1970. */
export interface PollStanding {
  readonly issuer: string;
  /** It fetches what is for it here. */
  readonly fetches: boolean;
  /** We fetch what it has for us, and whether it has an address for that; undefined where it pushes to us. */
  readonly asked: { readonly possible: boolean } | undefined;
  readonly served: number | undefined;
  readonly answered: { readonly at: number | undefined; readonly code: string | undefined } | undefined;
  readonly waiting: { readonly count: number; readonly since: number } | undefined;
}

/** Tells of partners that fetch, and of those that we ask, whether they did: a poll that does not come is no failure here. */
export async function examinePolls(exchange: Exchange, only?: string): Promise<Finding[]> {
  const { db } = exchange.store;
  const { partners } = await exchange.directory.within(db);
  const [seen, waiting] = [await pollsSeen(db), await waitingByPartner(db)];
  const now = exchange.clock();
  return [...partners.values()]
    .filter(({ state, facts }) => state !== 'pending' && (only === undefined || facts.issuer === only))
    .flatMap((partner) => {
      const queued = waiting.get(partner.facts.issuer);
      const waits = queued && { count: queued.count, since: queued.since.getTime() };
      return examinePolling(standingOf(exchange, partner, seen, waits), now);
    });
}

function standingOf(
  { settings }: Exchange,
  partner: PartnerEntry,
  seen: readonly PollSeen[],
  waiting: PollStanding['waiting'],
): PollStanding {
  const { issuer } = partner.facts;
  const of = (side: PollSeen['side']) => seen.find((one) => one.partner === issuer && one.side === side);
  const asked = of('asked');
  return {
    issuer,
    fetches: waitsToBeFetched(partner),
    asked: settings.pollOnly ? { possible: partner.endpoints.poll !== undefined } : undefined,
    served: of('served')?.at?.getTime(),
    answered: asked && { at: asked.at?.getTime(), code: asked.code ?? undefined },
    waiting,
  };
}

/** What of it needs a person. `now` in milliseconds. */
export function examinePolling(standing: PollStanding, now: number): Finding[] {
  return [...examineFetching(standing, now), ...examineAsking(standing)];
}

function examineFetching({ issuer: partner, fetches, served, waiting }: PollStanding, now: number): Finding[] {
  if (!fetches) return [];
  const last = served === undefined ? 'it has not asked yet' : `it asked last ${isoInstant(served)}`;
  const many = waiting?.count === 1 ? '1 message waits' : `${waiting?.count ?? 'No'} messages wait`;
  const message = `${many} to be fetched by ${partner}; ${last}.`;
  // It keeps a poll open all the time: who has not asked for an hour is away.
  const since = waiting ? Math.max(served ?? 0, waiting.since) : served;
  if (since === undefined || now - since <= HOUR) return [{ level: 'ok', code: 'poll-served', partner, message }];
  const next = `Call its operator: its node does not ask. See what waits: caseref delivery list --state queued --partner ${partner}`;
  return [{ level: waiting && now - since > DAY ? 'bad' : 'warn', code: 'poll-overdue', partner, message, next }];
}

function examineAsking({ issuer: partner, asked, answered }: PollStanding): Finding[] {
  if (!asked) return [];
  if (!asked.possible) {
    const message = `${partner} names no address to fetch from, and this node takes no inbound connection: nothing of it arrives.`;
    const next = `Ask its operator to publish one: caseref keys publish; then: caseref partner check ${partner}`;
    return [{ level: 'bad', code: 'poll-missing', partner, message, next }];
  }
  const last = answered?.at === undefined ? 'never' : `last ${isoInstant(answered.at)}`;
  if (answered && answered.code === undefined) {
    const message = `We fetch from ${partner}; it answered ${last}.`;
    return [{ level: 'ok', code: 'poll-asked', partner, message }];
  }
  const why = answered?.code === undefined ? '' : ` (${answered.code})`;
  const message = `We fetch from ${partner}, and it does not answer${why}: ${last}.`;
  return [{ level: 'warn', code: 'poll-unanswered', partner, message, next: `caseref partner check ${partner}` }];
}
