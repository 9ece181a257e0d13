import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { codes } from './domain/codes.ts';
import type { Contact } from './domain/contract.types.ts';
import { checkJurisdiction } from './domain/jurisdiction.ts';
import { isRefusal, type Refusal, refuse } from './domain/refusal.ts';
import type { LogLevel } from './log.ts';
import { checkIssuer, isLoopbackIssuer } from './wire/issuer.ts';
import { isJsonObject, readJson } from './wire/strict.ts';

/** An address to listen on. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** What `caseref init` wrote into `node.json`: who this node is and where it listens. No secret. */
export interface NodeSettings {
  readonly issuer: string;
  readonly name: string;
  readonly type: string;
  readonly jurisdictions: readonly string[];
  readonly contact?: Contact;
  readonly peer: Listen;
  readonly api: Listen;
  readonly portal: Listen;
  readonly private?: Listen;
  /** Schema in PostgreSQL; absent: the embedded store in the node's directory. */
  readonly schema?: string;
  /** Ceiling of retention in days. */
  readonly retainDays?: number;
  /** Takes no inbound connection: publishes no address to push to, and asks partners for what waits there. */
  readonly pollOnly?: true;
}

export const defaultListeners = {
  peer: { host: '127.0.0.1', port: 8440 },
  api: { host: '127.0.0.1', port: 8441 },
  portal: { host: '127.0.0.1', port: 8442 },
} as const satisfies Record<string, Listen>;

/** A secret that shows itself to nobody who prints, logs or serialises it. */
export interface Secret {
  reveal(): string;
}

export function secret(value: string): Secret {
  const hidden = { reveal: () => value, toJSON: () => '[secret]', toString: () => '[secret]' };
  return Object.defineProperty(hidden, Symbol.for('nodejs.util.inspect.custom'), { value: () => '[secret]' });
}

/** What the environment says of the portal; made sense of together with the node's settings, in exchange. */
export interface PortalEnvironment {
  /** The origin under which liaisons reach the portal, such as https://portal.police-b.example. */
  readonly origin?: string | undefined;
  readonly oidcIssuer?: string | undefined;
  readonly oidcClientId?: string | undefined;
  readonly oidcClientSecret?: Secret | undefined;
  /** Absolute path. */
  readonly oidcClientSecretFile?: string | undefined;
  readonly oidcUnitClaim?: string | undefined;
  readonly oidcJurisdictionClaim?: string | undefined;
}

