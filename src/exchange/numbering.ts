import type { AlertCause } from '../domain/alert.ts';
import type { Voided } from '../domain/contract.types.ts';
import { jumps, type Run, reachable, walkSequence } from '../domain/sequence.ts';
import { raise } from '../store/feed.ts';
import { keepGaps, reusedNumbers } from '../store/gaps.ts';
import type { Trx } from '../store/open.ts';
import {
  boundStreams,
  forgetVoided,
  highestOf,
  keepVoided,
  noteReached,
  numbersAbove,
  raiseFloor,
  type StreamBefore,
  unsettledStreams,
  type VoidedRun,
  voidedAbove,
} from '../store/streams.ts';
import { inTransaction } from '../store/transaction.ts';
import type { Arrival } from './arrival.ts';
import type { Exchange } from './context.ts';
import { wantReplay } from './replay-client.ts';

const DAY = 86_400_000;
const HORIZON = 90 * DAY;
/** Streams looked at in one walk, and numbers read at a time and in all from one of them. */
const STREAMS = 200;
const STEP = 1000;
const MOST_STEPS = 20;
/** Epochs of one partner that are watched: each costs a walk, and nobody begins anew so often without being put back each time. */
const MOST_EPOCHS = 100;

interface Stream {
  readonly partner: string;
  readonly epoch: string;
}

/**
 * Notes the numbers of what arrived, in the transaction that stores it. A jump of the numbers and a second new epoch
 * within a day are told at once; a hole may still close and is told by `findGaps`. `again` are messages that were suspect
 * and count anew: their own numbers are known.
 */
export async function noteNumbers(
  trx: Trx,
  arrivals: readonly Arrival[],
  at: Date,
  again: readonly Arrival[] = [],
): Promise<AlertCause[]> {
  const came = Map.groupBy(numbered(arrivals), ({ partner, epoch }) => `${partner} ${epoch}`);
  const reached = [...came.values()].map((stream) => ({
    partner: stream[0]?.partner ?? '',
    epoch: stream[0]?.epoch ?? '',
    n: Math.max(...stream.map(({ n }) => n)),
  }));
  const before = await noteReached(trx, reached, at, new Date(at.getTime() - DAY));
  const crowded = await boundEpochs(trx, before, at);
  const reused = await noteReused(trx, before, came, at);
  const overdrawn = await noteVoided(trx, [...arrivals, ...again].flatMap(voidedRuns), at);
  return [
    ...before.flatMap((stream) =>
      told(
        stream,
        (came.get(`${stream.partner} ${stream.epoch}`) ?? []).map(({ n }) => n),
      ),
    ),
    ...crowded,
    ...reused,
    ...overdrawn,
  ];
}

/** A partner that begins one epoch after the other hurts its own line only: what is too many of them is not watched, and is told. */
async function boundEpochs(trx: Trx, before: readonly StreamBefore[], at: Date): Promise<AlertCause[]> {
  const fresh = Map.groupBy(
    before.filter(({ highest }) => highest === null),
    ({ partner }) => partner,
  );
  const causes: AlertCause[] = [];
  for (const [partner, streams] of fresh) {
    if ((streams[0]?.watched ?? 0) + streams.length <= MOST_EPOCHS) continue;
    await boundStreams(trx, partner, MOST_EPOCHS, at);
    causes.push({ code: 'epochs-exceeded', partner });
  }
  return causes;
}

interface NumberedArrival extends Stream {
  readonly n: number;
  readonly jti: string;
}

function numbered(arrivals: readonly Arrival[]): NumberedArrival[] {
  return arrivals.flatMap(({ verified }) => {
    const { iss: partner, jti, 'urn:caseref:seq': seq } = verified.claims;
    return seq ? [{ partner, epoch: seq.epoch, n: seq.n, jti }] : [];
  });
}

/**
 * A number that comes under a second jti was given twice: its sender counts from an older state. It is asked for what follows
 * the highest number that came, which tells it how far it had counted. Only numbers below that are looked up.
 */
