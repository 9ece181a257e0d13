import { mayRecord } from '../../domain/authority/record.ts';
import { caseState } from '../../domain/authority/state.ts';
import type { Payloads, Statement } from '../../domain/authority/statement.ts';
import type { CaseEventName } from '../../domain/message.ts';
import type { RefusalCode } from '../../domain/refusal.ts';
import { isVeiled } from '../../store/case.ts';
import { findHits } from '../../store/duplicates.ts';
import { findReference } from '../../store/lists.ts';
import { lockReferences } from '../../store/messages.ts';
import type { Trx } from '../../store/open.ts';
import { isClosed } from '../../store/recall.ts';
import { matchKeys } from '../../wire/match.ts';
import type { Exchange } from '../context.ts';
import { macsOf, openContent, ownerOf, type ReferenceName } from '../record.ts';
import { counted, isFull } from './log.ts';
import { partiesOf, subjectOf } from './parties.ts';
import { openCase } from './round.ts';
import { refuseUnheard, takeOwn } from './take.ts';

/** What is as true of every reference to an address as of the one that it is said about: what is seen there by whoever looks. */
const seenByAll: ReadonlySet<string> = new Set(['removed', 'unavailable', 'online', 'reappeared']);
/** References to one address that are looked at, the newest first, and that are told of: so many in all, so many of one originator. */
const LOOKED_AT = 200;
const MOST_LINKED = 30;
const MOST_OF_ONE = 3;

/** Another reference to the same address of which the same was said: who is told, or why nothing was recorded. */
export interface LinkedStatement extends ReferenceName {
  readonly told: readonly string[];
  readonly code?: RefusalCode;
}

interface Said extends ReferenceName {
  readonly event: CaseEventName;
  readonly payload: unknown;
  readonly alsoLinked?: boolean | undefined;
}

/**
 * The other references to the address of one that is spoken of, where a person asks that a report of fact reach each originator:
 * many senders, one address. Locked with it in one order, before anything else is. Never by itself: nothing automatic on the wire
 * depends on a match with another party's reference (protocol, "Inquiries"). What a party without a node told, a proposal, a
 * judgement under a law and what was done for one case stay with the reference that they were said about.
 */
export async function lockLinked(exchange: Exchange, trx: Trx, said: Said): Promise<ReferenceName[]> {
  if (!reachesLinked(said)) return [];
  const row = await findReference(trx, said.originator, said.id);
  if (!row?.body || !row.wrapped || isClosed(row.state)) return [];
  const { url } = openContent(exchange.vault, said, { revision: row.revision, body: row.body, wrapped: row.wrapped });
  const { K1 } = macsOf(exchange.vault, matchKeys(url));
  const each = { eachAddress: LOOKED_AT, eachHost: 0 };
  const hits = await findHits(trx, { addresses: [K1], hosts: [], except: said }, each);
  const taken = new Map<string, number>();
  const linked = hits.filter(({ originator }) => {
    const before = taken.get(originator) ?? 0;
    taken.set(originator, before + 1);
    return before < MOST_OF_ONE;
  });
  const names = linked.slice(0, MOST_LINKED).map(({ originator, id }) => ({ originator, id }));
  if (names.length > 0) await lockReferences(trx, [...names, { originator: said.originator, id: said.id }]);
  return names;
}

function reachesLinked({ event, payload, alsoLinked }: Said): boolean {
  const { action, standing, toldBy } = payload as Partial<Payloads['acted']>;
  if (event !== 'acted' || standing === 'proposed' || toldBy !== undefined || !seenByAll.has(action ?? ''))
    return false;
  return alsoLinked === true;
}

/**
 * Says the same of each of these as something observed: a report of fact, which closes nothing there and needs no pen. Each goes by
 * its own case, and to whom its own policy lets it. One that does not take it is named with its reason.
 */
export async function sayLinked(
  exchange: Exchange,
  trx: Trx,
  linked: readonly ReferenceName[],
  { payload: { action, at: happened, reason, seenFrom }, said }: { payload: Payloads['acted']; said: number },
  at: Date,
): Promise<LinkedStatement[]> {
  const observed = {
    action,
    at: happened,
    standing: 'observed',
    ...(reason && { reason }),
    ...(seenFrom && { seenFrom }),
  };
  const statement = { event: 'acted', payload: observed, by: exchange.self, jtis: [], said, relayed: false };
  const told: LinkedStatement[] = [];
  for (const name of [...linked].sort((a, b) => (ownerOf(a) < ownerOf(b) ? -1 : 1))) {
    const one = await sayOne(exchange, trx, name, statement as unknown as Statement, at);
    if (one) told.push(one);
  }
  return told;
}

async function sayOne(
  exchange: Exchange,
  trx: Trx,
  name: ReferenceName,
  statement: Statement,
  at: Date,
): Promise<LinkedStatement | undefined> {
  const settling = await openCase(exchange, trx, name, at);
  const { log, known, snapshot } = settling;
  // Withdrawn or veiled since it was found: that there is one is not shown.
  if (!known || isClosed(known.state) || (await isVeiled(trx, name))) return undefined;
  const before = counted(log);
  if (before.some((one) => one.by === exchange.self && isSame(one, statement))) return { ...name, told: [] };
  const isOwn = name.originator === exchange.self;
  const unheard = isOwn
    ? undefined
    : refuseUnheard(snapshot, name.originator, { event: 'acted', content: known.content, now: at.getTime() });
  if (unheard) return { ...name, told: [], code: unheard.code };
  const partyOf = partiesOf(exchange, snapshot);
  const state = caseState(subjectOf(name, known.content, partyOf), before, at.getTime());
  const facts = { originator: name.originator, partyOf, own: true, isHolder: true, withdrawn: false, confirmed: true };
  const refusal = mayRecord(statement, state, facts);
  if (refusal) return { ...name, told: [], code: refusal.code };
  if (isFull(log, statement, { sender: exchange.self, self: exchange.self }))
    return { ...name, told: [], code: 'too-large' };
  return { ...name, told: await takeOwn(exchange, trx, settling, statement, at) };
}

/** Whether this was said of the reference already, there or by way of another one. */
function isSame(one: Statement, other: Statement): boolean {
  if (one.event !== 'acted' || other.event !== 'acted') return false;
  const [a, b] = [one.payload, other.payload];
  return a.action === b.action && a.at === b.at && a.standing !== 'proposed';
}
