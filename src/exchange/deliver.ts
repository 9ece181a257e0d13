import { PARTNER_AWAY } from '../domain/attempt.ts';
import { waitsToBeFetched } from '../domain/poll.ts';
import { type Claimed, partnersWithWork, releaseDeliveries } from '../store/outbox.ts';
import { inTransaction } from '../store/transaction.ts';
import { CONNECTIONS } from '../transport/pools.ts';
import { giveUp, postpone, type Settled, settleBatch, settledBy } from './attempts.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { gather } from './gather.ts';
import { type Halt, watchHalts } from './halt.ts';
import { ringPolls } from './poll-bell.ts';
import { decideAgain } from './redecide.ts';
import { wantRefresh } from './refresh.ts';
import { createReturns, type Returns } from './returns.ts';
import { lostKeys, type Sealed, seal, wireToken } from './seal.ts';
import { claimWithinLimits } from './send-limits.ts';
import { type Way, wayTo } from './way.ts';

const BATCH = 100;
/** Posts under way to one partner, each on a connection: none waits for one while its time runs. */
const IN_FLIGHT = CONNECTIONS;
/** Longer than any post can take (20 s); what a killed process had claimed waits this long. */
const LEASE_MS = 30_000;
const TICK_MS = 1000;
/** At the end of a process: what it takes to note that posts were broken off. */
const SETTLING_MS = 2000;

export interface Delivery {
  /** Looks for work now instead of at the next tick. */
  wake(): void;
  /**
   * Claims nothing more and waits for what is under way, at most `limitMs`: what a partner does not answer in time is broken
   * off before that and goes on with the same bytes, at once and in any process.
   */
  stop(limitMs: number): Promise<void>;
}

/**
 * The delivery worker of one process: a pump for each partner that has something due, all independent of each other.
 * Claim in a short transaction, sign and send outside of any, settle with the lease: a process that dies at any point
 * leaves either an unsent delivery or one that is sent again with the same bytes.
 */
export function startDelivery(exchange: Exchange): Delivery {
  const halt = watchHalts(exchange);
  const delivery = createDelivery(exchange, halt);
  const timer = setInterval(delivery.wake, TICK_MS);
  delivery.wake();
  return {
    wake: delivery.wake,
    async stop(limitMs) {
      clearInterval(timer);
      await delivery.stop(limitMs);
      halt.stop();
    },
  };
}

/** The same without a clock of its own: it looks for work whenever it is woken. */
export function createDelivery(exchange: Exchange, halt: Halt): Delivery {
  const pumps = new Map<string, Promise<void>>();
  const bells = new Map<string, PromiseWithResolvers<void>>();
  const settle = gather<Settled, undefined>((batch) => settleBatch(exchange, batch), { most: 200 });
  const cut = new AbortController();
  const control = { stopping: false };
  const returns = createReturns(exchange);
  let looking: Promise<void> | undefined;
  let again = false;

  async function look(): Promise<void> {
    do {
      again = false;
      const due = await partnersWithWork(exchange.store.db, new Date(exchange.clock()));
      ringPolls(exchange, due);
      for (const issuer of due) {
        bells.get(issuer)?.resolve();
        if (control.stopping || pumps.has(issuer)) continue;
        const pump = drain(exchange, issuer, settle, control, { halt, returns, cut: cut.signal, bells })
          .catch((failure: unknown) => exchange.log.failure('delivery.failed', failure, { partner: issuer }))
          .finally(() => pumps.delete(issuer));
        pumps.set(issuer, pump);
      }
    } while (again && !control.stopping);
  }

  function wake(): void {
    if (control.stopping) return;
    again = true;
    looking ??= look()
      .catch((failure: unknown) => exchange.log.failure('delivery.failed', failure))
      .finally(() => {
        looking = undefined;
      });
  }

  return {
    wake,
    async stop(limitMs) {
      control.stopping = true;
      const rest = Promise.allSettled([looking, ...pumps.values()]);
      const { promise: limit, resolve } = Promise.withResolvers<void>();
      const settling = Math.min(SETTLING_MS, limitMs / 2);
      const alarms = [setTimeout(() => cut.abort(), limitMs - settling), setTimeout(resolve, limitMs)];
      await Promise.race([rest, limit]);
      for (const alarm of alarms) clearTimeout(alarm);
    },
  };
}

