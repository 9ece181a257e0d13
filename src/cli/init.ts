import type { Command } from 'commander';
import {
  checkDatabaseUrl,
  checkNodeSettings,
  checkVacant,
  dataDirectory,
  defaultListeners,
  type NodeSettings,
  type RunSettings,
  readListen,
  secret,
  settle,
} from '../config.ts';
import { codes } from '../domain/codes.ts';
import type { Contact } from '../domain/contract.types.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { checkPassphrase } from '../keys/keystore.ts';
import { spokenFingerprint } from '../wire/fingerprint.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { codeOption, listed, wholeNumber } from './argument.ts';
import { answerWith, type Cli, type Everywhere, leaf, quoted, refuseWith } from './command.ts';
import { readContact } from './contact.ts';
import type { Exit } from './exit.ts';
import { fingerprintFields } from './keys.ts';
import { readPassphrase } from './passphrase.ts';

interface InitOptions extends Everywhere {
  readonly issuer: string;
  readonly name: string;
  readonly type: string;
  readonly jurisdiction: readonly string[];
  readonly contact?: string;
  readonly retainDays?: number;
  readonly peer?: string;
  readonly api?: string;
  readonly portal?: string;
  readonly private?: string;
  readonly database?: string;
  readonly schema?: string;
  readonly pollOnly?: true;
}

const types = codes.organisationType.filter((type) => type !== 'unknown');
const at = ({ host, port }: { host: string; port: number }) => `${host}:${port}`;

/** `caseref init`: makes a node in a new directory. */
export function initCommand(cli: Cli): Command {
  return leaf('init', 'make a node: its directory, keys, store and first key set', [
    'caseref init --data node-a --issuer https://node.hotline-a.example --name "Hotline A" --type hotline --jurisdiction DE',
    'CASEREF_DATABASE=postgres://… caseref init --data node-b --issuer https://node.police-b.example \\',
    '    --name "Police B" --type law-enforcement --jurisdiction NL --schema police_b',
  ])
    .requiredOption('--issuer <url>', 'who this node is: https://host[:port], for ever')
    .requiredOption('--name <name>', 'name of the organisation')
    .addOption(codeOption('--type <type>', 'what the organisation is', types).makeOptionMandatory())
    .requiredOption('--jurisdiction <cc,…>', 'where it is competent: ISO 3166-1 codes', listed)
    .option(
      '--contact <file>',
      'JSON with desk, email, phone, emergencyPhone, hours, timezone, languages: for the card',
    )
    .option('--retain-days <n>', 'longest retention, 1 to 3650 days', wholeNumber(1, 3650))
    .option('--poll-only', 'take no inbound connection: fetch from partners instead (two such nodes cannot exchange)')
    .option('--peer <host:port>', `where partners’ nodes call (default: ${at(defaultListeners.peer)})`)
    .option('--api <host:port>', `where own software calls (default: ${at(defaultListeners.api)})`)
    .option('--portal <host:port>', `where liaisons read (default: ${at(defaultListeners.portal)})`)
    .option('--private <host:port>', 'health and metrics for own monitoring (default: none)')
    .option('--database <url>', 'PostgreSQL, without a password; one with a password goes into CASEREF_DATABASE')
    .option('--schema <name>', 'schema of this node in PostgreSQL (default: caseref)')
    .action(async (options: InitOptions) => cli.end(await makeNode(cli, options)));
}

async function makeNode(cli: Cli, options: InitOptions): Promise<Exit> {
  const dataDir = dataDirectory(cli.environment, options.data);
  if (isRefusal(dataDir)) return refuseWith(cli, options, dataDir);
  const contact = options.contact === undefined ? undefined : await readContact(cli, options.contact);
  if (isRefusal(contact)) return refuseWith(cli, options, contact);
  const plan = settleInit(cli, options, contact);
  if (isRefusal(plan)) return refuseWith(cli, options, plan);
  const passphrase = await readPassphrase(cli, { making: true });
  if (isRefusal(passphrase)) return refuseWith(cli, options, passphrase);
  const wrong = (await checkVacant(dataDir)) ?? checkPassphrase(passphrase.reveal());
  if (wrong) return refuseWith(cli, options, wrong);
  const { initNode } = await import('../node.ts');
  cli.terminal.say('Making keys and store; this takes some seconds.');
  const made = await initNode({ dataDir, passphrase, ...plan });
  if (isRefusal(made)) return refuseWith(cli, options, made);
  const { fingerprint } = made;
  const { issuer } = plan.settings;
  const node = { issuer, directory: dataDir, fingerprint, spoken: spokenFingerprint(fingerprint) };
  return answerWith(cli, options, node, () => printNode(cli, node, plan));
}

