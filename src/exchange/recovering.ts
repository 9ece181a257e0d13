import { raise, recordEvents } from '../store/feed.ts';
import type { Database, Trx } from '../store/open.ts';
import { lockPartner } from '../store/partners.ts';
import {
  type AskedStream,
  askedStreams,
  openRecoveries,
  settleRecovery,
  turnVeil,
  veiledEmergencies,
  verifyOf,
} from '../store/recovery.ts';
import type { RecoveryTable } from '../store/recovery-tables.ts';
import { inTransaction } from '../store/transaction.ts';
import { closeOwn, markLooked, type Unlooked, unlookedReceipts } from '../store/unknown-receipts.ts';
import type { Exchange } from './context.ts';
import { endAlert } from './end-alert.ts';
import { noteLoss } from './lost-state.ts';
import { wantReplay } from './replay-client.ts';
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
  for (const recovery of newest.values()) await advance(exchange, recovery);
}

/** What a recovery still waits for. */
export interface Waiting {
  /** The partner has not answered a round trip since: nobody knows where its numbers stand. */
  readonly verify: boolean;
  readonly streams: readonly AskedStream[];
}

/** Whether a stream is in: its replay is through, or it ended and the partner does not know it any more. */
function isIn({ state, code, superseded }: AskedStream): boolean {
  return state === 'done' || (state === 'refused' && code === 'cursor_in_future' && superseded);
}

export async function waitsFor(
  db: Database,
  recovery: Pick<RecoveryTable, 'partner' | 'at' | 'verify'>,
): Promise<Waiting> {
  const { partner, at, verify } = recovery;
  const trip = verify === null ? undefined : await verifyOf(db, partner, verify);
  const streams = await askedStreams(db, partner, at, HORIZON_DAYS);
  return { verify: trip?.outcome == null, streams: streams.filter((stream) => !isIn(stream)) };
}

async function advance(exchange: Exchange, recovery: RecoveryTable): Promise<void> {
  const { verify, streams } = await waitsFor(exchange.store.db, recovery);
  // Asked before our new epoch is known there, the partner would leave out what it has our receipts for.
  if (verify) return;
  const unasked = streams.some(({ state }) => state === null);
  if (unasked || streams.length === 0) await inTransaction(exchange.store.db, (trx) => settle(exchange, trx, recovery));
}

/** Under the partner's lock, where nothing comes in meanwhile: another process may have been here, or another loss. */
async function settle(exchange: Exchange, trx: Trx, { partner, epoch }: RecoveryTable): Promise<void> {
  await lockPartner(trx, partner);
  const recovery = (await openRecoveries(trx)).filter((one) => one.partner === partner).at(-1);
  if (recovery?.epoch !== epoch) return;
  const at = new Date(exchange.clock());
  const { verify, streams } = await waitsFor(trx, recovery);
  if (verify) return;
  // Never above what came: a number that the partner never gave would tell it that its own state was lost.
  for (const { epoch: stream, floor, highest } of streams.filter(({ state }) => state === null))
    await wantReplay(trx, { partner, epoch: stream, from: Math.min(floor + 1, highest), at });
  if (streams.length > 0) return;
  await open(exchange, trx, partner, 'replay');
  await resume(exchange, trx, partner, 'replay');
}

/** Shows a partner's references again; gives how many, or undefined where nothing was veiled. */
export async function open(
  exchange: Exchange,
  trx: Trx,
  partner: string,
  by: 'replay' | 'operator',
): Promise<number | undefined> {
  const at = new Date(exchange.clock());
  if (!(await settleRecovery(trx, partner, 'opened', by, at))) return undefined;
  const count = await turnVeil(trx, partner, 'up');
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

const takenBack: ReadonlySet<string> = new Set(['sealed', 'purged', 'retained']);

/**
 * A message that we do not know and that its recipient answered for was sent in a time that is lost here. Where our own witness or
 * operator vouches for the loss, a receipt for a withdrawal closes what it withdrew; on a partner's word alone nothing of ours
 * is closed, since one that lies must hurt no line but its own. Gives whether something was closed.
 */
async function lookAt(exchange: Exchange, trx: Trx, receipt: Unlooked): Promise<boolean> {
  const { partner, outcome, originator, reference_id: id, explained, misdirected, vouched } = receipt;
  const at = new Date(exchange.clock());
  if (misdirected || at.getTime() - receipt.received_at.getTime() > REMEMBERED) return false;
  if (!explained) await noteLoss(exchange, trx, { partner, because: 'receipt-unknown' });
  if (!vouched || !takenBack.has(outcome) || originator !== exchange.self || id === null) return false;
  if (!(await closeOwn(trx, { originator, id }, at))) return false;
  await recordEvents(trx, [{ type: 'reference.sealed', at, originator, reference: id, partner, code: 'state-lost' }]);
  await raise(trx, [{ code: 'withdrawn-before-loss', partner, originator, subject: id }], at);
  return true;
}
