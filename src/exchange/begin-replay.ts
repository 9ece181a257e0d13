import { replayLimits } from '../domain/replay.ts';
import { recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { countKept, oldestKept, partnerSince } from '../store/replay.ts';
import { insertRows } from '../store/rows.ts';
import type { Exchange } from './context.ts';

interface Stream {
  readonly partner: string;
  readonly epoch: string;
}

/**
 * The oldest number of a stream of ours that a partner is sent again: of what is within the horizon, and never of what was sent
 * to another organisation of its name. Undefined where there is none.
 */
export async function oldestFor(exchange: Exchange, trx: Trx, stream: Stream): Promise<number | undefined> {
  const horizon = exchange.clock() - replayLimits.horizonMs;
  const since = await partnerSince(trx, stream.partner);
  return oldestKept(trx, stream, new Date(Math.max(horizon, (since?.getTime() ?? 0) - 1)));
}

/**
 * Notes a replay that `startReplay` works off, under the lock of its partner's replays; gives how many messages it has. `askedAt` is
 * now where it is absent.
 */
export async function beginReplay(
  exchange: Exchange,
  trx: Trx,
  {
    partner,
    epoch,
    from,
    to,
    askedAt,
  }: Stream & { readonly from: number; readonly to: number; readonly askedAt?: Date },
  code?: 'new-epoch',
): Promise<number> {
  const messages = await countKept(trx, { partner, epoch }, { from, to });
  const at = new Date(exchange.clock());
  const row = {
    id: exchange.chance.uuid(),
    partner,
    epoch,
    from_n: from,
    to_n: to,
    next_n: Math.max(from, 1),
    messages,
  };
  await insertRows(trx, 'replay', [{ ...row, state: 'running', asked_at: askedAt ?? at }]);
  await recordEvents(trx, [{ type: 'replay.granted', at, partner, code, body: { count: messages } }]);
  return messages;
}