interface Plan {
  readonly settings: NodeSettings;
  readonly store: RunSettings['store'];
}

function settleInit(cli: Cli, options: InitOptions, contact: Contact | undefined): Plan | Refusal {
  const database = databaseOf(cli, options);
  if (isRefusal(database)) return database;
  if (database === undefined && options.schema !== undefined) {
    const next = 'Give --database or set CASEREF_DATABASE, or leave --schema out.';
    return refuse('setting-invalid', '/schema', 'A schema is named and no database.', next);
  }
  const listeners = listenersOf(options);
  if (isRefusal(listeners)) return listeners;
  const settings = checkNodeSettings({
    issuer: options.issuer,
    name: options.name,
    type: options.type,
    jurisdictions: options.jurisdiction,
    ...(contact && { contact }),
    ...listeners,
    ...(database && { schema: options.schema ?? 'caseref' }),
    ...(options.retainDays !== undefined && { retainDays: options.retainDays }),
    ...(options.pollOnly && { pollOnly: options.pollOnly }),
  });
  if (isRefusal(settings)) return settings;
  const run = settle({ ...cli.environment, database }, settings);
  return isRefusal(run) ? run : { settings, store: run.store };
}

/** Arguments are readable by every account of the machine, so a password in one is refused: and is to be changed. */
function databaseOf(cli: Cli, { database }: InitOptions) {
  if (database === undefined) return cli.environment.database;
  const url = secret(database);
  const wrong = checkDatabaseUrl(url);
  if (wrong) return { ...wrong, message: wrong.message.replace('CASEREF_DATABASE', '--database') };
  const { password, searchParams } = new URL(database);
  if (password === '' && !searchParams.has('password')) return url;
  const next = 'Set CASEREF_DATABASE instead, and change that password if others use this machine.';
  return refuse('usage-invalid', '/database', 'A password in an argument can be read by every account.', next);
}

function listenersOf(options: InitOptions) {
  const chosen: Partial<Pick<NodeSettings, 'peer' | 'api' | 'portal' | 'private'>> = {};
  for (const name of ['peer', 'api', 'portal', 'private'] as const) {
    const given = options[name];
    if (given === undefined) continue;
    const listen = readListen(given, `/${name}`);
    if (isRefusal(listen)) return listen;
    Object.assign(chosen, { [name]: listen });
  }
  return { ...defaultListeners, ...chosen };
}

function printNode(
  { terminal }: Cli,
  node: { issuer: string; directory: string; fingerprint: string; spoken: string },
  { store, settings }: Plan,
): void {
  const { issuer, directory } = node;
  terminal.fields([
    ['node', issuer, 'strong'],
    ['directory', directory],
    ['inbound', settings.pollOnly ? 'none: it fetches from its partners' : undefined],
    ['store', store.kind === 'embedded' ? 'embedded' : `PostgreSQL, schema ${store.schema}`],
    ...fingerprintFields(node),
  ]);
  if (settings.contact === undefined)
    terminal.say(
      'The card names no telephone: partners cannot call. Write "contact" into node.json, or make it with --contact.',
    );
  if (store.kind === 'postgres') terminal.say('Every command of this node wants CASEREF_DATABASE.');
  const named = `--data ${quoted(directory)}`;
  const trial = store.kind === 'embedded' && !isLoopbackIssuer(issuer) ? ' --trial' : '';
  terminal.next('Next:', [
    `caseref serve ${named}${trial}`,
    `caseref card ${named} > our.card       for the partner`,
    `caseref partner add ${named} their.card`,
  ]);
}