async function noteReused(
  trx: Trx,
  before: readonly StreamBefore[],
  came: ReadonlyMap<string, readonly NumberedArrival[]>,
  at: Date,
): Promise<AlertCause[]> {
  const heights = new Map(before.map((one) => [`${one.partner} ${one.epoch}`, one.highest ?? 0]));
  const low = [...came].flatMap(([stream, ones]) => ones.filter(({ n }) => n <= (heights.get(stream) ?? 0)));
  const stored = (await reusedNumbers(trx, low)).map(({ partner, epoch }) => `${partner} ${epoch}`);
  const together = [...came].filter(([, ones]) => new Set(ones.map(({ n }) => n)).size < ones.length);
  const streams = new Set([...stored, ...together.map(([stream]) => stream)]);
  const causes: AlertCause[] = [];
  for (const stream of streams) {
    const ones = came.get(stream) ?? [];
    const { partner = '', epoch = '' } = ones[0] ?? {};
    const highest = Math.max(heights.get(stream) ?? 0, ...ones.map(({ n }) => n));
    await wantReplay(trx, { partner, epoch, from: highest + 1, at });
    causes.push({ code: 'sequence-reused', partner, subject: epoch });
  }
  return causes;
}

/** What is said of numbers far above all that came is not believed: it would end the watch over the stream for good. */
async function noteVoided(trx: Trx, runs: readonly VoidedRun[], at: Date): Promise<AlertCause[]> {
  if (runs.length === 0) return [];
  const highest = await highestOf(trx, runs);
  const isNear = ({ partner, epoch, last }: VoidedRun) => reachable(highest.get(`${partner} ${epoch}`) ?? 0, last);
  await keepVoided(trx, runs.filter(isNear), at);
  const far = runs.filter((run) => !isNear(run));
  const streams = new Map(far.map((run) => [`${run.partner} ${run.epoch}`, run]));
  return [...streams.values()].map(({ partner, epoch }) => ({ code: 'sequence-jump', partner, subject: epoch }));
}

function told({ partner, epoch, highest, others }: StreamBefore, numbers: readonly number[]): AlertCause[] {
  const causes: AlertCause[] = [];
  if (highest === null && others > 0) causes.push({ code: 'epoch-changed-again', partner, subject: epoch });
  if (jumps(highest ?? 0, numbers)) causes.push({ code: 'sequence-jump', partner, subject: epoch });
  return causes;
}

function voidedRuns({ verified, judged }: Arrival): VoidedRun[] {
  if (judged.kind !== 'voided') return [];
  const { epoch, ranges } = verified.event.payload as unknown as Voided;
  const { iss: partner, jti } = verified.claims;
  return ranges.map(([first = 0, last = 0]) => ({ partner, epoch, first, last, jti }));
}

/** Walks up what partners have sent and tells of holes that have stayed open for two hours, each once. */
export async function findGaps(exchange: Exchange): Promise<void> {
  for (const stream of await unsettledStreams(exchange.store.db, STREAMS)) await walk(exchange, stream, stream.floor);
}

async function walk(exchange: Exchange, stream: Stream, start: number): Promise<void> {
  await inTransaction(exchange.store.db, async (trx) => {
    const at = new Date(exchange.clock());
    const { floor, holes } = await climb(trx, stream, start, at.getTime());
    await raiseFloor(trx, stream, floor, at);
    await forgetVoided(trx, stream, { floor, before: new Date(at.getTime() - HORIZON) });
    const causes = holes.map(() => ({ code: 'sequence-gap', partner: stream.partner, subject: stream.epoch }) as const);
    await keepGaps(trx, stream, holes, at);
    await raise(trx, causes, at);
  });
}

async function climb(trx: Trx, stream: Stream, start: number, now: number): Promise<{ floor: number; holes: Run[] }> {
  const voided = (await voidedAbove(trx, stream, start)).map(({ first, last }): Run => [first, last]);
  const holes: Run[] = [];
  let floor = start;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const rows = await numbersAbove(trx, stream, floor, STEP);
    const came = rows.map(({ n, received_at }) => ({ n, at: received_at.getTime() }));
    const walked = walkSequence(floor, came, voided, now);
    holes.push(...walked.holes);
    floor = walked.floor;
    if (rows.length < STEP || floor < (rows.at(-1)?.n ?? 0)) break;
  }
  return { floor, holes };
}
