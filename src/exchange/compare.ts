import { askAboutUs, unwillingMeaning } from '../domain/attempt.ts';
import { isoInstant } from '../domain/instant.ts';
import { partnerRow } from '../store/partners.ts';
import {
  lastVerify,
  openGaps,
  outstandingTo,
  ownStanding,
  receiptsQueued,
  requestsTo,
  theirStreams,
  unsettledWithdrawals,
} from '../store/reconcile.ts';
import { type AskedStream, countVeiled, lastRecovery } from '../store/recovery.ts';
import type { RecoveryTable } from '../store/recovery-tables.ts';
import { unknownOf } from '../store/unknown-receipts.ts';
import type { Exchange } from './context.ts';
import { waitsFor } from './recovering.ts';

/** Entries of each list that are shown one by one. */
const LISTED = 20;

/** Something that only a person can do: what is the matter, and the command or call that mends it. */
export interface Task {
  readonly urgent: boolean;
  readonly message: string;
  readonly next: string;
}

/** What each side has, as far as this one can know it. */
export interface Comparison {
  readonly partner: string;
  readonly state: string;
  readonly at: string;
  /** Whether a node runs here: without one nothing leaves and nothing comes in. */
  readonly running: boolean;
  /** Nothing differs as far as this side sees, and nothing waits for a person; how far that holds, says `asOf`. */
  readonly even: boolean;
  readonly recovery?: {
    readonly because: string;
    readonly since: string;
    readonly sending: 'stopped' | 'resumed';
    readonly references: 'veiled' | 'open';
    /** What it waits for, in plain words. */
    readonly waitsFor: readonly string[];
  };
  /** References of the partner that show nowhere. */
  readonly veiled: number;
  readonly ours: {
    readonly epoch?: string;
    readonly n?: number;
    readonly formerEpochs: number;
    /** Messages that the partner has not answered for. */
    readonly unanswered: readonly { readonly state: string; readonly count: number; readonly oldest: string }[];
    /** Receipts for its messages that have not left. */
    readonly receiptsWaiting: number;
    readonly withdrawalsUnsettled: number;
    readonly withdrawals: readonly { readonly id: string; readonly outcome: string; readonly since: string }[];
  };
  readonly theirs: {
    /** `open`: numbers below the highest that are not in: under way, or not yet found missing. */
    readonly streams: readonly {
      readonly epoch: string;
      readonly upTo: number;
      readonly highest: number;
      readonly open: number;
    }[];
    readonly missing: readonly {
      readonly epoch: string;
      readonly first: number;
      readonly last: number;
      readonly since: string;
    }[];
    readonly replays: readonly {
      readonly epoch: string;
      readonly from: number;
      readonly to?: number;
      readonly state: string;
      readonly code?: string;
      readonly askedAt?: string;
    }[];
  };
  /** Receipts for messages that this store does not know. */
  readonly unknown: {
    readonly receipts: number;
    /** Own references that are closed here because the partner said that we withdrew them. */
    readonly closed: readonly string[];
    /** Own references that are open here though the partner says that we withdrew them: nothing else speaks for it. */
    readonly claimed: readonly string[];
    /** References that the partner has from us and that this store does not know. */
    readonly strange: readonly { readonly id: string; readonly outcome: string; readonly at: string }[];
  };
  readonly verify?: {
    readonly state: string;
    readonly outcome?: string;
    readonly code?: string;
    readonly at: string;
    readonly answeredAt?: string;
    readonly answeredAfterMs?: number;
  };
  /**
   * When the partner last answered a round trip, where that is fresh: only until then is it known that nothing more is under
   * way. Absent where it did not, or long ago.
   */
  readonly asOf?: string;
  readonly tasks: readonly Task[];
}

const instant = (at: Date) => isoInstant(at.getTime());

/** Reads what there is to compare; changes nothing. */
export async function compare(exchange: Exchange, partner: string, state: string, running = true): Promise<Comparison> {
  const { db } = exchange.store;
  const [recovery, veiled, ours, theirs, unknown, verify] = await Promise.all([
    lastRecovery(db, partner),
    countVeiled(db, partner),
    readOurs(exchange, partner),
    readTheirs(exchange, partner),
    unknownOf(db, exchange.self, partner, LISTED),
    lastVerify(db, partner),
  ]);
  const standing = recovery && (await readRecovery(exchange, recovery));
  const said: Omit<Comparison, 'even' | 'tasks'> = {
    partner,
    state,
    at: isoInstant(exchange.clock()),
    running,
    ...(standing && { recovery: standing }),
    veiled,
    ours,
    theirs,
    unknown: {
      receipts: unknown.total,
      closed: unknown.closed,
      claimed: unknown.claimed,
      strange: unknown.strange.map((one) => ({ ...one, at: instant(one.at) })),
    },
    ...(verify && { verify: trip(verify) }),
  };
  const hasReplay = (await partnerRow(db, partner))?.endpoints.replay !== undefined;
  const tasks = [...(running ? [] : [stoppedTask]), ...refusedTasks(exchange.self, said), ...tasksOf(said, hasReplay)];
  return { ...said, ...freshness(exchange.clock(), verify), even: tasks.length === 0 && isEven(said), tasks };
}