/** What is asked before a post and told after it. */
interface AtPost {
  readonly halt: Halt;
  readonly returns: Returns;
  /** Breaks off what is still under way when the process must end. */
  readonly cut: AbortSignal;
  /** Rings where something is due for a partner that is being sent to. */
  readonly bells: Map<string, PromiseWithResolvers<void>>;
}

/** Sends to one partner until nothing is due: claims in batches, keeps a bounded number of posts under way. */
async function drain(
  exchange: Exchange,
  issuer: string,
  settle: (one: Settled) => Promise<undefined>,
  control: { readonly stopping: boolean },
  at: AtPost,
): Promise<void> {
  const underway = new Set<Promise<unknown>>();
  const track = (work: Promise<Settled | undefined>) => {
    const tracked = work
      .then((one) => one && conclude(issuer, one, settle, at.returns))
      .catch((failure: unknown) => exchange.log.failure('delivery.failed', failure, { partner: issuer }))
      .finally(() => underway.delete(tracked));
    underway.add(tracked);
  };
  try {
    await pump();
  } finally {
    // Whatever ended it: what is under way belongs to this pump, and the next one counts anew.
    await Promise.allSettled(underway);
  }

  async function pump(): Promise<void> {
    while (!control.stopping) {
      const snapshot = await exchange.directory.current();
      const partner = snapshot.partners.get(issuer);
      const push = partner?.endpoints.push;
      if (!partner || push === undefined || waitsToBeFetched(partner) || partner.state === 'pending') break;
      const allowed = Math.min(IN_FLIGHT, exchange.transport.allowance(issuer, exchange.clock()));
      if (allowed < IN_FLIGHT) at.returns.missed(issuer);
      const claimed = allowed > underway.size ? await claim(exchange, issuer, allowed - underway.size) : [];
      for (const settling of await dispatch(exchange, push, claimed, at)) track(settling);
      if (underway.size === 0 && claimed.length === 0) break;
      if (claimed.length === 0) await endOrBell(underway, issuer, at.bells);
      // Half of the room free: claims stay batches instead of ones and twos.
      while (underway.size > IN_FLIGHT / 2) await Promise.race(underway);
    }
  }
}

/** Settles first: what waits longer is let go by what has been taken, and by nothing that might still fail. */
async function conclude(
  issuer: string,
  one: Settled,
  settle: (one: Settled) => Promise<undefined>,
  returns: Returns,
): Promise<void> {
  await settle(one);
  if (one.posted !== undefined) await returns.note(issuer, one.posted, one.attempt);
}

/** Until everything under way has ended, or something new is due: one answer that takes long keeps nothing else back. */
async function endOrBell(
  underway: ReadonlySet<Promise<unknown>>,
  issuer: string,
  bells: Map<string, PromiseWithResolvers<void>>,
): Promise<void> {
  const bell = Promise.withResolvers<void>();
  bells.set(issuer, bell);
  await Promise.race([Promise.allSettled(underway), bell.promise]);
  bells.delete(issuer);
}

/** What one claim brought, under its lease and for the partner as its transaction saw it. */
export interface Claim {
  readonly delivery: Claimed;
  readonly partner: PartnerEntry;
  /** The version of the directory that it was claimed under. */
  readonly basis: number;
  readonly lease: string;
}

