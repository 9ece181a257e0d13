/** How much of a stream comes again at a time (protocol, "Endpoints"). Times in milliseconds. */
export const replayLimits = {
  /** Messages in one replay. */
  messages: 10_000,
  /** From one request of a partner to its next. */
  everyMs: 10 * 60_000,
  /** What is older is not said again: nobody takes it (protocol, "Identifiers and formats", horizon). */
  horizonMs: 90 * 86_400_000,
  /**
   * Numbers that a node voids behind the last one that it knows of an epoch, to say that the epoch has ended. So many because it
   * may have counted on before its state was lost; and fewer than a jump (`LARGEST_JUMP`), beyond which nobody believes it.
   */
  endMark: 50_000,
} as const;

/** A stream of ours, and the number from which on a partner wants it again. */
export interface ReplayRequest {
  readonly epoch: string;
  readonly from: number;
}

/** What will come again: the numbers from `from` to `to`, both included; `messages` of them, the others are voided. */
export interface ReplayGrant extends ReplayRequest {
  readonly to: number;
  readonly messages: number;
}

/** Why a replay cannot be had from there. `oldest` is the oldest number that there is. */
export type ReplayRefusal =
  | { readonly err: 'cursor_too_old'; readonly oldest: number }
  | { readonly err: 'cursor_in_future' };

/** One constant sentence for each; neither says which numbers or epochs there are beyond what was asked. */
export const replayDescriptions: Readonly<Record<ReplayRefusal['err'], string>> = {
  cursor_too_old: 'nothing is kept from this number on; the oldest that is kept is named',
  cursor_in_future: 'this number was not given in this epoch',
};

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const requestMembers: ReadonlySet<string> = new Set(['epoch', 'from']);

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Reads the body of a request, closed like everything here; undefined for what is none. */
export function readReplayRequest(body: unknown): ReplayRequest | undefined {
  if (!isObject(body) || Object.keys(body).some((member) => !requestMembers.has(member))) return undefined;
  const { epoch, from } = body;
  return typeof epoch === 'string' && uuidForm.test(epoch) && isNumber(from) ? { epoch, from } : undefined;
}

/** Reads what a partner granted; undefined for what answers another question. */
export function readReplayGrant(body: unknown, asked: ReplayRequest): ReplayGrant | undefined {
  if (!isObject(body)) return undefined;
  const { epoch, from, to, messages } = body;
  if (epoch !== asked.epoch || from !== asked.from || !isNumber(to) || !isNumber(messages)) return undefined;
  // Whoever grants more than there can be is not believed how far the stream reaches.
  // Numbers begin at 1: a replay from 0 on is one from there.
  return to >= asked.from && to - Math.max(asked.from, 1) < replayLimits.messages
    ? { ...asked, to, messages }
    : undefined;
}

/** Reads a refusal; undefined for what is none of the two. */
export function readReplayRefusal(body: unknown, asked: ReplayRequest): ReplayRefusal | undefined {
  if (!isObject(body)) return undefined;
  const { err, oldest } = body;
  if (err === 'cursor_in_future') return { err };
  return err === 'cursor_too_old' && isNumber(oldest) && oldest > asked.from ? { err, oldest } : undefined;
}
