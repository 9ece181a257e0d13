import { isoInstant } from '../domain/instant.ts';
import { EVENT_PREFIX } from '../domain/message.ts';
import { type NewEvent, raise, recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { type Seal, sealReferences } from '../store/recall.ts';
import { insertAll } from '../store/rows.ts';
import {
  type Attested,
  type Doubt,
  type DoubtedMessage,
  liftTombstones,
  markMessages,
  noteAttested,
  resetOutcome,
  unsealReferences,
  type Wronged,
  wrongedReferences,
} from '../store/suspect.ts';
import type { Arrival } from './arrival.ts';
import type { Exchange } from './context.ts';
import { purgeTime, tombstoneRow } from './recalled.ts';
import { ownerOf, type ReferenceName } from './record.ts';

const WITHDRAWN = `${EVENT_PREFIX}withdrawn`;
const SUBMISSIONS: ReadonlySet<string> = new Set([`${EVENT_PREFIX}submitted`, `${EVENT_PREFIX}revised`]);

/** The references that these messages are about, each once. */
function namesOf(messages: readonly DoubtedMessage[]): ReferenceName[] {
  const names = messages.flatMap(({ originator, reference_id: id }) =>
    originator === null || id === null ? [] : [{ originator, id }],
  );
  return [...new Map(names.map((name) => [ownerOf(name), name])).values()];
}

/**
 * Marks what came from a partner by keys that were in other hands since an instant, in the transaction that learns of it
 * (protocol, "Keys"). A mark erases nothing. What only suspect withdrawals sealed is opened again, and what they erased
 * may be sent again by its originator.
 * @returns how many messages were marked.
 */
export async function markSuspect(trx: Trx, doubt: Doubt): Promise<number> {
  const marked = await markMessages(trx, doubt);
  if (marked.length === 0) return 0;
  const { issuer: partner, since, at } = doubt;
  const wronged = await wrongedReferences(trx, namesOf(marked.filter(({ event }) => event === WITHDRAWN)));
  const erased = wronged.filter(({ state }) => state === 'purged');
  await unsealReferences(
    trx,
    wronged.filter(({ state }) => state !== 'purged'),
    at,
  );
  await liftTombstones(trx, erased);
  const byKey = Map.groupBy(marked, ({ kid }) => kid);
  const events: NewEvent[] = [
    ...[...byKey].map(([kid, messages]): NewEvent => {
      const body = { kid, since: isoInstant(since.getTime()), count: messages.length };
      return { type: 'message.suspect', at, partner, body };
    }),
    ...namesOf(marked.filter(({ event }) => SUBMISSIONS.has(event))).map(
      ({ originator, id }): NewEvent => ({ type: 'reference.suspect', at, partner, originator, reference: id }),
    ),
    ...wronged.map((one) => unsealed(one, partner, at)),
  ];
  await recordEvents(trx, events);
  await raise(
    trx,
    [
      { code: 'messages-suspect', partner },
      ...erased.map(({ originator, id }) => ({ code: 'purge-suspect' as const, partner, originator, subject: id })),
    ],
    at,
  );
  return marked.length;
}

function unsealed({ originator, id, state }: Wronged, partner: string, at: Date): NewEvent {
  return { type: 'reference.unsealed', at, partner, originator, reference: id, body: { state } };
}

/**
 * Takes the same payloads again under another key: the mark goes. A withdrawal that was disregarded while it was suspect
 * counts again from here, with its time of mercy anew.
 */
export async function takeAttestations(exchange: Exchange, trx: Trx, arrivals: readonly Arrival[]): Promise<void> {
  if (arrivals.length === 0) return;
  const at = new Date(exchange.clock());
  const given = arrivals.map(({ verified }) => ({
    issuer: verified.claims.iss,
    jti: verified.claims.jti,
    kid: verified.kid,
  }));
  const attested = (await noteAttested(trx, given, at)).filter(({ suspect_at }) => suspect_at !== null);
  if (attested.length === 0) return;
  await sealAgain(exchange, trx, arrivals, attested, at);
  await recordEvents(
    trx,
    attested.map(
      ({ issuer, jti, originator, reference_id }): NewEvent => ({
        type: 'message.attested',
        at,
        partner: issuer,
        jti,
        ...(originator !== null && reference_id !== null && { originator, reference: reference_id }),
      }),
    ),
  );
}

const sealing: ReadonlySet<string> = new Set(['sealed', 'purged', 'retained']);

async function sealAgain(
  exchange: Exchange,
  trx: Trx,
  arrivals: readonly Arrival[],
  attested: readonly Attested[],
  at: Date,
): Promise<void> {
  const again = attested.filter(({ event, outcome }) => event === WITHDRAWN && sealing.has(outcome ?? ''));
  if (again.length === 0) return;
  const { partners } = await exchange.directory.within(trx);
  const contents = new Map(
    arrivals.flatMap(({ verified: { claims }, judged }) =>
      judged.kind === 'withdrawn' ? [[`${claims.iss} ${claims.jti}`, judged.content] as const] : [],
    ),
  );
  const seals = again.flatMap((one): Seal[] => {
    const content = contents.get(`${one.issuer} ${one.jti}`);
    if (!content || one.originator === null || one.reference_id === null) return [];
    const hours = partners.get(one.issuer)?.policy?.receive.purgeAfterHours;
    const purgeAfter = purgeTime(exchange, content, hours);
    return [{ originator: one.originator, id: one.reference_id, reason: content.reason, purgeAfter }];
  });
  const names = namesOf(again);
  const known = new Set((await presentAmong(trx, names)).map(ownerOf));
  const buried = names.filter((name) => !known.has(ownerOf(name)));
  let position = await reservePositions(trx, buried.length);
  await insertAll(trx, [{ table: 'reference', rows: buried.map((name) => tombstoneRow(name, position++, at)) }]);
  const open = seals.filter((seal) => known.has(ownerOf(seal)));
  await sealReferences(trx, [...new Map(open.map((seal) => [ownerOf(seal), seal])).values()], at);
  await resetOutcome(
    trx,
    again.filter(({ originator, reference_id }) => known.has(`${originator} ${reference_id}`)),
  );
}

async function presentAmong(trx: Trx, names: readonly ReferenceName[]): Promise<ReferenceName[]> {
  const rows = await trx
    .selectFrom('reference')
    .select(['originator', 'id'])
    .where(
      'id',
      'in',
      names.map(({ id }) => id),
    )
    .forUpdate()
    .execute();
  return rows;
}
