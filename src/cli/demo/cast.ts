import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeSettings, secret } from '../../config.ts';
import type { Contact, Policy } from '../../domain/contract.types.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { initNode, makeStoreTemplate, type RunningNode, startNode } from '../../node.ts';
import type { OperationAnswer } from '../../operator/answer.ts';

/** One organisation of the demonstration with its running node. */
export interface Player {
  readonly name: string;
  readonly issuer: string;
  /** The node as it runs now; after `start` another one. */
  readonly node: RunningNode;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface Cast {
  readonly hotline: Player;
  readonly abroad: Player;
  readonly police: Player;
  /** Knows nobody until the last chapters. */
  readonly provider: Player;
  /** Moves the clock of all nodes on, so many hours. */
  later(hours: number): void;
  /** Stops the nodes and removes their directories. */
  leave(): Promise<void>;
}

/** Gives the value of an operation; in a demonstration a refusal of an operator's act is a defect. */
export function done<Value>(answer: OperationAnswer<Value>): Value {
  if (answer.ok) return answer.value;
  const [first] = answer.refusals;
  throw new Error(`the demonstration was refused: ${first?.code} ${first?.pointer} ${first?.message}`);
}

/** A free port below the range that connections take theirs from: a node that is switched off must get its port back. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await once(server.close(), 'close');
    return port;
  }
}

const throwAwayCost = 2 ** 14;

interface Person {
  readonly key: string;
  readonly name: string;
  readonly type: string;
  readonly place: string;
  /** Of numbers that are kept free for stories. */
  readonly phones?: Pick<Contact, 'phone' | 'emergencyPhone'>;
}

async function makePlayer(root: string, who: Person, clock: () => number): Promise<Player> {
  const [peer, api, portal] = [await freePort(), await freePort(), await freePort()];
  const listen = (port: number) => ({ host: '127.0.0.1', port });
  const issuer = `http://127.0.0.1:${peer}`;
  const settings: NodeSettings = {
    issuer,
    name: who.name,
    type: who.type,
    jurisdictions: [who.place],
    ...(who.phones && { contact: { desk: 'Duty desk', ...who.phones, hours: '24/7' } }),
    peer: listen(peer),
    api: listen(api),
    portal: listen(portal),
  };
  const passphrase = secret(randomBytes(24).toString('base64url'));
  const dataDir = join(root, who.key);
  const store = { kind: 'embedded' } as const;
  const made = await initNode({
    dataDir,
    settings,
    store,
    passphrase,
    cost: throwAwayCost,
    templateDir: join(root, 'template'),
  });
  if (isRefusal(made)) throw new Error(`a node could not be made: ${made.message}`);
  const run = { logLevel: 'error', trustProxy: false, store } as const;
  const begin = async () => {
    const node = await startNode({ dataDir, settings, run, passphrase, clock });
    if (isRefusal(node)) throw new Error(`a node could not be started: ${node.message}`);
    return node;
  };
  let node = await begin();
  return {
    name: who.name,
    issuer,
    get node() {
      return node;
    },
    stop: () => node.close(),
    async start() {
      node = await begin();
    },
  };
}

/** Makes four organisations in a temporary directory, each with keys, store and listeners of its own. */
export async function makeCast(): Promise<Cast> {
  const root = await mkdtemp(join(tmpdir(), 'caseref-demo-'));
  const players: Player[] = [];
  let ahead = 0;
  // A closed pipe (`demo | head`) and Ctrl-C end the process where it is: nothing may stay behind then either.
  const vanish = () => rmSync(root, { recursive: true, force: true });
  process.once('exit', vanish);
  const leave = async () => {
    await Promise.all(players.map(({ node }) => node.close()));
    await rm(root, { recursive: true, force: true });
    process.off('exit', vanish);
  };
  try {
    const template = await makeStoreTemplate(join(root, 'template'));
    if (isRefusal(template)) throw new Error(`the store could not be made: ${template.message}`);
    const people = [
      {
        key: 'hotline-de',
        name: 'Hotline DE',
        type: 'hotline',
        place: 'DE',
        phones: { phone: '+49 30 23125 101', emergencyPhone: '+49 30 23125 110' },
      },
      { key: 'hotline-nl', name: 'Hotline NL', type: 'hotline', place: 'NL' },
      {
        key: 'police-de',
        name: 'Police DE',
        type: 'law-enforcement',
        place: 'DE',
        phones: { phone: '+49 30 23125 201' },
      },
      { key: 'provider-de', name: 'Provider DE', type: 'industry', place: 'DE' },
    ];
    for (const person of people) players.push(await makePlayer(root, person, () => Date.now() + ahead));
    const [hotline, abroad, police, provider] = players as [Player, Player, Player, Player];
    const later = (hours: number) => {
      ahead += hours * 3_600_000;
      for (const { node } of players) node.exchange.wake.outbox();
    };
    return { hotline, abroad, police, provider, later, leave };
  } catch (failure) {
    await leave();
    throw failure;
  }
}

