import { wakeCasesAbout } from '../store/case.ts';
import { raise, recordEvents } from '../store/feed.ts';
import type { Database, Trx } from '../store/open.ts';
import { lockPartner, partnerRow } from '../store/partners.ts';
import {
  type AskedStream,
  askedStreams,
  openRecoveries,
  settleRecovery,
  turnVeil,
  veiledEmergencies,
  veiledOnWordSince,
  verifyOf,
} from '../store/recovery.ts';
import type { OpenedBy, RecoveryTable } from '../store/recovery-tables.ts';
import { inTransaction } from '../store/transaction.ts';
import { closeOwn, markLooked, type Unlooked, unlookedReceipts } from '../store/unknown-receipts.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';
import { noteLoss } from './lost-state.ts';
import { awaitReplay, wantReplay } from './replay-client.ts';
import { learnWhoHas } from './said-there.ts';
import { every, type Ticking } from './ticking.ts';

const TICK_MS = 1000;
const DAY = 86_400_000;
const HORIZON_DAYS = 90;
/** A receipt that is older than this speaks of what nobody here has to know any more. */
const REMEMBERED = (HORIZON_DAYS + 10) * DAY;
const MOST = 500;

/** Brings every recovery on: asks for what is missing, and ends it when everything is in. */
export function startRecovering(exchange: Exchange): Ticking {
  return every(exchange, { ms: TICK_MS, event: 'recovery.failed' }, () => recover(exchange));
}

/** One round of it, in any process at any time. */
export async function recover(exchange: Exchange): Promise<void> {
  await lookAtReceipts(exchange);
  await tellEmergencies(exchange);
  // The newest loss of a partner counts: what was asked for before it may have gone down with it.
  const newest = new Map((await openRecoveries(exchange.store.db)).map((one) => [one.partner, one]));
  for (const recovery of newest.values()) {
    // What one partner's rows break keeps nobody else's references closed.
    await advance(exchange, recovery).catch((failure: unknown) => {
      exchange.log.failure('recovery.failed', failure, { partner: recovery.partner });
    });
  }
}

/** What a recovery still waits for. */
export interface Waiting {
  /** The partner has not answered a round trip since: nobody knows where its numbers stand. */
  readonly verify: boolean;
  readonly streams: readonly AskedStream[];
  /** The partner publishes an address for replays; what of one that does not is missing comes by itself, or never. */
  readonly askable: boolean;
}

/**
 * Whether a stream is in: its replay is through, or it ended and the partner does not know it any more. One that cannot be asked
 * grants nothing, so that only what it says itself tells where an epoch ended that it left in the lost time.
 */
function isIn({ state, code, superseded, endless }: AskedStream, askable: boolean): boolean {
  if (state === 'done') return askable || !endless;
  return state === 'refused' && code === 'cursor_in_future' && superseded;
}

export async function waitsFor(
  db: Database,
  recovery: Pick<RecoveryTable, 'partner' | 'at' | 'verify'>,
): Promise<Waiting> {
  const { partner, at, verify } = recovery;
  const trip = verify === null ? undefined : await verifyOf(db, partner, verify);
  const askable = (await partnerRow(db, partner))?.endpoints.replay !== undefined;
  const streams = await askedStreams(db, { partner, at, verify }, HORIZON_DAYS);
  return { verify: trip?.outcome == null, streams: streams.filter((stream) => !isIn(stream, askable)), askable };
}

async function advance(exchange: Exchange, recovery: RecoveryTable): Promise<void> {
  const { verify, streams } = await waitsFor(exchange.store.db, recovery);
  await endVeilOnWord(exchange, recovery.partner, streams);
  // Asked before our new epoch is known there, the partner would leave out what it has our receipts for.
  if (verify) return;
  const unasked = streams.some(({ state }) => state === null);
  if (unasked || streams.length === 0) await inTransaction(exchange.store.db, (trx) => settle(exchange, trx, recovery));
}

/**
 * A veil that hangs on a partner's word alone is the partner's to keep by its silence: it ends when the partner refuses its
 * replay, and after a day. References to it go on waiting for what is missing.
 */
async function endVeilOnWord(exchange: Exchange, partner: string, streams: readonly AskedStream[]): Promise<void> {
  const { db } = exchange.store;
  const since = await veiledOnWordSince(db, partner);
  if (!since) return;
  const isRefused = streams.some(({ state }) => state === 'refused');
  if (!isRefused && exchange.clock() - since.getTime() < DAY) return;
  await inTransaction(db, async (trx) => {
    await lockPartner(trx, partner);
    // Our own word may have come to it meanwhile.
    if (await veiledOnWordSince(trx, partner)) await open(exchange, trx, partner, isRefused ? 'refused' : 'time');
  });
}

