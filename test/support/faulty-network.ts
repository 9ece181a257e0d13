import { once } from 'node:events';
import { Agent, request as ask, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, answerGarbage, answerUnavailable, dribble, relay } from './faulty-answers.ts';
import { freePort } from './ports.ts';
import { type Seeded, seeded } from './seeded.ts';

// A network that breaks on purpose. In front of each node's peer listener stands a gate, and the node publishes the gate's
// address as its issuer: everything that partners ask of it passes here, pushes, polls, key sets and replays. Which request on
// a line meets which fault is drawn from a seed, for each line by itself; only the order of lines is left to real time.

/**
 * What may happen to a request. `dropped`: reset before it came through; `lost`: it came through and its answer did not;
 * `duplicated`: it comes through twice; `reordered`: another one of the line goes before it; `hanging`: accepted and never
 * answered, until the network heals; `slow`: it comes in drops, there or back; `garbage`: something else answers, before or after
 * it came through; `busy`: 503 with Retry-After.
 */
export const faults = [
  'dropped',
  'lost',
  'delayed',
  'duplicated',
  'reordered',
  'hanging',
  'slow',
  'garbage',
  'busy',
] as const;
export type Fault = (typeof faults)[number];
/** How often each fault happens, of 1. */
export type Weather = Readonly<Partial<Record<Fault, number>>>;

/** One request that came to a gate, in the order in which they came. */
export interface Passage {
  readonly from: string;
  readonly to: string;
  readonly path: string;
  /** Of a pushed message that is not encrypted. */
  readonly jti?: string;
  readonly event?: string;
  readonly fault?: Fault | 'cut' | 'held';
  /** What the node answered, where it was asked and its answer came. */
  status?: number;
}

export interface Gate {
  readonly issuer: string;
  /** Where what comes is passed on to. */
  leadsTo(address: string): void;
}

export interface FaultyNetwork {
  readonly passages: readonly Passage[];
  gate(): Promise<Gate>;
  /** The weather on every line, or on those to one issuer. */
  set(weather: Weather, to?: string): void;
  /** Nothing passes between nodes of different sides. */
  part(sides: readonly (readonly string[])[]): void;
  /** Requests to this issuer are accepted and wait here, until it heals. */
  hold(issuer: string): void;
  /** Ends every fault and every wait: what was held is broken off. */
  heal(): void;
  close(): Promise<void>;
}

interface State {
  readonly seed: number;
  readonly clock: () => number;
  readonly issuers: string[];
  readonly passages: Passage[];
  readonly lines: Map<string, Line>;
  readonly weather: Map<string, Weather>;
  readonly held: Set<string>;
  /** What hangs until the network heals. */
  readonly hanging: Set<ServerResponse>;
  readonly agent: Agent;
  sides: readonly (readonly string[])[];
  everywhere: Weather;
}

/** One direction between two nodes. */
interface Line {
  readonly chance: Seeded;
  /** Requests that let another one go before. */
  readonly waiting: Set<() => void>;
}

const PATIENCE_MS = 250;

