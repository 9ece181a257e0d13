import type { Endpoints, Policy } from './contract.types.ts';

/** The largest poll that is taken and answered (RFC 8936; protocol, "Poll"). Times in milliseconds. */
export const pollLimits = {
  /** SETs in one answer, and bytes of them together. */
  events: 100,
  bytes: 1024 * 1024,
  /** Messages acknowledged or refused in one request. */
  acks: 1000,
  /** How long an answer may wait for something to arrive. */
  waitMs: 25_000,
  /** What was offered and not acknowledged is offered again so long after the answer was written. */
  offerMs: 60_000,
} as const;

/**
 * Whether messages for a partner wait until it fetches them: it publishes no address to push to, or the policy says so.
 * A policy that says `push` cannot make an address where there is none.
 */
export function waitsToBeFetched(partner: {
  readonly endpoints: Endpoints;
  readonly policy?: Policy | undefined;
}): boolean {
  return partner.endpoints.push === undefined || partner.policy?.send.transport === 'poll';
}

/** Stands as the last code of a delivery that its recipient has not fetched yet. */
export const WAITS_TO_BE_FETCHED = 'waits-to-be-fetched';

/** A refusal of one SET as RFC 8936, section 2.4, has it. */
export interface SetError {
  readonly err: string;
  readonly description?: string;
}

/** What one poll asks for; absent members are the defaults of RFC 8936, section 2.4. */
export interface PollRequest {
  readonly maxEvents?: number;
  readonly returnImmediately?: boolean;
  readonly ack?: readonly string[];
  readonly setErrs?: Readonly<Record<string, SetError>>;
}

/** The answer: compact SETs by their `jti`, in the order of their numbers. */
export interface PollAnswer {
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable: boolean;
}

const requestMembers: ReadonlySet<string> = new Set(['maxEvents', 'returnImmediately', 'ack', 'setErrs']);
const errorMembers: ReadonlySet<string> = new Set(['err', 'description']);
const jtiForm = /^[A-Za-z0-9_-]{1,64}$/;
const errForm = /^[A-Za-z0-9_.-]{1,64}$/;
const LONGEST_DESCRIPTION = 1024;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJti(value: unknown): value is string {
  return typeof value === 'string' && jtiForm.test(value);
}

function isSetError(value: unknown): boolean {
  if (!isObject(value) || Object.keys(value).some((member) => !errorMembers.has(member))) return false;
  const { err, description = '' } = value;
  const told = typeof description === 'string' && description.length <= LONGEST_DESCRIPTION;
  return told && typeof err === 'string' && errForm.test(err);
}

/** Reads the body of a poll, closed like everything here; undefined for what is no poll request. */
export function readPollRequest(body: unknown): PollRequest | undefined {
  if (!isObject(body) || Object.keys(body).some((member) => !requestMembers.has(member))) return undefined;
  const { maxEvents = 0, returnImmediately = false, ack = [], setErrs = {} } = body;
  if (!Number.isSafeInteger(maxEvents) || Number(maxEvents) < 0 || typeof returnImmediately !== 'boolean')
    return undefined;
  if (!Array.isArray(ack) || !ack.every(isJti)) return undefined;
  if (!isObject(setErrs) || !Object.keys(setErrs).every(isJti)) return undefined;
  if (!Object.values(setErrs).every(isSetError)) return undefined;
  const named = [...ack, ...Object.keys(setErrs)];
  // A message that is both acknowledged and refused says nothing, and neither does one that is named twice.
  if (named.length > pollLimits.acks || new Set(named).size !== named.length) return undefined;
  return body as PollRequest;
}

/** Reads a partner's answer; undefined for what is none. More SETs than were asked for are no reason to lose them. */
export function readPollAnswer(body: unknown): PollAnswer | undefined {
  if (!isObject(body)) return undefined;
  const { sets, moreAvailable = false } = body;
  if (!isObject(sets) || typeof moreAvailable !== 'boolean') return undefined;
  const well = Object.entries(sets).every(([jti, token]) => isJti(jti) && typeof token === 'string');
  return well && Object.keys(sets).length <= pollLimits.acks
    ? { sets: sets as Readonly<Record<string, string>>, moreAvailable }
    : undefined;
}
