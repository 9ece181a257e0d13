import type { PostOutcome } from '../domain/attempt.ts';
import { type PollAnswer, type PollRequest, pollLimits } from '../domain/poll.ts';
import { releaseDeliveries } from '../store/outbox.ts';
import { endLease, hasMore, markOffered, type Offered, takeLease, takeOffered } from '../store/poll.ts';
import { inTransaction } from '../store/transaction.ts';
import { type Admission, admission, type Caller } from './admit-request.ts';
import { giveUp, postpone, type Settled, settleBatch, settledBy } from './attempts.ts';
import type { Exchange } from './context.ts';
import { type Claim, claim } from './deliver.ts';
import { awaitBell } from './poll-bell.ts';
import { wantRefresh } from './refresh.ts';
import { lostKeys, seal, wireToken } from './seal.ts';
import { wayTo } from './way.ts';

/** Polls a minute of one partner: one that has caught up asks twice a minute, one that catches up as fast as it can. */
const PER_MINUTE = 1200;
/** A poll that waits is woken by the delivery worker, and looks by itself this often. */
const LOOK_MS = 5000;
/** What an answer may still take after its wait, until another process thinks that this one has died. */
const SPARE_MS = 15_000;
/** A claim that brought nothing may have decided something again that is claimed by the next one. */
const MOST_CLAIMS = 5;

/** An answer; `written` is called when it has been written, and the time until it is offered again begins. */
export interface Offer {
  readonly answer: PollAnswer;
  /** Never fails: what it could not note is offered again sooner. */
  written(): Promise<void>;
}

export interface PollServer extends Admission {
  /** Takes acknowledgements and refusals, then gives what is due, at once or when something arrives; `gone` ends the wait. */
  poll(caller: Caller, request: PollRequest, gone: AbortSignal): Promise<Offer>;
  /** Ends every wait with what there is. */
  close(): void;
}

/** Poll-based delivery (RFC 8936): a poll's answer is another way of sending, over the same claims, numbers and bytes as a push. */
export function createPollServer(exchange: Exchange): PollServer {
  const ending = new AbortController();
  return {
    ...admission(exchange, { path: '/exchange/poll', perMinute: PER_MINUTE, refused: 'poll.refused', isPoll: true }),
    async poll(caller, request, gone) {
      await settleAnswers(exchange, caller, request);
      return offer(exchange, caller, request, AbortSignal.any([gone, ending.signal]));
    },
    close: () => ending.abort(),
  };
}

/** Settles what the caller was offered: acknowledged is sent, refused goes by the table of push answers. */
async function settleAnswers(exchange: Exchange, { issuer }: Caller, { ack = [], setErrs = {} }: PollRequest) {
  const jtis = [...ack, ...Object.keys(setErrs)];
  const lease = exchange.chance.uuid4();
  const until = new Date(exchange.clock() + pollLimits.offerMs);
  const { db } = exchange.store;
  const offered = await inTransaction(db, (trx) => takeOffered(trx, { partner: issuer, jtis, lease, until }));
  if (offered.length === 0) return;
  const settled = offered.map((one) => settledBy(exchange, issuer, withKey(exchange, one), lease, said(one, setErrs)));
  if (offered.some(({ jti }) => setErrs[jti]?.err === 'invalid_key')) void wantRefresh(exchange, issuer);
  await settleBatch(exchange, settled);
  // What waited behind one of these may go now.
  exchange.wake.outbox();
}

function said({ jti }: Offered, setErrs: NonNullable<PollRequest['setErrs']>): PostOutcome {
  const error = Object.hasOwn(setErrs, jti) ? setErrs[jti] : undefined;
  return error ? { status: 'refused', http: 400, err: codeOf(error.err) } : { status: 'accepted' };
}

/** A word of a partner is repeated only when it has the form of a code. */
function codeOf(err: string): string {
  return /^[a-z_]{1,40}$/.test(err) ? err : 'set-refused';
}

function withKey(exchange: Exchange, one: Offered) {
  return { ...one, keyLost: one.kid !== null && lostKeys(exchange).has(one.kid) };
}

const nothing: Offer = { answer: { sets: {}, moreAvailable: false }, written: async () => undefined };

async function offer(
  exchange: Exchange,
  { issuer }: Caller,
  { maxEvents = pollLimits.events, returnImmediately = false }: PollRequest,
  gone: AbortSignal,
): Promise<Offer> {
  const most = Math.min(maxEvents, pollLimits.events);
  // RFC 8936, section 2.4: a poll for no events only acknowledges.
  if (most === 0) return nothing;
  const first = await gatherOffer(exchange, issuer, most, gone);
  if (first || returnImmediately || gone.aborted) return first ?? nothing;
  const slot = { kind: 'wait', partner: issuer, lease: exchange.chance.uuid4() } as const;
  const now = exchange.clock();
  const until = new Date(now + pollLimits.waitMs + SPARE_MS);
  if (!(await takeLease(exchange.store.db, slot, new Date(now), until))) return nothing;
  try {
    return (await waitFor(exchange, issuer, most, gone)) ?? nothing;
  } finally {
    await endLease(exchange.store.db, slot);
  }
}

