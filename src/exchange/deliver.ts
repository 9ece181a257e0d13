import type { AlertCause } from '../domain/alert.ts';
import { afterAttempt, mayHaveArrived, type PostOutcome } from '../domain/attempt.ts';
import { mustEncrypt, willEncrypt } from '../domain/encryption.ts';
import { waitsToBeFetched } from '../domain/poll.ts';
import type { Signer } from '../domain/secrets.ts';
import { emergenciesAmong } from '../store/emergencies.ts';
import { type NewEvent, raise, recordEvents } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { type Attempt, type Claimed, partnersWithWork, releaseDeliveries, settleAttempts } from '../store/outbox.ts';
import { inTransaction } from '../store/transaction.ts';
import { type EncryptionKey, encryptionKey, encryptSet } from '../wire/encrypt.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { gather } from './gather.ts';
import { type Halt, watchHalts } from './halt.ts';
import { ringPolls } from './poll-bell.ts';
import { decideAgain } from './redecide.ts';
import { wantRefresh } from './refresh.ts';
import { createReturns, type Returns } from './returns.ts';
import { lostKeys, type Sealed, seal, type Unsealed } from './seal.ts';
import { claimWithinLimits } from './send-limits.ts';
import { type NoSigner, signerFor } from './signing-key.ts';

const BATCH = 100;
/** Posts under way to one partner; a slow partner fills its own and nobody else's. */
const IN_FLIGHT = 64;
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

export interface Settled {
  readonly attempt: Attempt;
  readonly event?: NewEvent | undefined;
  /** What a person must be told because of it. */
  readonly cause?: AlertCause | undefined;
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
      .then((one) => one && settle(one))
      .catch((failure: unknown) => exchange.log.failure('delivery.failed', failure, { partner: issuer }))
      .finally(() => underway.delete(tracked));
    underway.add(tracked);
  };
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
  await Promise.allSettled(underway);
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

/** With which of our keys messages to a partner are signed now, and for which of its keys encrypted. */
interface Way {
  readonly signer: Signer;
  readonly encryptTo: EncryptionKey | undefined;
}

/** Why nothing goes to a partner now. */
export type NoWay = NoSigner | 'encryption-key-missing';

/**
 * How messages go to a partner at this moment, or why none can: then they wait, and a person is told. `iat`: when the message
 * was issued, in seconds since 1970, where it was signed before.
 */
export async function wayTo(exchange: Exchange, partner: PartnerEntry, iat?: number): Promise<Way | NoWay> {
  const now = Math.floor(exchange.clock() / 1000);
  const signer = await signerFor(exchange, partner.algs, iat ?? now);
  if (typeof signer === 'string') return signer;
  const key = encryptionKey(partner.keys, now);
  if (!key && mustEncrypt(partner.encryption)) return 'encryption-key-missing';
  return { signer, encryptTo: willEncrypt(partner.encryption, key !== undefined) ? key : undefined };
}

/** Our own keys: one alert, however many partners wait. */
const ofOurs: ReadonlySet<NoWay> = new Set(['key-unpublished', 'key-ended']);

/** Nothing leaves plain because a key is missing: it is tried again as if the partner were away. */
export function postpone(
  exchange: Exchange,
  partner: PartnerEntry,
  delivery: Claimed,
  lease: string,
  code: NoWay,
): Settled {
  const { issuer } = partner.facts;
  if (code === 'encryption-key-missing') wantRefresh(exchange, issuer);
  return {
    ...settledBy(exchange, issuer, delivery, lease, { status: 'unreachable', code }),
    cause: ofOurs.has(code) ? { code } : { code, partner: issuer },
  };
}