async function readOurs({ store: { db } }: Exchange, partner: string): Promise<Comparison['ours']> {
  const [{ now, before }, unanswered, receiptsWaiting, withdrawals] = await Promise.all([
    ownStanding(db, partner),
    outstandingTo(db, partner),
    receiptsQueued(db, partner),
    unsettledWithdrawals(db, partner, LISTED),
  ]);
  return {
    ...(now && { epoch: now.epoch, n: now.n }),
    formerEpochs: before.length,
    unanswered: unanswered.map((one) => ({ ...one, oldest: instant(one.oldest) })),
    receiptsWaiting,
    withdrawalsUnsettled: withdrawals.total,
    withdrawals: withdrawals.first.map(({ id, outcome, state, at }) => ({
      id,
      outcome: outcome ?? state,
      since: instant(at),
    })),
  };
}

async function readTheirs({ store: { db } }: Exchange, partner: string): Promise<Comparison['theirs']> {
  const [streams, gaps, requests] = await Promise.all([
    theirStreams(db, partner),
    openGaps(db, partner, LISTED),
    requestsTo(db, partner, LISTED),
  ]);
  return {
    streams: streams.map(({ epoch, floor, highest, open }) => ({ epoch, upTo: floor, highest, open })),
    missing: gaps.map(({ found_at, ...gap }) => ({ ...gap, since: instant(found_at) })),
    replays: requests.map(({ epoch, from_n, to_n, state, code, asked_at }) => ({
      epoch,
      from: from_n,
      ...(to_n !== null && { to: to_n }),
      state,
      ...(code !== null && { code }),
      ...(asked_at && { askedAt: instant(asked_at) }),
    })),
  };
}

async function readRecovery(exchange: Exchange, recovery: RecoveryTable): Promise<Comparison['recovery']> {
  const { because, at, resumed_at, opened_at } = recovery;
  const over = resumed_at !== null && opened_at !== null;
  const { verify, streams, askable } = over
    ? { verify: false, streams: [], askable: true }
    : await waitsFor(exchange.store.db, recovery);
  return {
    because,
    since: instant(at),
    sending: resumed_at === null ? 'stopped' : 'resumed',
    references: opened_at === null ? 'veiled' : 'open',
    waitsFor: [
      ...(verify ? ['the answer to a round trip'] : []),
      ...streams.map((stream) => missingOf(stream, askable)),
    ],
  };
}

function missingOf({ epoch, floor, state, code }: AskedStream, askable: boolean): string {
  if (!askable && state === 'done') return `word of where it ended its epoch ${epoch}`;
  const asked = state === null ? 'not asked for yet' : `${state}${code === null ? '' : `, ${code}`}`;
  return `its messages from ${floor + 1} on in epoch ${epoch} (${askable ? asked : 'it is waited for and not asked'})`;
}

function trip({
  state,
  outcome,
  last_code: code,
  created_at,
  settled_at,
}: NonNullable<Awaited<ReturnType<typeof lastVerify>>>): NonNullable<Comparison['verify']> {
  return {
    state,
    ...(outcome !== null && { outcome }),
    ...(code !== null && { code }),
    at: instant(created_at),
    ...(settled_at && {
      answeredAt: instant(settled_at),
      answeredAfterMs: settled_at.getTime() - created_at.getTime(),
    }),
  };
}

/** An answer that is older says nothing of this moment. */
const FRESH_MS = 10 * 60_000;

function freshness(now: number, verify: Awaited<ReturnType<typeof lastVerify>>): { asOf?: string } {
  const at = verify?.outcome === 'accepted' ? verify.settled_at : null;
  return at && now - at.getTime() <= FRESH_MS ? { asOf: instant(at) } : {};
}

type Said = Omit<Comparison, 'even' | 'tasks'>;

function isEven({ ours, theirs, veiled, recovery }: Said): boolean {
  const going = recovery && (recovery.sending === 'stopped' || recovery.references === 'veiled');
  const isWhole = theirs.missing.length === 0 && theirs.streams.every(({ open }) => open === 0);
  return ours.unanswered.length === 0 && isWhole && veiled === 0 && !going;
}