async function waitFor(
  exchange: Exchange,
  issuer: string,
  most: number,
  gone: AbortSignal,
): Promise<Offer | undefined> {
  const patience = performance.now() + pollLimits.waitMs;
  for (;;) {
    const left = patience - performance.now();
    if (left <= 0 || gone.aborted) return undefined;
    await awaitBell(exchange, issuer, Math.min(LOOK_MS, left), gone);
    if (gone.aborted) return undefined;
    if (!(await hasWork(exchange, issuer))) continue;
    const found = await gatherOffer(exchange, issuer, most, gone);
    if (found) return found;
  }
}

/** Asked before a claim, which moves the partner's numbers and locks them, found or not. */
async function hasWork(exchange: Exchange, issuer: string): Promise<boolean> {
  const { db } = exchange.store;
  const partner = (await exchange.directory.within(db)).partners.get(issuer);
  if (!partner || partner.state === 'pending') return false;
  const suspended = partner.state === 'suspended';
  return hasMore(db, { partner: issuer, suspended, now: new Date(exchange.clock()), lease: exchange.chance.uuid4() });
}

/** One answer's worth of what is due; undefined where nothing is. */
async function gatherOffer(
  exchange: Exchange,
  issuer: string,
  most: number,
  gone: AbortSignal,
): Promise<Offer | undefined> {
  for (let tries = 0; tries < MOST_CLAIMS; tries += 1) {
    if (gone.aborted) return undefined;
    const claims = await claim(exchange, issuer, most);
    const [first] = claims;
    if (!first) return undefined;
    const tokens = await tokensOf(exchange, first, claims);
    const found = await offerTokens(exchange, first, tokens);
    if (found) return found;
  }
  return undefined;
}

interface Token {
  readonly id: string;
  readonly jti: string;
  readonly text: string;
}

/** The signed bytes of what was claimed, encrypted anew, in the order of their numbers; what cannot leave is settled. */
async function tokensOf(
  exchange: Exchange,
  { partner, lease, basis }: Claim,
  claims: readonly Claim[],
): Promise<Token[]> {
  const ready = claims.map(({ delivery }) => delivery).filter(({ decided }) => decided);
  const way = await wayTo(exchange, partner);
  if (typeof way === 'string') {
    const postponed = ready.map((one) => postpone(exchange, partner, one, lease, way));
    await settleSome(exchange, postponed);
    return [];
  }
  const { sealed, unsealed, waiting } = await seal(exchange, partner, ready, way.signer, basis);
  const ordered = sealed.toSorted((one, other) => (one.delivery.n ?? 0) - (other.delivery.n ?? 0));
  const written = await Promise.all(ordered.map(async (one) => ({ one, token: await wireToken(one, way.encryptTo) })));
  const failed = written.flatMap(({ token }) => (typeof token === 'string' ? [] : [token]));
  const given = [
    ...[...unsealed, ...failed].map((one) => giveUp(exchange, partner, one, lease)),
    ...waiting.map(({ delivery, code }) => postpone(exchange, partner, delivery, lease, code)),
  ];
  await settleSome(exchange, given);
  return written.flatMap(({ one: { delivery }, token }) =>
    typeof token === 'string' ? [{ id: delivery.id, jti: delivery.jti, text: token }] : [],
  );
}

async function settleSome(exchange: Exchange, settled: readonly Settled[]): Promise<void> {
  if (settled.length > 0) await settleBatch(exchange, settled);
}

/** Bytes that a token takes in the answer beside itself: its `jti`, quotation marks, a colon and a comma. */
const FRAME_BYTES = 72;

function fitting(tokens: readonly Token[]): number {
  let bytes = FRAME_BYTES;
  const over = tokens.findIndex(({ text }) => {
    bytes += text.length + FRAME_BYTES;
    return bytes > pollLimits.bytes;
  });
  return over === -1 ? tokens.length : over;
}

/**
 * Puts tokens into an answer, unless the directory has moved since they were claimed: what was suspended or narrowed
 * meanwhile counts, and everything is claimed and decided anew. What does not fit is given back.
 */
async function offerTokens(
  exchange: Exchange,
  { partner, basis, lease }: Claim,
  tokens: readonly Token[],
): Promise<Offer | undefined> {
  const { db } = exchange.store;
  const { version } = await exchange.directory.within(db);
  const room = version === basis ? fitting(tokens) : 0;
  await releaseDeliveries(
    db,
    tokens.slice(room).map(({ id }) => id),
    lease,
  );
  const ids = tokens.slice(0, room).map(({ id }) => id);
  const kept = await extend(exchange, ids, lease);
  const offered = tokens.slice(0, room).filter(({ id }) => kept.has(id));
  if (offered.length === 0) return undefined;
  const { issuer } = partner.facts;
  const asked = { partner: issuer, suspended: partner.state === 'suspended', now: new Date(exchange.clock()), lease };
  const moreAvailable = room < tokens.length || (await hasMore(db, asked));
  return {
    answer: { sets: Object.fromEntries(offered.map(({ jti, text }) => [jti, text])), moreAvailable },
    async written() {
      const written = offered.map(({ id }) => id);
      await extend(exchange, written, lease).catch((failure: unknown) =>
        exchange.log.failure('poll.failed', failure, { partner: issuer }),
      );
    },
  };
}

function extend(exchange: Exchange, ids: readonly string[], lease: string): Promise<Set<string>> {
  const now = exchange.clock();
  const at = { lease, at: new Date(now), until: new Date(now + pollLimits.offerMs) };
  return inTransaction(exchange.store.db, (trx) => markOffered(trx, ids, at));
}