/** What cannot be signed is a defect of ours: a person sees it among the dead letters, and the others go on. */
export function giveUp(
  exchange: Exchange,
  partner: PartnerEntry,
  { delivery, failure }: Unsealed,
  lease: string,
): Settled {
  const { issuer } = partner.facts;
  const now = exchange.clock();
  exchange.log.failure('delivery.unsealed', failure, { partner: issuer, jti: delivery.jti });
  const attempt: Attempt = { id: delivery.id, lease, state: 'dead', code: 'internal', nextAt: new Date(now) };
  return { attempt, event: delivery.receipted ? undefined : deadEvent(delivery, issuer, 'internal', now) };
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
  { push, encryptTo, basis, halt, returns, cut }: Way & AtPost & { readonly push: string; readonly basis: number },
  { delivery, compact, kid }: Sealed,
  lease: string,
): Promise<Settled | undefined> {
  const issuer = partner.facts.issuer;
  // Anew at each attempt: what is kept is the signed message, and each attempt has a key agreement of its own.
  const token = encryptTo ? await encryptSet(compact, encryptTo) : compact;
  const entered = await halt.enter(delivery, issuer, basis);
  if (!entered) return giveBack(exchange, delivery, lease);
  const signal = AbortSignal.any([cut, ...(entered.signal ? [entered.signal] : [])]);
  const outcome = await exchange.transport
    .postToken(push, token, { partner: issuer, local: partner.local, signal })
    .finally(entered.leave);
  if (signal.aborted && outcome.status !== 'accepted') return brokenOff(exchange, delivery, lease);
  if (outcome.status === 'refused' && outcome.err === 'invalid_key') wantRefresh(exchange, issuer);
  const keyLost = kid !== null && lostKeys(exchange).has(kid);
  const settled = settledBy(exchange, issuer, { ...delivery, keyLost }, lease, outcome);
  await returns.note(issuer, delivery.event, settled.attempt);
  return settled;
}

/** Whoever claims it next asks anew whether it may leave; it waits without a pause, and with the number that it has. */
async function giveBack(exchange: Exchange, { id }: Claimed, lease: string): Promise<undefined> {
  await releaseDeliveries(exchange.store.db, [id], lease);
}

/** Nobody saw the partner's answer, so it may have it; it waits without a pause, and whoever claims it asks anew. */
function brokenOff(exchange: Exchange, { id, last_code: code }: Claimed, lease: string): Settled {
  return { attempt: { id, lease, state: 'queued', code, nextAt: new Date(exchange.clock()), reached: true } };
}

export function settledBy(
  exchange: Exchange,
  issuer: string,
  delivery: Claimed & { readonly keyLost?: boolean },
  lease: string,
  outcome: PostOutcome,
): Settled {
  const now = exchange.clock();
  const step = afterAttempt(
    outcome,
    {
      attempts: delivery.attempts,
      ageMs: now - bornAt(delivery),
      everlasting: delivery.event === 'withdrawn',
      lastCode: delivery.last_code,
      keyLost: delivery.keyLost ?? false,
    },
    exchange.chance.fraction(),
  );
  exchange.metrics.sent(step.state === 'sent' ? 'accepted' : outcome.status);
  const attempt: Attempt = {
    id: delivery.id,
    lease,
    state: step.state,
    code: step.code,
    nextAt: new Date(now + step.delayMs),
    reached: mayHaveArrived(outcome),
  };
  // What has a receipt is no dead letter, though it could not be sent once more.
  const isDead = step.state === 'dead' && !delivery.receipted;
  return { attempt, event: isDead ? deadEvent(delivery, issuer, step.code, now) : undefined };
}

/** Since when it is tried: a person who sends it once more, or a duplicate that asks for its receipt, begins its time anew. */
function bornAt({ created_at, reissued_at, retried_at }: Claimed): number {
  return Math.max((reissued_at ?? created_at).getTime(), retried_at?.getTime() ?? 0);
}

function deadEvent(delivery: Claimed, partner: string, code: string | null, now: number): NewEvent {
  return {
    type: 'delivery.dead',
    at: new Date(now),
    partner,
    jti: delivery.jti,
    ...(code !== null && { code }),
    ...(delivery.originator !== null && { originator: delivery.originator }),
    ...(delivery.reference_id !== null && { reference: delivery.reference_id }),
  };
}

/** An emergency that did not get through at the first try is told at once: the other tries take minutes. */
async function undelivered(trx: Trx, attempts: readonly Attempt[]): Promise<AlertCause[]> {
  const failed = attempts.filter(({ state }) => state !== 'sent').map(({ id }) => id);
  const emergencies = await emergenciesAmong(trx, failed);
  return emergencies.map(({ partner, originator, id }) => ({
    code: 'emergency-undelivered',
    partner,
    originator,
    subject: id,
  }));
}

export async function settleBatch(exchange: Exchange, batch: readonly Settled[]): Promise<undefined[]> {
  const attempts = batch.map((one) => one.attempt);
  const events = batch.map((one) => one.event).filter((event) => event !== undefined);
  await inTransaction(exchange.store.db, async (trx) => {
    await settleAttempts(trx, attempts, new Date(exchange.clock()));
    await recordEvents(trx, events);
    const causes = batch.map(({ cause }) => cause).filter((cause) => cause !== undefined);
    await raise(trx, [...(await undelivered(trx, attempts)), ...causes], new Date(exchange.clock()));
  });
  exchange.metrics.grouped('settle', batch.length);
  return batch.map(() => undefined);
}
