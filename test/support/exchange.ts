// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRefusal, type Refusal } from '../../src/domain/refusal.ts';
import { systemChance } from '../../src/exchange/chance.ts';
import { createClient } from '../../src/exchange/clients.ts';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { createDirectory } from '../../src/exchange/directory.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createKeyStore } from '../../src/keys/keystore.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openStore, type Store, type StoreSettings } from '../../src/store/open.ts';
import { insertRows } from '../../src/store/rows.ts';
import { createTransport } from '../../src/transport/transport.ts';
import { keyEntry, makeCard, makeKeySet } from './introductions.ts';
import { storeTemplate } from './store-template.ts';
import { now, type TestKey, testKey } from './tokens.ts';

/** An exchange over a real store and real keys in a folder of its own, without listeners and workers. */
export interface TestExchange {
  readonly exchange: Exchange;
  /** Everything that was logged, as text. */
  logged(): string;
  /** How often the delivery worker was woken. */
  woken(): number;
  close(): Promise<void>;
}

export interface TestExchangeSettings {
  readonly issuer: string;
  readonly clock?: () => number;
  readonly jurisdictions?: readonly string[];
  /** A migrated or empty PostgreSQL instead of the embedded store. */
  readonly store?: StoreSettings;
}

/** The least work factor that the key store takes: these keys live for seconds. */
const COST = 2 ** 14;

/** Told of a refusal that a test did not expect. */
function agreed<Answer>(answer: Answer | Refusal | readonly Refusal[]): Answer {
  const refusal = Array.isArray(answer) ? answer[0] : answer;
  if (isRefusal(refusal)) throw new Error(`refused: ${refusal.code} ${refusal.pointer} ${refusal.message}`);
  return answer as Answer;
}

/** Starts at the instant that all invented tokens were made for, and goes on as real time does. */
function testClock(): () => number {
  const started = performance.now();
  return () => now * 1000 + Math.floor(performance.now() - started);
}

export async function testExchange(settings: TestExchangeSettings): Promise<TestExchange> {
  const folder = await mkdtemp(join(tmpdir(), 'caseref-test-'));
  const clock = settings.clock ?? testClock();
  const store = await testStore(settings.store, join(folder, 'store'));
  await insertRows(store.db, 'node', [
    { issuer: settings.issuer, created_at: new Date(clock()), single: true, directory_version: 0, key_set_seq: 0 },
  ]);
  const keyFolder = join(folder, 'keys');
  await mkdir(keyFolder, { mode: 0o700 });
  const keys = agreed(
    await createKeyStore(keyFolder, randomBytes(16).toString('hex'), { now: Math.floor(clock() / 1000), cost: COST }),
  );
  const lines: string[] = [];
  let woken = 0;
  const loopback = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(settings.issuer);
  const transport = createTransport({ loopback, clock });
  const anywhere = { host: '127.0.0.1', port: 0 };
  const exchange: Exchange = {
    self: settings.issuer,
    settings: {
      issuer: settings.issuer,
      name: 'Hotline of the tests',
      type: 'hotline',
      jurisdictions: settings.jurisdictions ?? ['DE'],
      ...{ peer: anywhere, api: anywhere, portal: anywhere },
    },
    profile: { loopback },
    store,
    keys,
    vault: keys.vault,
    directory: createDirectory(store.db, clock),
    transport,
    log: createLog({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } }),
    metrics: createMetrics(),
    clock,
    chance: systemChance(clock),
    wake: {
      outbox() {
        woken += 1;
      },
    },
  };
  return {
    exchange,
    logged: () => lines.join(''),
    woken: () => woken,
    async close() {
      await transport.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function testStore(given: StoreSettings | undefined, directory: string): Promise<Store> {
  if (given) {
    const store = agreed(await openStore(given));
    await migrate(store);
    return store;
  }
  await mkdir(directory, { mode: 0o700 });
  await cp(join(await storeTemplate(), 'pg'), join(directory, 'pg'), { recursive: true });
  return agreed(await openStore({ kind: 'embedded', directory }));
}

/** Makes a client of the node API and returns its token. */
export async function clientToken(exchange: Exchange, scopes: readonly string[]): Promise<string> {
  return agreed(await createClient(exchange, { name: `Client ${scopes.length}`, scopes })).token;
}

/** A foreign partner (one without encryption) that is introduced, confirmed and has a policy that sends it everything of category csam. */
export async function befriend(
  exchange: Exchange,
  issuer: string,
  policy: Readonly<Record<string, unknown>> = {},
  signs: TestKey = testKey(),
): Promise<void> {
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const key = testKey();
  const keys = [keyEntry(signs)];
  const card = makeCard(
    {
      iss: issuer,
      organisation: { name: 'Police unit of the tests', type: 'law-enforcement', jurisdictions: ['DE'] },
      identity_key: key.jwk,
      key_set: makeKeySet({ iss: issuer, endpoints, keys, encryption: 'none' }, { key }),
    },
    { key },
  );
  const { fingerprint } = agreed(await addPartner(exchange, card));
  agreed(await confirmPartner(exchange, { issuer, fingerprint, foreign: !exchange.profile.loopback }));
  agreed(await setPolicy(exchange, issuer, { ...openPolicy(issuer), ...policy }));
}

const rule = (id: string, category: string, outcome: string) => ({
  id,
  when: { category: [category] },
  then: outcome,
});

function openPolicy(partner: string) {
  return {
    partner,
    legal: { basis: 'Invented act, section 1', transfer: 'none', route: 'own-police' },
    send: { rules: [rule('csam', 'csam', 'send'), rule('by-hand', 'grooming', 'hold')] },
    receive: { rules: [rule('all', '*', 'accept')] },
  };
}
