import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { wakeCases } from '../store/case.ts';
import { hurryDelivery, pendingVerify } from '../store/checkup.ts';
import { requeue } from '../store/dead-letters.ts';
import { recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { deliveryInsert } from '../store/outbox.ts';
import { lockPartner, partnerRow, partnerRows } from '../store/partners.ts';
import { lockUnanswered, openGaps } from '../store/reconcile.ts';
import { lastRecovery, waitForVerify } from '../store/recovery.ts';
import { hastenRequests } from '../store/replay-requests.ts';
import { insertAll } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { reopenOwn } from '../store/unknown-receipts.ts';
import { type Comparison, compare } from './compare.ts';
import type { Exchange } from './context.ts';
import { awaitReceipts, type Trip } from './doctor/round-trip.ts';
import { endAlert } from './end-alert.ts';
import { newVerify, noteLoss } from './lost-state.ts';
import { open, resume, waitsFor } from './recovering.ts';
import { wantReplay } from './replay-client.ts';

const HOUR = 3_600_000;
/** A receipt takes seconds: what has none after this long is asked for once more. */
const ANSWER_MS = 10 * 60_000;
const MOST = 10_000;

/** What was set going, by its name. */
export interface Repairs {
  /** The round trip that is under way, since when, and whether this call began it or one waited already. */
  readonly roundTrip: { readonly begun: boolean; readonly since: string };
  /** Messages that go once more, with the same bytes. */
  readonly sentAgain: number;
  /** Streams of which a replay is asked for. */
  readonly replays: number;
}

export interface Reconciled extends Comparison {
  /** Absent where it was only looked at. */
  readonly repairs?: Repairs;
}

/**
 * Compares what we and a partner have with what the protocol gives, and repairs what can be repaired without a person: a `verify`
 * goes, missing numbers are asked for, and what the partner never answered for is sent once more. `look` changes nothing; `patient`
 * waits ten seconds for the answer to the round trip, and tells what there is then.
 */
export async function reconcile(
  exchange: Exchange,
  partner: string,
  { look = false, running = true, patient = false } = {},
): Promise<Reconciled | Refusal> {
  const state = await known(exchange, partner);
  if (isRefusal(state)) return state;
  // Compared before anything is set going: what is told is what was found.
  const found = await compare(exchange, partner, state, running);
  if (look || state !== 'active') return found;
  const { repairs, trip } = await repair(exchange, partner);
  // A person asks: the pause after failures in a row is over.
  exchange.transport.tryNow(partner);
  exchange.wake.outbox();
  if (!running || !patient) return { ...found, repairs };
  await awaitReceipts(exchange, [trip], performance.now());
  const after = await compare(exchange, partner, state, running);
  return { ...after, even: after.even && repairs.sentAgain + repairs.replays === 0, repairs };
}

async function known(exchange: Exchange, partner: string): Promise<string | Refusal> {
  const rows = await partnerRows(exchange.store.db);
  return rows.find(({ issuer }) => issuer === partner)?.state ?? unknownPartner(partner);
}

function repair(exchange: Exchange, partner: string): Promise<{ repairs: Repairs; trip: Trip }> {
  return inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const replays = await askForMissing(trx, partner, at);
    await hastenRequests(trx, partner, at);
    const ids = await lockUnanswered(trx, partner, { before: new Date(at.getTime() - ANSWER_MS), limit: MOST });
    await requeue(trx, ids, at);
    const { trip, roundTrip } = await tryRoundTrip(exchange, trx, partner, at);
    return { repairs: { roundTrip, sentAgain: ids.length, replays }, trip };
  });
}

/** Holes, and what a recovery was refused for a reason that may have passed; nothing of a partner that cannot be asked. */
async function askForMissing(trx: Trx, partner: string, at: Date): Promise<number> {
  if ((await partnerRow(trx, partner))?.endpoints.replay === undefined) return 0;
  const wanted = new Map<string, number>();
  const want = (epoch: string, from: number) => wanted.set(epoch, Math.min(from, wanted.get(epoch) ?? from));
  for (const { epoch, first } of await openGaps(trx, partner, MOST)) want(epoch, first);
  const last = await lastRecovery(trx, partner);
  if (last && (last.opened_at === null || last.resumed_at === null)) {
    const { verify, streams } = await waitsFor(trx, last);
    const refused = verify ? [] : streams.filter(({ state, code }) => state === 'refused' && code !== 'cursor_too_old');
    for (const { epoch, floor, highest } of refused) want(epoch, Math.min(floor + 1, highest));
  }
  for (const [epoch, from] of wanted) await wantReplay(trx, { partner, epoch, from, at });
  return wanted.size;
}