/** The environment as it was given, before anything is decided. */
export interface Environment {
  readonly data: string | undefined;
  readonly passphrase: Secret | undefined;
  readonly passphraseFile: string | undefined;
  /** Of an identity key that is kept apart; that of the node where absent. */
  readonly identityPassphrase?: Secret | undefined;
  readonly identityPassphraseFile?: string | undefined;
  /** What the key files are to be encrypted with from now on. */
  readonly newPassphrase?: Secret | undefined;
  readonly newPassphraseFile?: string | undefined;
  /** Key file of the operator who acts. */
  readonly operator?: string | undefined;
  readonly operatorPassphrase?: Secret | undefined;
  readonly operatorPassphraseFile?: string | undefined;
  readonly database: Secret | undefined;
  readonly logLevel: string | undefined;
  readonly trustProxy: string | undefined;
  /** Program that is run for each alert, with fixed arguments. */
  readonly alertCommand?: string | undefined;
  readonly portal?: PortalEnvironment;
  readonly noColor: boolean;
  /** Where npm was called: relative paths of the caller start there. */
  readonly startedIn: string;
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

function hidden(value: string | undefined): Secret | undefined {
  const given = filled(value);
  return given === undefined ? undefined : secret(given);
}

/** The only reader of `process.env`. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const passphrase = filled(env.CASEREF_PASSPHRASE);
  const database = filled(env.CASEREF_DATABASE);
  return {
    data: filled(env.CASEREF_DATA),
    passphrase: passphrase === undefined ? undefined : secret(passphrase),
    passphraseFile: filled(env.CASEREF_PASSPHRASE_FILE),
    identityPassphrase: hidden(env.CASEREF_IDENTITY_PASSPHRASE),
    identityPassphraseFile: filled(env.CASEREF_IDENTITY_PASSPHRASE_FILE),
    newPassphrase: hidden(env.CASEREF_NEW_PASSPHRASE),
    newPassphraseFile: filled(env.CASEREF_NEW_PASSPHRASE_FILE),
    operator: filled(env.CASEREF_OPERATOR),
    operatorPassphrase: hidden(env.CASEREF_OPERATOR_PASSPHRASE),
    operatorPassphraseFile: filled(env.CASEREF_OPERATOR_PASSPHRASE_FILE),
    database: database === undefined ? undefined : secret(database),
    logLevel: filled(env.CASEREF_LOG_LEVEL),
    trustProxy: filled(env.CASEREF_TRUST_PROXY),
    alertCommand: filled(env.CASEREF_ALERT_COMMAND),
    portal: readPortal(env),
    noColor: filled(env.NO_COLOR) !== undefined,
    startedIn: filled(env.INIT_CWD) ?? process.cwd(),
  };
}

function readPortal(env: NodeJS.ProcessEnv): PortalEnvironment {
  const file = filled(env.CASEREF_OIDC_CLIENT_SECRET_FILE);
  return {
    origin: filled(env.CASEREF_PORTAL_ORIGIN),
    oidcIssuer: filled(env.CASEREF_OIDC_ISSUER),
    oidcClientId: filled(env.CASEREF_OIDC_CLIENT_ID),
    oidcClientSecret: hidden(env.CASEREF_OIDC_CLIENT_SECRET),
    oidcClientSecretFile: file && resolve(filled(env.INIT_CWD) ?? process.cwd(), file),
    oidcUnitClaim: filled(env.CASEREF_OIDC_UNIT_CLAIM),
    oidcJurisdictionClaim: filled(env.CASEREF_OIDC_JURISDICTION_CLAIM),
  };
}

/** What `serve` runs with, settled from environment and `node.json`. */
export interface RunSettings {
  readonly logLevel: LogLevel;
  readonly trustProxy: boolean;
  readonly portal?: PortalEnvironment | undefined;
  /** Absolute path of a program and its fixed arguments; absent: nobody is told. */
  readonly alertCommand?: readonly string[];
  readonly store:
    | { readonly kind: 'embedded' }
    | { readonly kind: 'postgres'; readonly url: Secret; readonly schema: string };
}

const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

function wrong(setting: string, message: string, next: string): Refusal {
  return refuse('setting-invalid', '', `${setting}: ${message}`, next);
}

/** Settles what the environment and the node's settings say together. Half a database setting starts nothing: no silent fall-back. */
export function settle(environment: Environment, node: NodeSettings): RunSettings | Refusal {
  const level = environment.logLevel ?? 'info';
  if (!(logLevels as readonly string[]).includes(level)) {
    return wrong('CASEREF_LOG_LEVEL', 'the level is unknown.', `Use one of: ${logLevels.join(', ')}.`);
  }
  const proxy = environment.trustProxy ?? '0';
  if (proxy !== '0' && proxy !== '1')
    return wrong(
      'CASEREF_TRUST_PROXY',
      'the value is unknown.',
      'Use 1 behind a proxy of your own, else leave it out.',
    );
  const alertCommand = settleCommand(environment.alertCommand);
  if (isRefusal(alertCommand)) return alertCommand;
  const store = settleStore(environment.database, node.schema);
  if (isRefusal(store)) return store;
  const { portal } = environment;
  return {
    logLevel: level as LogLevel,
    trustProxy: proxy === '1',
    portal,
    ...(alertCommand && { alertCommand }),
    store,
  };
}

/** The command as its parts: no shell ever reads it, so what only a shell would understand is refused. */
function settleCommand(text: string | undefined): readonly string[] | Refusal | undefined {
  if (text === undefined) return undefined;
  const parts = text.trimStart().startsWith('[') ? readParts(text) : text.trim().split(/ +/);
  const next = 'Write /path/to/program and fixed arguments with spaces between, or a JSON array of them.';
  if (!parts || parts[0] === undefined || !isAbsolute(parts[0]) || parts.some((part) => part.includes('\0')))
    return wrong('CASEREF_ALERT_COMMAND', 'the program is not named by its absolute path.', next);
  if (!text.trimStart().startsWith('[') && /["'`$\\|&;<>(){}*?~]/.test(text))
    return wrong('CASEREF_ALERT_COMMAND', 'no shell reads the command, so quotes and signs mean nothing.', next);
  return parts;
}

function readParts(text: string): readonly string[] | undefined {
  const read = readJson(new TextEncoder().encode(text), { bytes: 8 * 1024 });
  if (isRefusal(read) || !Array.isArray(read.value)) return undefined;
  return read.value.every((part): part is string => typeof part === 'string') ? read.value : undefined;
}

function settleStore(url: Secret | undefined, schema: string | undefined): RunSettings['store'] | Refusal {
  if (url === undefined && schema === undefined) return { kind: 'embedded' };
  if (url === undefined) {
    return wrong(
      'CASEREF_DATABASE',
      'the node was made for PostgreSQL and no address is given.',
      'Set CASEREF_DATABASE to postgres://…',
    );
  }
  if (schema === undefined) {
    return wrong(
      'CASEREF_DATABASE',
      'the node was made with an embedded store.',
      'Leave CASEREF_DATABASE out, or make a node with --database.',
    );
  }
  const refusal = checkDatabaseUrl(url);
  return refusal ?? { kind: 'postgres', url, schema };
}

/** Refuses what is no address of a PostgreSQL server; never repeats it, since it may hold a password. */
export function checkDatabaseUrl(url: Secret): Refusal | undefined {
  const parsed = URL.parse(url.reveal());
  if (parsed?.protocol === 'postgres:' || parsed?.protocol === 'postgresql:') return undefined;
  return wrong('CASEREF_DATABASE', 'this is no PostgreSQL address.', 'Write postgres://user@host:port/database');
}

/** The node's directory: an absolute path, relative ones counted from where npm was called. */
export function dataDirectory(environment: Environment, given: string | undefined): string | Refusal {
  const path = given ?? environment.data;
  if (path === undefined) {
    return refuse('usage-invalid', '', 'No data directory is named.', 'Give --data DIR, or set CASEREF_DATA.');
  }
  return isAbsolute(path) ? path : resolve(environment.startedIn, path);
}

/** Reads HOST:PORT; the port may be 0 where any free one will do. */
export function readListen(text: string, at: string): Listen | Refusal {
  const match = /^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > 65535)
    return refuse('setting-invalid', at, 'This is no HOST:PORT.', 'Write for example 127.0.0.1:8440 or [::1]:8440.');
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

const members = [
  'issuer',
  'name',
  'type',
  'jurisdictions',
  'contact',
  'peer',
  'api',
  'portal',
  'private',
  'schema',
  'retainDays',
  'pollOnly',
];

function isListen(value: unknown): value is Listen {
  return (
    isJsonObject(value) &&
    typeof value.host === 'string' &&
    Number.isInteger(value.port) &&
    Number(value.port) >= 0 &&
    Number(value.port) <= 65_535
  );
}

/** Checks who a node says it is; the first thing that is wrong, with its pointer. */
export function checkNodeSettings(value: unknown): NodeSettings | Refusal {
  if (!isJsonObject(value)) return refuse('setting-invalid', '', 'The settings are no JSON object.');
  const unknown = Object.keys(value).find((member) => !members.includes(member));
  if (unknown !== undefined)
    return refuse('setting-invalid', `/${unknown}`, 'The setting is unknown.', `Known are: ${members.join(', ')}.`);
  const { issuer, name, type, jurisdictions, peer, api, portal, private: inner, schema, retainDays } = value;
  if (typeof issuer !== 'string')
    return refuse('setting-invalid', '/issuer', 'The issuer is missing.', 'Give --issuer https://your-node.example');
  const issuerWrong = checkIssuer(issuer, { loopback: isLoopbackIssuer(issuer) });
  if (issuerWrong) return { ...issuerWrong, code: 'setting-invalid', pointer: '/issuer' };
  if (typeof name !== 'string' || name.trim() === '' || name.length > 200) {
    return refuse(
      'setting-invalid',
      '/name',
      'The name of the organisation is missing or too long.',
      'Give --name with 1 to 200 characters.',
    );
  }
  if (!(codes.organisationType as readonly unknown[]).includes(type)) {
    return refuse(
      'setting-invalid',
      '/type',
      'The organisation type is not in the code list.',
      `Use one of: ${codes.organisationType.join(', ')}.`,
    );
  }
  const placeWrong = checkPlaces(jurisdictions);
  if (placeWrong) return placeWrong;
  for (const [member, listen] of Object.entries({
    peer,
    api,
    portal,
    ...(inner !== undefined && { private: inner }),
  })) {
    if (!isListen(listen))
      return refuse(
        'setting-invalid',
        `/${member}`,
        'The listener has no host and port.',
        'Write {"host":"127.0.0.1","port":8440}.',
      );
  }
  if (schema !== undefined && (typeof schema !== 'string' || !/^[a-z_][a-z0-9_]{0,62}$/.test(schema))) {
    return refuse(
      'setting-invalid',
      '/schema',
      'The schema name is not usable.',
      'Use lower-case letters, digits and underscores.',
    );
  }
  if (
    retainDays !== undefined &&
    (!Number.isInteger(retainDays) || Number(retainDays) < 1 || Number(retainDays) > 3650)
  ) {
    return refuse('setting-invalid', '/retainDays', 'The ceiling of retention is no number of days.', 'Use 1 to 3650.');
  }
  if (value.pollOnly !== undefined && value.pollOnly !== true)
    return refuse('setting-invalid', '/pollOnly', 'The setting is true or absent.', 'Leave it out, or write true.');
  return value as unknown as NodeSettings;
}

function checkPlaces(jurisdictions: unknown): Refusal | undefined {
  if (!Array.isArray(jurisdictions) || jurisdictions.length === 0) {
    return refuse(
      'setting-invalid',
      '/jurisdictions',
      'No jurisdiction is named.',
      'Give --jurisdiction with ISO 3166-1 codes such as DE.',
    );
  }
  for (const [index, code] of jurisdictions.entries()) {
    const refusal = checkJurisdiction(String(code), `/jurisdictions/${index}`);
    if (refusal) return refusal;
  }
  return undefined;
}

const FILE = 'node.json';

/** Reads `node.json` of a node's directory. */
export async function readNodeSettings(directory: string): Promise<NodeSettings | Refusal> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(directory, FILE));
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== 'ENOENT') throw failure;
    return refuse(
      'setting-invalid',
      '',
      'There is no node in this directory.',
      'Make one: caseref init --data DIR --issuer URL …',
    );
  }
  const read = readJson(bytes, { bytes: 64 * 1024 });
  const settings = isRefusal(read) ? { ...read, code: 'setting-invalid' as const } : checkNodeSettings(read.value);
  if (!isRefusal(settings)) return settings;
  const message = settings.message.replace('The body', 'The file');
  return { ...settings, message: `${join(directory, FILE)}: ${message}` };
}

/** Refuses a directory that a node cannot be made in: a node is never overwritten. */
export async function checkVacant(directory: string): Promise<Refusal | undefined> {
  const present: string[] = await readdir(directory).catch(() => []);
  if (present.length === 0) return undefined;
  const what = present.includes(FILE) ? 'There is a node in this directory already.' : 'The directory is not empty.';
  return refuse('state-conflict', '', what, 'Name another directory: a node is never overwritten.');
}

/** Writes `node.json` in one step: the old file or the new one, never half. */
export async function writeNodeSettings(directory: string, settings: NodeSettings): Promise<void> {
  const draft = join(directory, `${FILE}.new`);
  await writeFile(draft, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, join(directory, FILE));
}
