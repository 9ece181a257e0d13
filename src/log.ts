import pino, { type DestinationStream } from 'pino';

const word = /^[A-Za-z]{1,20}(?:[._-][A-Za-z0-9]{1,20}){0,7}$/;
const identifier = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * What a log line may say: codes, identifiers, counts and durations, each in its own form. Nothing else gets through, so
 * that a careless call can lose a fact but never leak an address, a handle, a token or a key.
 */
const allowed = {
  event: word,
  code: /^(?:[A-Za-z][A-Za-z0-9]{0,19}(?:[_-][A-Za-z0-9]{1,20}){0,7}|[0-9A-Z]{5})$/,
  // An issuer: an origin without a path.
  partner: /^https?:\/\/(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])(?::\d{1,5})?$/,
  jti: identifier,
  reference: identifier,
  delivery: identifier,
  listener: word,
  // The pattern of a route, never the path that was asked for.
  route: /^(?:\/[A-Za-z0-9_:.-]{0,40}){1,8}$/,
  method: /^[A-Z]{1,10}$/,
  status: word,
  count: /^\d{1,15}$/,
  durationMs: /^\d{1,15}$/,
  version: /^[0-9A-Za-z.-]{1,20}$/,
  store: word,
  // One of our own listeners.
  address: /^(?:https?:\/\/)?(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]|localhost):\d{1,5}$/,
} as const;

export type LogField = keyof typeof allowed;
export type LogFields = { readonly [Field in LogField]?: string | number | undefined } & { readonly event: string };

export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  /** An error that nobody expected: its name and code and where it was thrown, never its message, which may quote a value. */
  failure(event: string, failure: unknown, fields?: Omit<LogFields, 'event'>): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

function only(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, form] of Object.entries(allowed)) {
    const value = fields[name];
    if (typeof value === 'number' || (typeof value === 'string' && form.test(value))) kept[name] = value;
  }
  return kept;
}

const frame =
  /^\s+at (?:([\w$.<> ]{1,80}) )?\(?(?:file:\/\/)?\/[^()?#]*\/((?:src|test|dist|node_modules)\/[\w@./-]+)(?:\?[^():]*)?(:\d+:\d+)\)?$/;

/** Function and line of the innermost frames. The message is cut off first: it may quote a value, in lines like frames. */
function whereOf({ stack = '', message }: Error): string[] {
  const start = stack.indexOf(message);
  if (start < 0) return [];
  const frames = stack.slice(start + message.length).split('\n');
  return frames
    .map((line) => frame.exec(line))
    .filter((match) => match !== null)
    .slice(0, 6)
    .map(([, called, file, line]) => (called === undefined ? `${file}${line}` : `${called} (${file}${line})`));
}

function described(failure: unknown): Record<string, unknown> {
  if (!(failure instanceof Error)) return { failure: typeof failure };
  const { name, code, cause } = failure as Error & { code?: unknown };
  return {
    failure: nameOf(name),
    ...only({ code }),
    ...(cause instanceof Error && { cause: nameOf(cause.name) }),
    at: whereOf(failure),
  };
}

function nameOf(name: string): string {
  return /^[A-Za-z]{1,40}$/.test(name) ? name : 'Error';
}

/** JSON lines on stderr unless another destination is given. */
export function createLog(options: { readonly level: LogLevel; readonly destination?: DestinationStream }): Log {
  const logger = pino(
    { level: options.level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
  return {
    info: (fields, message) => logger.info(only(fields), message),
    warn: (fields, message) => logger.warn(only(fields), message),
    failure: (event, failure, fields = {}) =>
      logger.error({ ...only({ ...fields, event }), ...described(failure) }, 'a failure'),
  };
}
