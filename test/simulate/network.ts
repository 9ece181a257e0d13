import type { PostOutcome } from '../../src/domain/attempt.ts';
import type { KeySetAnswer } from '../../src/transport/get-key-set.ts';
import { createLines } from '../../src/transport/line.ts';
import type { PollOutcome, SignedPoll } from '../../src/transport/post-poll.ts';
import type { Destination, Transport } from '../../src/transport/transport.ts';
import type { VirtualClock } from './clock.ts';
import type { Life } from './database.ts';
import type { Dice } from './dice.ts';
import type { Faults } from './faults.ts';

/** What a node answers to a partner's request; a rejection where it dies over it. */
export interface Face {
  push(token: string): Promise<PostOutcome>;
  takeKeys(keySet: string): Promise<PostOutcome>;
  keySet(etag: string | undefined): Promise<KeySetAnswer>;
  poll(poll: SignedPoll): Promise<PollOutcome>;
  replay(asked: SignedPoll): Promise<PollOutcome>;
}

/** Who can be reached now: the face of a node that runs and listens, by its number. */
export interface Network {
  /** The outside of a node for one of its lives. */
  transportOf(node: number, life: Life, ownClock: () => number): Transport;
  /** No request and no answer passes between the two before this instant. */
  part(one: number, other: number, until: number): void;
  /** From now on nothing is lost. */
  heal(): void;
}

export interface NetworkOptions {
  readonly clock: VirtualClock;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly faceOf: (node: number) => Face | undefined;
  readonly numberOf: (issuer: string) => number;
  /** Told of everything that a node sends, and of each push that was answered. */
  readonly seen: Witness;
}

export interface Witness {
  sent(from: number, to: number, kind: Kind, token: string): void;
  answered(from: number, to: number, kind: Kind, outcome: { readonly status: string }, token: string): void;
  /** A request of this node failed: when it tries again is in its store. */
  troubled(node: number): void;
}

export type Kind = 'push' | 'keys' | 'fetch' | 'poll' | 'replay';
type Unreachable = { readonly status: 'unreachable'; readonly code: string };

const TIMEOUT_MS = 20_000;
const REFUSED_MS = 5;
const PAGE_MS = 40;
const MINUTE = 60_000;

const timedOut: Unreachable = { status: 'unreachable', code: 'timeout' };
const connectionRefused: Unreachable = { status: 'unreachable', code: 'connection-refused' };
const connectionLost: Unreachable = { status: 'unreachable', code: 'connection-lost' };

/** What every request goes through. */
interface Wires extends NetworkOptions {
  readonly parted: Map<string, number>;
  /** What leaves at one instant for one node arrives together: requests on one connection do. */
  readonly pace: Map<string, { readonly at: number; readonly delay: number }>;
  /** How unkind the world is now; undefined where nothing is lost any more. */
  unkind: Faults | undefined;
}

/** One request: from whom to whom, what the other side does with it, and pages of somebody in between. */
interface Request<Answer> {
  readonly from: number;
  readonly to: number;
  readonly kind: Kind;
  readonly token: string;
  readonly life: Life;
  readonly signal: AbortSignal | undefined;
  readonly serve: (face: Face) => Promise<Answer>;
  readonly pages: readonly Answer[];
}

const line = (one: number, other: number) => `${Math.min(one, other)} ${Math.max(one, other)}`;

/** Requests between nodes as the seed wants them: lost, late, twice, out of order, or answered by somebody in between. */
export function createNetwork(options: NetworkOptions): Network {
  const wires: Wires = { ...options, parted: new Map(), pace: new Map(), unkind: options.faults };
  return {
    part: (one, other, until) => void wires.parted.set(line(one, other), until),
    heal() {
      wires.parted.clear();
      wires.unkind = undefined;
    },
    transportOf: (node, life, ownClock) => transportOver(wires, node, life, ownClock),
  };
}

function isParted({ parted, clock }: Wires, one: number, other: number): boolean {
  return (parted.get(line(one, other)) ?? 0) > clock.now();
}

function delayOf({ pace, clock, dice }: Wires, from: number, to: number): number {
  const known = pace.get(`${from} ${to}`);
  if (known?.at === clock.now()) return known.delay;
  const delay = dice.between(5, dice.happens(0.1) ? 4000 : 150);
  pace.set(`${from} ${to}`, { at: clock.now(), delay });
  return delay;
}

type Taker<Answer> = (answer: Answer | Unreachable) => void;

function arrive<Answer>({ clock, faceOf }: Wires, { to, serve }: Request<Answer>, ms: number, done: Taker<Answer>) {
  const run = () => {
    const face = faceOf(to);
    if (!face) return done(connectionRefused);
    serve(face).then(done, () => done(connectionLost));
  };
  clock.at(clock.now() + ms, run, `arrive ${to}`);
}

