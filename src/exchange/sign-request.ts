import type { PollOutcome, SignedPoll } from '../transport/post-poll.ts';
import { signRequest } from '../wire/http-signature.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { signerFor } from './signing-key.ts';

/** Times between a partner and us that differ by more are put right by what it says. */
const CLOCK_MS = 5000;
const MOST_CLOCK_MS = 86_400_000;

/** A request to a partner's published address, and how far its clock is ahead of ours as far as we know, in milliseconds. */
export interface Asking {
  readonly target: string;
  readonly body: object;
  readonly aheadMs: number;
}

/**
 * Asks under our signature, and once more by the partner's clock where it did not take ours. `ask` is told how far that is
 * ahead, in milliseconds; what was found is given back for the next time.
 */
export async function askByItsClock(
  exchange: Exchange,
  aheadMs: number,
  ask: (aheadMs: number) => Promise<PollOutcome>,
): Promise<{ readonly outcome: PollOutcome; readonly aheadMs: number }> {
  const outcome = await ask(aheadMs);
  if (outcome.status !== 'refused' || outcome.http !== 401 || outcome.date === undefined) return { outcome, aheadMs };
  const ahead = outcome.date + 500 - exchange.clock();
  if (Math.abs(ahead - aheadMs) <= CLOCK_MS || Math.abs(ahead) > MOST_CLOCK_MS) return { outcome, aheadMs };
  return { outcome: await ask(ahead), aheadMs: ahead };
}

/** Signs a request (RFC 9421) with the key that this partner verifies by; else why none can, as a stable word. */
export async function signFor(
  exchange: Exchange,
  { algs }: PartnerEntry,
  { target, body, aheadMs }: Asking,
): Promise<SignedPoll | string> {
  const now = Math.floor((exchange.clock() + aheadMs) / 1000);
  const key = await signerFor(exchange, algs, now);
  if (typeof key === 'string') return key;
  const signer = exchange.keys.requestSigner(key.kid);
  if (!signer) return 'algorithm-not-shared';
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const terms = { issuer: exchange.self, now, nonce: exchange.chance.jti() };
  return { body: bytes, fields: await signRequest({ target, body: bytes }, signer, terms) };
}
