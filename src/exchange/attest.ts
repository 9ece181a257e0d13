import { queueAgain } from '../store/attest.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Exchange } from './context.ts';

const HORIZON_MS = 90 * 86_400_000;
/** What a partner received after the instant may have left a little before it, by our clock. */
const SLACK_MS = 10 * 60_000;

/**
 * Says again under a good key what we signed with one that is revoked, to every partner that took it since the instant of
 * the revocation: the outbox knows what was ours, so whatever else the lost key signed stays suspect there (protocol,
 * "Verification order": same jti and payload under another kid). Signing and sending follow in the delivery worker.
 */
export async function attestOwn(exchange: Exchange, kid: string): Promise<{ queued: number }> {
  const revoked = exchange.keys.publicKeys().find((key) => key.kid === kid)?.revoked;
  if (!revoked) return { queued: 0 };
  const now = exchange.clock();
  const since = new Date(revoked.revoked_at * 1000 - SLACK_MS);
  const lost = { kid, since, horizon: new Date(now - HORIZON_MS), at: new Date(now) };
  const queued = await inTransaction(exchange.store.db, (trx) => queueAgain(trx, lost));
  if (queued > 0) exchange.wake.outbox();
  return { queued };
}