/** `clock` is that of the nodes: the `Date` of their answers follows it, as it does where no clock is replaced. */
export function faultyNetwork(seed: number, clock: () => number = Date.now): FaultyNetwork {
  const state: State = {
    seed,
    clock,
    issuers: [],
    passages: [],
    lines: new Map(),
    weather: new Map(),
    held: new Set(),
    hanging: new Set(),
    agent: new Agent({ keepAlive: true, maxSockets: 128 }),
    sides: [],
    everywhere: {},
  };
  const servers: Server[] = [];
  return {
    passages: state.passages,
    async gate() {
      const gate = await openGate(state);
      servers.push(gate.server);
      return gate;
    },
    set(weather, to) {
      if (to === undefined) state.everywhere = weather;
      else state.weather.set(to, weather);
    },
    part: (sides) => {
      state.sides = sides;
    },
    hold: (issuer) => void state.held.add(issuer),
    heal: () => heal(state),
    async close() {
      heal(state);
      state.agent.destroy();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

function heal(state: State): void {
  state.everywhere = {};
  state.weather.clear();
  state.sides = [];
  state.held.clear();
  for (const response of state.hanging) response.destroy();
  state.hanging.clear();
  for (const line of state.lines.values()) for (const go of line.waiting) go();
}

async function openGate(state: State): Promise<Gate & { readonly server: Server }> {
  let address: string | undefined;
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  state.issuers.push(issuer);
  const server = createServer((request, response) => {
    pass(state, issuer, () => address, request, response).catch(() => response.destroy());
  });
  server.on('clientError', (_failure, socket) => socket.destroy());
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    issuer,
    server,
    leadsTo(given) {
      address = given;
    },
  };
}

/** A request as it is passed on. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function pass(
  state: State,
  to: string,
  address: () => string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await buffer(request);
  const { method = 'GET', url: path = '/', headers } = request;
  const asked = { method, path, headers, body };
  const said = whoAsks(asked);
  const line = lineOf(state, said.from, to);
  const fault = faultOf(state, line, said.from, to);
  const passage: Passage = { ...said, to, path, ...(fault && { fault }) };
  state.passages.push(passage);
  if (fault === 'cut' || fault === 'dropped') return void response.destroy();
  if (fault === 'held') return void state.hanging.add(response);
  const forward = async (pieces = 1) => {
    const answer = await askNode(state, address(), asked, response, pieces);
    passage.status = answer.status;
    return answer;
  };
  await meet({ state, line, fault, response, forward });
  for (const go of line.waiting) go();
}

interface Meeting {
  readonly state: State;
  readonly line: Line;
  readonly fault: Fault | undefined;
  readonly response: ServerResponse;
  readonly forward: (pieces?: number) => Promise<Answer>;
}

const faces: Readonly<Record<Fault, (meeting: Meeting) => Promise<void>>> = {
  dropped: async ({ response }) => void response.destroy(),
  async lost({ response, forward }) {
    await forward();
    response.destroy();
  },
  async delayed({ line, response, forward }) {
    await pause(10 + line.chance.below(PATIENCE_MS));
    relay(response, await forward());
  },
  async duplicated({ line, response, forward }) {
    const both =
      line.chance.fraction() < 0.5 ? await Promise.all([forward(), forward()]) : [await forward(), await forward()];
    relay(response, line.chance.pick(both));
  },
  async reordered({ line, response, forward }) {
    await otherFirst(line);
    relay(response, await forward());
  },
  async hanging({ state, line, response, forward }) {
    state.hanging.add(response);
    if (line.chance.fraction() < 0.5) await forward();
  },
  async slow({ line, response, forward }) {
    if (line.chance.fraction() < 0.5) relay(response, await forward(6));
    else await dribble(response, await forward());
  },
  async garbage({ line, response, forward }) {
    if (line.chance.fraction() < 0.5) await forward();
    answerGarbage(response, line.chance);
  },
  busy: async ({ line, response }) => answerUnavailable(response, 1 + line.chance.below(4)),
};

async function meet(meeting: Meeting): Promise<void> {
  if (meeting.fault) return faces[meeting.fault](meeting);
  relay(meeting.response, await meeting.forward());
}

/** Until another request of this line has been passed on, or none came for a while. */
async function otherFirst({ waiting }: Line): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.add(resolve);
  const alarm = setTimeout(resolve, PATIENCE_MS);
  await promise;
  clearTimeout(alarm);
  waiting.delete(resolve);
}

function lineOf({ lines, seed, issuers }: State, from: string, to: string): Line {
  // Ports differ from run to run, and the order in which gates were opened does not.
  const name = `${issuers.indexOf(from)} ${issuers.indexOf(to)}`;
  const line = lines.get(name) ?? { chance: seeded(seed, name), waiting: new Set() };
  lines.set(name, line);
  return line;
}

function faultOf(state: State, line: Line, from: string, to: string): Passage['fault'] {
  if (state.sides.length > 0 && !state.sides.some((side) => side.includes(from) && side.includes(to))) return 'cut';
  if (state.held.has(to)) return 'held';
  const weather = state.weather.get(to) ?? state.everywhere;
  let drawn = line.chance.fraction();
  for (const fault of faults) {
    drawn -= weather[fault] ?? 0;
    if (drawn < 0) return fault;
  }
  return undefined;
}

/** Who asks, as far as it says so: a message that is encrypted and a look at a key set say nothing. */
function whoAsks({ headers, body, path }: Asked): { from: string; jti?: string; event?: string } {
  const signed = /keyid="([^"#]+)#/.exec(String(headers['signature-input'] ?? ''))?.[1];
  if (signed !== undefined) return { from: signed };
  const [, payload, , more] = body.toString('latin1').split('.');
  if (payload === undefined || more !== undefined) return { from: 'nobody' };
  try {
    const { iss = 'nobody', jti, events } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (!path.endsWith('/push')) return { from: iss };
    return {
      from: iss,
      jti,
      event:
        Object.keys(events ?? {})[0]
          ?.split(':')
          .at(-1) ?? '',
    };
  } catch {
    return { from: 'nobody' };
  }
}

/** Passes a request on and reads the whole answer; a node that is down is a broken connection. */
function askNode(
  { agent, clock }: State,
  address: string | undefined,
  { method, path, headers, body }: Asked,
  response: ServerResponse,
  pieces: number,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  if (address === undefined) return Promise.reject(new Error('nobody is there'));
  const { hostname, port } = new URL(address);
  const { connection: _connection, ...rest } = headers;
  const out = ask({ agent, hostname, port, method, path, headers: rest }, (answer) => {
    buffer(answer).then((read) => {
      const date = new Date(clock()).toUTCString();
      resolve({ status: answer.statusCode ?? 0, headers: { ...answer.headers, date }, body: read });
    }, reject);
  });
  out.on('error', reject);
  // Who asked has gone: a poll that waits there ends with it.
  response.once('close', () => {
    if (!response.writableFinished && path.endsWith('/poll')) out.destroy();
  });
  void writeSlowly(out, body, pieces).catch(reject);
  return promise;
}

async function writeSlowly(out: ReturnType<typeof ask>, body: Buffer, pieces: number): Promise<void> {
  const size = Math.max(1, Math.ceil(body.length / pieces));
  for (let at = 0; at < body.length; at += size) {
    if (at > 0) await pause(15);
    if (out.destroyed) return;
    out.write(body.subarray(at, at + size));
  }
  out.end();
}