/** Introduces one organisation to another as two operators do it: the card, then the fingerprint read out by telephone. */
export async function meet(one: Player, other: Player): Promise<string> {
  const { card } = done(await other.node.operations.card({}));
  const introduced = done(await one.node.operations['partner.add']({ card }));
  const readOut = done(await other.node.operations['keys.fingerprint']({}));
  done(await one.node.operations['partner.confirm']({ issuer: introduced.issuer, fingerprint: readOut.spoken }));
  return readOut.spoken;
}

type Draft = Pick<Policy, 'send' | 'receive'>;

async function agree(one: Player, other: Player, draft: Draft): Promise<void> {
  const document = {
    partner: other.issuer,
    legal: { basis: 'invented agreement of the demonstration', transfer: 'none', reviewBy: '2099-12-31' },
    ...draft,
    security: { algs: ['Ed25519'], encryption: 'required' },
  };
  done(await one.node.operations['policy.set']({ issuer: other.issuer, document }));
}

const takeAll: Policy['receive'] = { rules: [{ id: 'all', when: { category: ['*'] }, then: 'accept' }] };
const sendNothing: Policy['send'] = { rules: [] };

/** The trust policies of the demonstration; sample.ts says what they must lead to. */
export async function agreeAll({ hotline, abroad, police }: Cast): Promise<void> {
  await agree(hotline, abroad, {
    send: {
      rules: [
        { id: 'textual-by-hand', when: { category: ['csam-textual'] }, then: 'hold' },
        { id: 'hosted-there', when: { category: ['*'], 'jurisdiction.hosting': ['NL'] }, then: 'send' },
      ],
      disclose: { handles: 'never', assessments: true, site: true },
    },
    receive: takeAll,
  });
  await agree(hotline, police, {
    send: {
      rules: [
        { id: 'not-our-desk', when: { category: ['trafficking', 'travel-and-tourism'] }, then: 'hold' },
        { id: 'concerns-us', when: { 'jurisdiction.concerned': ['DE'] }, then: 'send' },
        { id: 'new-victim', when: { features: ['possible-new-victim'] }, then: 'send' },
      ],
      disclose: { handles: 'law-enforcement', assessments: true, site: true, report: true },
    },
    receive: { ...takeAll, mayHold: true },
  });
  await agree(abroad, hotline, {
    send: sendNothing,
    receive: {
      rules: [
        { id: 'assessed-first', when: { category: ['not-assessed'] }, then: 'hold' },
        { id: 'all', when: { category: ['*'] }, then: 'accept' },
      ],
    },
  });
  await agree(police, hotline, { send: sendNothing, receive: takeAll });
  const deny = {
    id: 'drawn-not-to-nl',
    destination: ['NL'],
    when: { category: ['csam-drawn-or-animated'] },
    ground: 'legal',
  };
  done(await hotline.node.operations['policy.deny.add']({ document: deny }));
}

/** Nothing goes to a hosting provider but what a person released, in the reduced form. */
export async function agreeWithHost({ hotline, provider }: Cast): Promise<void> {
  await agree(hotline, provider, {
    send: {
      rules: [{ id: 'by-hand', when: { category: ['*'] }, then: 'hold' }],
      industry: { requested: 'remove', legalBasis: 'notice-and-action' },
    },
    receive: takeAll,
  });
  await agree(provider, hotline, { send: sendNothing, receive: takeAll });
}
