import type { Database, Trx } from '../store/open.ts';
import { newestRequest, putAwaited, putWanted } from '../store/replay-requests.ts';

/** A partner's stream, and the number from which on it is wanted once more. */
export interface Wanted {
  readonly partner: string;
  readonly epoch: string;
  readonly from: number;
  readonly at: Date;
}

/**
 * Wants a stream of a partner again because one side has lost what it knew. It is asked by itself, in its turn: a partner is
 * asked for one stream at a time, and every ten minutes at most. What it grants beyond one replay is asked for after that.
 */
export async function wantReplay(trx: Trx, { partner, epoch, from, at }: Wanted): Promise<void> {
  await putWanted(trx, { partner, epoch, from, cause: 'state', at });
}

/** Waits for numbers of a partner that cannot be asked for them: one that only polls sends them again when it sees our new epoch. */
export async function awaitReplay(trx: Trx, { to, ...wanted }: Wanted & { readonly to: number }): Promise<void> {
  await putAwaited(trx, { ...wanted, to });
}

/** How it stands with what was last wanted of a stream; `code` says why it was refused. */
export interface ReplayStanding {
  readonly state: 'wanted' | 'granted' | 'done' | 'refused';
  readonly code: string | null;
}

/** How it stands with what was last wanted of a stream since an instant; undefined where nothing was. */
export async function replayStanding(
  db: Database,
  stream: { readonly partner: string; readonly epoch: string },
  since: Date,
): Promise<ReplayStanding | undefined> {
  const request = await newestRequest(db, stream);
  return request && request.created_at >= since ? { state: request.state, code: request.code } : undefined;
}