/** What the sender learns at once or soon without anybody at the other side; undefined where the request is on its way. */
function stopped<Answer>(
  wires: Wires,
  { from, to, pages }: Request<Answer>,
): [Answer | Unreachable, number] | undefined {
  if (to < 0) return [{ status: 'unreachable', code: 'name-unresolved' }, REFUSED_MS];
  if (isParted(wires, from, to)) return [timedOut, TIMEOUT_MS / 2];
  const { dice, unkind } = wires;
  const page = unkind && (dice.happens(unkind.busy) ? pages[0] : dice.happens(unkind.garbage) ? pages[1] : undefined);
  return page && [page, PAGE_MS];
}

/** Sends a request, and gives the answer or what the sender makes of silence. */
function send<Answer extends { readonly status: string }>(
  wires: Wires,
  request: Request<Answer>,
): Promise<Answer | Unreachable> {
  const { clock, dice, seen, unkind } = wires;
  const { from, to, kind, token, life, signal } = request;
  const { promise, resolve } = Promise.withResolvers<Answer | Unreachable>();
  let callOff: () => void = () => undefined;
  const settle: Taker<Answer> = (answer) => {
    callOff();
    // A process that died waits for nothing.
    if (life.alive) resolve(answer);
  };
  const answerIn = (answer: Answer | Unreachable, ms: number) => {
    const run = () => {
      if (answer.status === 'unreachable' || answer.status === 'refused') seen.troubled(from);
      settle(answer);
    };
    return clock.at(clock.now() + ms, run, `answer ${from}`);
  };
  seen.sent(from, to, kind, token);
  signal?.addEventListener('abort', () => settle({ status: 'unreachable', code: 'connection-failed' }), { once: true });
  const early = stopped(wires, request);
  if (early) {
    answerIn(...early);
    return promise;
  }
  callOff = answerIn(timedOut, TIMEOUT_MS);
  const happens = (fault: keyof Faults) => unkind !== undefined && dice.happens(unkind[fault]);
  const delay = happens('late') ? dice.between(MINUTE / 2, 180 * MINUTE) : delayOf(wires, from, to);
  const [requestLost, answerLost] = [happens('requestLost'), happens('answerLost')];
  const served: Taker<Answer> = (answer) => seen.answered(from, to, kind, answer, token);
  if (!requestLost) {
    arrive(wires, request, delay, (answer) => {
      served(answer);
      if (!answerLost && !isParted(wires, from, to)) answerIn(answer, delay);
    });
  }
  if (kind !== 'fetch' && happens('twice')) arrive(wires, request, delay + dice.between(1, 90 * MINUTE), served);
  return promise;
}

const pages = {
  post: [
    { status: 'refused', http: 503, retryAfterMs: 30_000 },
    { status: 'refused', http: 200 },
  ],
  ask: [
    { status: 'refused', http: 503 },
    { status: 'answered', body: Buffer.from('<html>invented</html>') },
  ],
  fetch: [
    { status: 'unreachable', code: 'http-503' },
    { status: 'unreachable', code: 'http-200' },
  ],
} as const satisfies { post: PostOutcome[]; ask: PollOutcome[]; fetch: KeySetAnswer[] };

function transportOver(wires: Wires, node: number, life: Life, ownClock: () => number): Transport {
  const lines = createLines(ownClock);
  const about = (kind: Kind, token: string, { partner, signal }: Destination) => ({
    from: node,
    to: wires.numberOf(partner),
    ...{ kind, token, life, signal },
  });
  const post = (kind: 'push' | 'takeKeys', token: string, to: Destination) => {
    const serve = (face: Face) => face[kind](token);
    const told = kind === 'push' ? kind : 'keys';
    const post = () => send<PostOutcome>(wires, { ...about(told, token, to), serve, pages: pages.post });
    return lines.through(to, post, { always: kind === 'takeKeys' });
  };
  const ask = (kind: 'poll' | 'replay', asked: SignedPoll, to: Destination) => {
    const serve = (face: Face) => face[kind](asked);
    const post = () => send<PollOutcome>(wires, { ...about(kind, '', to), serve, pages: pages.ask });
    return lines.through(to, post, { ownQuota: kind === 'replay' });
  };
  return {
    postToken: (_, compact, to) => post('push', compact, to),
    postKeySet: (_, compact, to) => post('takeKeys', compact, to),
    askClock: async () => ({ status: 'unreachable', code: 'connection-failed' }),
    getKeySet(_, etag, to, signal) {
      const serve = (face: Face) => face.keySet(etag);
      return send<KeySetAnswer>(wires, { ...about('fetch', '', to), signal, serve, pages: pages.fetch });
    },
    postPoll: (_, poll, to) => ask('poll', poll, to),
    postReplay: (_, asked, to) => ask('replay', asked, to),
    allowance: lines.allowance,
    tryNow: lines.tryNow,
    shutUntil: lines.shutUntil,
    close: async () => undefined,
  };
}