/** A round trip that is under way goes now; else another one begins, which a recovery may go on from. */
async function tryRoundTrip(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  at: Date,
): Promise<{ trip: Trip; roundTrip: Repairs['roundTrip'] }> {
  const pending = await pendingVerify(trx, partner, new Date(at.getTime() - HOUR));
  if (pending) {
    await hurryDelivery(trx, pending.id, at);
    const since = isoInstant(pending.created_at.getTime());
    return { trip: { id: pending.id, partner, before: pending.attempts }, roundTrip: { begun: false, since } };
  }
  const verify = newVerify(exchange, partner, await reservePositions(trx, 1), at);
  await insertAll(trx, [deliveryInsert([verify])]);
  await waitForVerify(trx, partner, verify.jti);
  const since = isoInstant(at.getTime());
  return { trip: { id: verify.id, partner, before: 0 }, roundTrip: { begun: true, since } };
}

/** Partners that our own state was lost for, by the operator's word. */
export interface Restored {
  readonly partners: readonly string[];
}

/** The operator says that the store was put back to an older state: for one partner, or for all. */
export async function declareRestored(
  exchange: Exchange,
  { issuer, all = false }: { readonly issuer?: string | undefined; readonly all?: boolean | undefined },
): Promise<Restored | Refusal> {
  if ((issuer !== undefined) === all)
    return refuse('usage-invalid', '/issuer', 'Name one partner, or all of them.', 'Give an issuer, or --all.');
  const rows = (await partnerRows(exchange.store.db)).filter(
    ({ state }) => state === 'active' || state === 'suspended',
  );
  const partners = rows.map((row) => row.issuer).filter((one) => issuer === undefined || one === issuer);
  if (issuer !== undefined && partners.length === 0) return unknownPartner(issuer);
  for (const partner of partners)
    await inTransaction(exchange.store.db, (trx) => noteLoss(exchange, trx, { partner, because: 'operator' }));
  exchange.wake.outbox();
  return { partners };
}

const nothing = (what: string) =>
  refuse('state-conflict', '/issuer', what, 'Look at it: caseref reconcile ISSUER --look.');

/** The operator answers for it that a partner's references may show, whatever its replay is at. */
export function openPartner(
  exchange: Exchange,
  partner: string,
): Promise<{ partner: string; opened: number } | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    if (!(await lockPartner(trx, partner))) return unknownPartner(partner);
    const opened = await open(exchange, trx, partner, 'operator');
    return opened === undefined ? nothing('No reference of this partner is closed.') : { partner, opened };
  });
}

/** The operator answers for it that references go to a partner again. */
export function resumeSending(
  exchange: Exchange,
  partner: string,
): Promise<{ partner: string; resumed: true } | Refusal> {
  return inTransaction(exchange.store.db, async (trx) => {
    if (!(await lockPartner(trx, partner))) return unknownPartner(partner);
    const resumed = await resume(exchange, trx, partner, 'operator');
    return resumed ? { partner, resumed } : nothing('Nothing for this partner is stopped.');
  });
}

/**
 * The operator shows again what was closed here because this partner said that we withdrew it in the lost time, and what waits of
 * it for others goes on. Where the partner is right, it is withdrawn again instead.
 */
export async function liftClosed(
  exchange: Exchange,
  partner: string,
): Promise<{ partner: string; lifted: readonly string[] } | Refusal> {
  const answer = await inTransaction(exchange.store.db, async (trx) => {
    if (!(await lockPartner(trx, partner))) return unknownPartner(partner);
    const at = new Date(exchange.clock());
    const { names, said } = await reopenOwn(trx, partner);
    await wakeCases(trx, names, at);
    if (names.length + said === 0) return nothing('Nothing of ours is closed by the word of this partner.');
    await recordEvents(
      trx,
      names.map(({ originator, id }) => ({ type: 'reference.unsealed', at, partner, originator, reference: id })),
    );
    await endAlert(trx, 'withdrawn-before-loss', partner, at);
    return { partner, lifted: names.map(({ id }) => id) };
  });
  exchange.wake.outbox();
  return answer;
}