async function dispatch(
  exchange: Exchange,
  push: string,
  claims: readonly Claim[],
  at: AtPost,
): Promise<Promise<Settled | undefined>[]> {
  const [first] = claims;
  if (!first) return [];
  const { lease, partner, basis } = first;
  const ready = claims.map(({ delivery }) => delivery).filter(({ decided }) => decided);
  const way = await wayTo(exchange, partner);
  if (typeof way === 'string') return ready.map(async (one) => postpone(exchange, partner, one, lease, way));
  const { sealed, unsealed, waiting } = await seal(exchange, partner, ready, way.signer, basis);
  return [
    ...unsealed.map(async (one) => giveUp(exchange, partner, one, lease)),
    ...waiting.map(async ({ delivery, code }) => postpone(exchange, partner, delivery, lease, code)),
    ...sealed.map((one) => send(exchange, partner, { push, ...way, basis, ...at }, one, lease)),
  ];
}

/** Claims what is due and decides again what was decided under another directory; the latter is claimed anew after that. */
export async function claim(exchange: Exchange, issuer: string, room: number): Promise<readonly Claim[]> {
  const lease = exchange.chance.uuid4();
  const { partner, claimed, basis } = await claimDue(exchange, issuer, lease, room);
  if (!partner) return [];
  const undecided = claimed.filter(({ decided }) => !decided);
  await decideAgain(exchange, issuer, undecided, lease);
  return claimed.map((delivery) => ({ delivery, partner, basis, lease }));
}

/** The directory is that of the claim's own transaction: what was suspended or set before it counts. */
function claimDue(exchange: Exchange, issuer: string, lease: string, room: number) {
  return inTransaction(exchange.store.db, async (trx) => {
    const { version, partners } = await exchange.directory.within(trx);
    const partner = partners.get(issuer);
    if (!partner || partner.state === 'pending') return { partner: undefined, claimed: [], basis: version };
    const now = exchange.clock();
    const claimed = await claimWithinLimits(trx, partner.policy?.send, {
      partner: issuer,
      suspended: partner.state === 'suspended',
      basis: version,
      limit: Math.min(BATCH, room),
      now: new Date(now),
      lease,
      leaseUntil: new Date(now + LEASE_MS),
    });
    return { partner, claimed, basis: version };
  });
}

async function send(
  exchange: Exchange,
  partner: PartnerEntry,
  { push, encryptTo, basis, halt, cut }: Way & AtPost & { readonly push: string; readonly basis: number },
  one: Sealed,
  lease: string,
): Promise<Settled | undefined> {
  const issuer = partner.facts.issuer;
  const { delivery, kid } = one;
  const token = await wireToken(one, encryptTo);
  if (typeof token !== 'string') return giveUp(exchange, partner, token, lease);
  const entered = await halt.enter(delivery, issuer, basis);
  if (!entered) return giveBack(exchange, delivery, lease);
  const signal = AbortSignal.any([cut, ...(entered.signal ? [entered.signal] : [])]);
  const outcome = await exchange.transport
    .postToken(push, token, { partner: issuer, local: partner.local, signal })
    .finally(entered.leave);
  if (signal.aborted && outcome.status !== 'accepted') return brokenOff(exchange, delivery, lease);
  if (outcome.status === 'unreachable' && outcome.code === PARTNER_AWAY) return giveBack(exchange, delivery, lease);
  if (outcome.status === 'refused' && outcome.err === 'invalid_key') wantRefresh(exchange, issuer);
  const keyLost = kid !== null && lostKeys(exchange).has(kid);
  return { ...settledBy(exchange, issuer, { ...delivery, keyLost }, lease, outcome), posted: delivery.event };
}

/** Whoever claims it next asks anew whether it may leave; it waits without a pause, and with the number that it has. */
async function giveBack(exchange: Exchange, { id }: Claimed, lease: string): Promise<undefined> {
  await releaseDeliveries(exchange.store.db, [id], lease);
}

/** Nobody saw the partner's answer, so it may have it; it waits without a pause, and whoever claims it asks anew. */
function brokenOff(exchange: Exchange, { id, last_code: code }: Claimed, lease: string): Settled {
  return { attempt: { id, lease, state: 'queued', code, nextAt: new Date(exchange.clock()), reached: true } };
}
