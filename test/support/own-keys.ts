import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeySet } from '../../src/domain/contract.types.ts';
import { isRefusal, type Refusal } from '../../src/domain/refusal.ts';
import { browseEvents } from '../../src/exchange/browse.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { type OwnKey, ownKeys } from '../../src/exchange/own-keys.ts';
import { publishKeys } from '../../src/exchange/publish.ts';
import { publishedClaims } from '../../src/exchange/published.ts';
import { createKeyStore, openKeyStore } from '../../src/keys/keystore.ts';
import type { StoreSettings } from '../../src/store/open.ts';
import { testExchange } from './exchange.ts';

export const HOUR = 3600;
export const DAY = 24 * HOUR;
/** When the keys of each test begin, in seconds since 1970. */
export const BEGIN = Date.parse('2026-11-20T12:00:00Z') / 1000;
/** The passphrase of the key files. */
export const WORDS = 'invented words for tests only';
/** The least work factor that the key store takes. */
const COST = 2 ** 14;

/** Seconds as an instant of the wire. */
export const iso = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Told of a refusal that a test did not expect. */
export function done<Answer>(answer: Answer | Refusal): Answer {
  if (isRefusal(answer)) throw new Error(`refused: ${answer.code} ${answer.pointer} ${answer.message}`);
  return answer;
}

/** Code and pointer of a refusal; what was done instead is a failure. */
export function refusalOf(answer: unknown): string {
  if (!isRefusal(answer)) throw new Error(`done: ${JSON.stringify(answer)}`);
  return [answer.code, answer.pointer].join(' ').trim();
}

/** A node whose keys are its own business: a clock that the test moves, and new key files for each test. */
export interface KeyBench {
  readonly exchange: Exchange;
  /** Seconds since 1970. */
  now: number;
  /** Where the key files are. */
  readonly folder: string;
  woken(): number;
  /** Another process of the same node: the same store and files, read for itself. */
  second(): Promise<Exchange>;
  /** New keys, and the one store without what the test before left there. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** `store`: a real PostgreSQL instead of the embedded store. */
export async function keyBench(store?: StoreSettings): Promise<KeyBench> {
  const clock = { now: BEGIN };
  const node = await testExchange({
    issuer: 'https://node.hotline-a.example',
    clock: () => clock.now * 1000,
    ...(store && { store }),
  });
  let { exchange } = node;
  let folder = '';
  return {
    get exchange() {
      return exchange;
    },
    get now() {
      return clock.now;
    },
    set now(seconds) {
      clock.now = seconds;
    },
    get folder() {
      return folder;
    },
    woken: () => node.woken(),
    second: async () => ({ ...exchange, keys: done(await openKeyStore(folder, WORDS, COST)) }),
    async renew() {
      await forget(folder);
      clock.now = BEGIN;
      folder = join(await mkdtemp(join(tmpdir(), 'caseref-test-')), 'keys');
      const keys = done(await createKeyStore(folder, WORDS, { now: BEGIN, cost: COST }));
      exchange = { ...node.exchange, keys };
      const { db } = exchange.store;
      await db.updateTable('node').set({ key_set: null, key_set_seq: 0, card: null }).execute();
      await db.deleteFrom('event').execute();
      done(await publishKeys(exchange));
    },
    async close() {
      await forget(folder);
      await node.close();
    },
  };
}

async function forget(folder: string): Promise<void> {
  if (folder !== '') await rm(join(folder, '..'), { recursive: true, force: true });
}

/** What the published key set says. */
export async function claimsOf({ store }: Exchange): Promise<KeySet> {
  const published = await publishedClaims(store.db);
  if (!published) throw new Error('nothing is published');
  return published;
}

/** The key that is in use. */
export async function activeKey(exchange: Exchange, use: OwnKey['use'] = 'sig'): Promise<OwnKey> {
  const key = (await ownKeys(exchange)).find((one) => one.state === 'active' && one.use === use);
  if (!key) throw new Error('no key is active');
  return key;
}

/** What the feed says of all events of one type. */
export async function eventsOf(exchange: Exchange, type: string) {
  const page = done(await browseEvents(exchange, { limit: 500 }));
  return page.items.filter((item) => item.type === type).map(({ detail }) => detail);
}
