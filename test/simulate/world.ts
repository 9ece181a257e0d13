// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRefusal, type Refusal } from '../../src/domain/refusal.ts';
import { confirmPartner } from '../../src/exchange/confirm.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { addPartner } from '../../src/exchange/enrol.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { publishKeys } from '../../src/exchange/publish.ts';
import { storedCard } from '../../src/exchange/published.ts';
import { createLog } from '../../src/log.ts';
import { insertRows } from '../../src/store/rows.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { type Life, openShared, type SharedDatabase } from './database.ts';
import { createDice } from './dice.ts';
import { newKeyDisk } from './keys.ts';
import { exchangeOf, type Site } from './node.ts';
import { makeCryptoRepeatable } from './subtle.ts';
import { createTurnstile, type Turnstile } from './turnstile.ts';

/** Nodes that know each other, in one database, as every seed finds them. */
export interface World {
  readonly database: SharedDatabase;
  readonly turnstile: Turnstile;
  readonly nodes: number;
  /** Partners of each node, by number. */
  readonly neighbours: readonly (readonly number[])[];
  /** Puts every store back to the beginning, and gives the nodes with disks of their own for one seed. */
  reset(): Promise<readonly Site[]>;
  close(): Promise<void>;
}

/** When every simulation begins, in milliseconds since 1970. */
export const START = Date.UTC(2026, 10, 20, 12);

export const issuerOf = (node: number): string => `http://127.0.0.1:${20_000 + node}`;

/** All know all in a small network; in a large one each knows some, on both sides of itself and across. */
function neighboursIn(nodes: number): number[][] {
  const steps = nodes <= 8 ? Array.from({ length: nodes - 1 }, (_, index) => index + 1) : [1, 2, Math.floor(nodes / 3)];
  const around = (node: number) => steps.flatMap((step) => [(node + step) % nodes, (node + nodes - step) % nodes]);
  return Array.from({ length: nodes }, (_, node) =>
    [...new Set(around(node))].filter((other) => other !== node).sort((a, b) => a - b),
  );
}

/** In a network of four nodes or more the last takes no inbound connection. */
const isPollOnly = (node: number, nodes: number) => nodes >= 4 && node === nodes - 1;

const cutOff: Transport = {
  postToken: async () => ({ status: 'unreachable', code: 'connection-failed' }),
  postKeySet: async () => ({ status: 'unreachable', code: 'connection-failed' }),
  askClock: async () => ({ status: 'unreachable', code: 'connection-failed' }),
  getKeySet: async () => ({ status: 'unreachable', code: 'connection-failed' }),
  postPoll: async () => ({ status: 'unreachable', code: 'connection-failed' }),
  postReplay: async () => ({ status: 'unreachable', code: 'connection-failed' }),
  allowance: () => 1,
  tryNow: () => undefined,
  shutUntil: () => undefined,
  close: async () => undefined,
};

const immortal: Life = { alive: true, fate: () => 'lives', committed: () => undefined, died: () => undefined };

/** Told of a refusal that nobody expected. */
function agreed<Answer>(answer: Answer | Refusal | readonly Refusal[]): Answer {
  const refusal = Array.isArray(answer) ? answer[0] : answer;
  if (isRefusal(refusal)) throw new Error(`refused: ${refusal.code} ${refusal.pointer} ${refusal.message}`);
  return answer as Answer;
}

const rule = (id: string, category: readonly string[], outcome: string) => ({
  id,
  when: { category },
  then: outcome,
});

/** A policy; `strictness` 0 sends and takes nearly all, higher ones hold and withhold more. */
export function policyFor(partner: string, strictness: number): Record<string, unknown> {
  const open = ['csam', 'csam-drawn-or-animated', 'csam-textual', 'csam-pointer'].slice(strictness);
  return {
    partner,
    legal: { basis: 'Invented act, section 1', transfer: 'none' },
    send: {
      rules: [rule('open', open, 'send'), rule('by-hand', ['grooming', 'csam'], 'hold')],
      disclose: { handles: 'always' },
    },
    receive: {
      rules: [rule('looked-at', ['csam-drawn-or-animated'], 'hold'), rule('all', ['*'], 'accept')],
      purgeAfterHours: 1 + strictness,
      withdrawalsPerHour: 12,
    },
    // Read by whoever watches the network here; each attempt would draw an ephemeral key of the machine.
    security: { encryption: 'none' },
  };
}

/** Makes so many nodes in an empty database, and introduces them to each other. */
export async function createWorld(url: string, nodes: number): Promise<World> {
  makeCryptoRepeatable();
  const turnstile = createTurnstile();
  const database = await openShared(url, nodes, turnstile);
  const neighbours = neighboursIn(nodes);
  const folder = await mkdtemp(join(tmpdir(), 'caseref-simulation-'));
  const sites: Omit<Site, 'folder'>[] = [];
  const exchanges: Exchange[] = [];
  for (let number = 0; number < nodes; number += 1) {
    const disk = await newKeyDisk(`node ${number}`, START / 1000);
    const site = { number, issuer: issuerOf(number), disk, pollOnly: isPollOnly(number, nodes) };
    sites.push(site);
    exchanges.push(await begin(site, database));
  }
  for (const [number, exchange] of exchanges.entries()) {
    for (const other of neighbours[number] ?? []) await befriend(exchange, exchanges[other] as Exchange);
  }
  await database.keep('start');
  return {
    database,
    turnstile,
    nodes,
    neighbours,
    async reset() {
      await database.restore('start');
      return Promise.all(
        sites.map(async (site) => ({ ...site, disk: { ...site.disk }, folder: await mkdtemp(join(folder, 'node-')) })),
      );
    },
    async close() {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function begin(site: Omit<Site, 'folder'>, database: SharedDatabase): Promise<Exchange> {
  const store = database.storeFor(site.number, immortal);
  await insertRows(store.db, 'node', [
    { issuer: site.issuer, created_at: new Date(START), single: true, directory_version: 0, key_set_seq: 0 },
  ]);
  const exchange = await exchangeOf(site, {
    store,
    transport: cutOff,
    clock: () => START,
    dice: createDice(`world ${site.number}`),
    log: createLog({ level: 'silent' }),
    wake: () => undefined,
    outside: (work) => work,
  });
  agreed(await publishKeys(exchange));
  return exchange;
}

async function befriend(exchange: Exchange, partner: Exchange): Promise<void> {
  const { fingerprint } = agreed(await addPartner(exchange, (await storedCard(partner)) ?? ''));
  agreed(await confirmPartner(exchange, { issuer: partner.self, fingerprint }));
  agreed(await setPolicy(exchange, partner.self, policyFor(partner.self, 0)));
}