/** Under the partner's lock, where nothing comes in meanwhile: another process may have been here, or another loss. */
async function settle(exchange: Exchange, trx: Trx, { partner, epoch }: RecoveryTable): Promise<void> {
  await lockPartner(trx, partner);
  const recovery = (await openRecoveries(trx)).filter((one) => one.partner === partner).at(-1);
  if (recovery?.epoch !== epoch) return;
  const at = new Date(exchange.clock());
  const { verify, streams, askable } = await waitsFor(trx, recovery);
  if (verify) return;
  for (const { epoch: stream, floor, highest } of streams.filter(({ state }) => state === null)) {
    // Never above what came: a number that the partner never gave would tell it that its own state was lost.
    const wanted = { partner, epoch: stream, from: Math.min(floor + 1, highest), at };
    await (askable ? wantReplay(trx, wanted) : awaitReplay(trx, { ...wanted, to: highest }));
  }
  if (streams.length > 0) return;
  await open(exchange, trx, partner, 'replay');
  await resume(exchange, trx, partner, 'replay');
}

/** Shows a partner's references again; gives how many, or undefined where nothing was veiled. */
export async function open(exchange: Exchange, trx: Trx, partner: string, by: OpenedBy): Promise<number | undefined> {
  const at = new Date(exchange.clock());
  if (!(await settleRecovery(trx, partner, 'opened', by, at))) return undefined;
  const count = await turnVeil(trx, partner, 'up');
  await wakeCasesAbout(trx, partner, at);
  await recordEvents(trx, [{ type: 'recovery.opened', at, partner, body: { by, count } }]);
  await endWhenOver(exchange, trx, partner);
  return count;
}

/** Lets references go to a partner again; gives whether they were stopped. */
export async function resume(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  by: 'replay' | 'operator',
): Promise<boolean> {
  const at = new Date(exchange.clock());
  if (!(await settleRecovery(trx, partner, 'resumed', by, at))) return false;
  await recordEvents(trx, [{ type: 'recovery.resumed', at, partner, body: { by } }]);
  await endWhenOver(exchange, trx, partner);
  exchange.wake.outbox();
  return true;
}

async function endWhenOver(exchange: Exchange, trx: Trx, partner: string): Promise<void> {
  if ((await openRecoveries(trx)).some((one) => one.partner === partner)) return;
  await endAlert(trx, 'state-lost', partner, new Date(exchange.clock()));
}

/** What must not wait for a replay is told at once, though nobody may see it yet. */
async function tellEmergencies(exchange: Exchange): Promise<void> {
  const { db } = exchange.store;
  const hidden = await veiledEmergencies(db, MOST);
  if (hidden.length === 0) return;
  const causes = hidden.map(({ originator, id }) => {
    return { code: 'emergency-veiled', partner: originator, originator, subject: id } as const;
  });
  await inTransaction(db, (trx) => raise(trx, causes, new Date(exchange.clock())));
}

/** Looks at receipts for messages that this store does not know, once, in a transaction of its own for each. */
async function lookAtReceipts(exchange: Exchange): Promise<void> {
  for (const receipt of await unlookedReceipts(exchange.store.db, MOST)) {
    await inTransaction(exchange.store.db, async (trx) => {
      await markLooked(trx, receipt, new Date(exchange.clock()), await lookAt(exchange, trx, receipt));
    });
  }
}

/**
 * A message that we do not know and that its recipient answered for was sent in a time that is lost here. Where our own witness or
 * operator vouches for the loss, a receipt for a withdrawal may close what it withdrew (see `closeOwn`); on a partner's word alone
 * nothing of ours is closed, since one that lies must hurt no line but its own. Gives whether something was closed.
 */
async function lookAt(exchange: Exchange, trx: Trx, receipt: Unlooked): Promise<boolean> {
  const { partner, originator, reference_id: id, explained, misdirected } = receipt;
  const at = new Date(exchange.clock());
  if (misdirected || at.getTime() - receipt.received_at.getTime() > REMEMBERED) return false;
  if (!explained) await noteLoss(exchange, trx, { partner, because: 'receipt-unknown' });
  await learnWhoHas(exchange, trx, receipt, at);
  if (originator === null || id === null || !(await closeOwn(trx, receipt, exchange.self, at))) return false;
  await recordEvents(trx, [{ type: 'reference.sealed', at, originator, reference: id, partner, code: 'state-lost' }]);
  await raise(trx, [{ code: 'withdrawn-before-loss', partner, originator, subject: id }], at);
  return true;
}