/** What no replay and no second try mends. */
function tasksOf(said: Said, hasReplay: boolean): Task[] {
  const { partner, state, ours, theirs, unknown } = said;
  const deadCount = ours.unanswered.find((one) => one.state === 'dead')?.count ?? 0;
  const refused = ours.withdrawals.filter(({ outcome }) => outcome === 'refused' || outcome === 'dead');
  return [
    ...recoveryTasks(said, hasReplay),
    ...(state === 'suspended'
      ? [task(true, 'The partner is suspended: nothing is compared or repaired.', `caseref partner resume ${partner}`)]
      : []),
    ...(refused.length > 0
      ? [
          task(
            true,
            `${refused.length} withdrawals of ours did not take effect there.`,
            `Call the partner, give it the ids above, then: caseref delivery list --partner ${partner}`,
          ),
        ]
      : []),
    ...(unknown.closed.length > 0
      ? [
          task(
            true,
            `${unknown.closed.length} references of ours are closed here: the partner says that we withdrew them in the lost time.`,
            `Withdraw each again (caseref reference withdraw ID --reason CODE), or show all again, and let go on what waits of them: caseref reconcile ${partner} --lift --yes`,
          ),
        ]
      : []),
    ...(unknown.claimed.length > 0
      ? [
          task(
            false,
            `The partner says that we withdrew ${unknown.claimed.length} references of ours; nothing here speaks for it, and they are open.`,
            `Look each up in your own system; withdraw what was (caseref reference withdraw ID --reason CODE), then: caseref reconcile ${partner} --lift --yes`,
          ),
        ]
      : []),
    ...(unknown.strange.length > 0
      ? [
          task(
            false,
            `The partner has, or had, references from us that this store does not know: ${unknown.strange.length}.`,
            'Submit each again with its id from your own system, and withdraw it then if it was to be taken back; where you have none, ask the partner to erase it. What is not submitted again stands here for 100 days.',
          ),
        ]
      : []),
    ...(deadCount > 0
      ? [
          task(
            false,
            `${deadCount} messages were given up.`,
            `caseref delivery list --state dead --partner ${partner}; once the cause is mended: caseref delivery retry --all --partner ${partner}`,
          ),
        ]
      : []),
    ...(theirs.missing.length > 0 && !hasReplay
      ? [
          task(
            false,
            'The partner publishes no way to ask for a replay.',
            'Ask its operator to send these numbers once more.',
          ),
        ]
      : []),
  ];
}

const stoppedTask: Task = {
  urgent: true,
  message: 'No node runs on this directory: nothing leaves, and nothing of the partner comes in.',
  next: 'caseref serve',
};

/** What the partner says of us is mended by its operator alone, however often we try. */
function refusedTasks(self: string, { partner, verify }: Omit<Comparison, 'even' | 'tasks'>): Task[] {
  const meaning = verify?.outcome === undefined ? unwillingMeaning(verify?.code) : undefined;
  if (meaning === undefined) return [];
  const next = `${askAboutUs(self)}. Then send what waits: caseref delivery retry --all --state queued --partner ${partner}`;
  return [task(true, `The partner refuses what we send (${verify?.code}): ${meaning}.`, next)];
}

const task = (urgent: boolean, message: string, next: string): Task => ({ urgent, message, next });

function recoveryTasks({ partner, recovery, verify, theirs, veiled }: Said, hasReplay: boolean): Task[] {
  if (recovery?.references !== 'veiled') {
    if (veiled === 0) return [];
    const message = `${veiled} references stay closed: withdrawals of theirs wait for a decision.`;
    return [task(true, message, `caseref reference held --partner ${partner}`)];
  }
  const byHand = `Ask the partner what it withdrew since ${recovery.since}, restrict that, then: caseref reconcile ${partner} --open --yes`;
  if (!hasReplay) {
    const message =
      'The partner cannot be asked for a replay: its references stay closed until it has sent by itself what is missing.';
    return [task(true, message, `One that only polls does so within a day. Else: ${byHand}`)];
  }
  if (theirs.replays.some(({ state, code }) => state === 'refused' && code === 'cursor_too_old'))
    return [task(true, 'The partner does not keep what is missing any more.', byHand)];
  if (verify && verify.outcome === undefined && verify.code !== undefined) {
    const message = `The partner does not answer (${verify.code}); its references stay closed until it does.`;
    return [task(true, message, `Call its operator. Where it stays away: ${byHand}`)];
  }
  return [];
}
