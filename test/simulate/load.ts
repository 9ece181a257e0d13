import { isRefusal } from '../../src/domain/refusal.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { decideHeldReferences, type Ruling } from '../../src/exchange/decide-held.ts';
import { addDeny, listDenies, removeDeny } from '../../src/exchange/denies.ts';
import { dropDelivery } from '../../src/exchange/drop.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { liftClosed } from '../../src/exchange/reconcile.ts';
import { releaseWithdrawals } from '../../src/exchange/release.ts';
import { retryDelivery } from '../../src/exchange/retry.ts';
import { revokeKey } from '../../src/exchange/revoke-key.ts';
import { rotateKeys } from '../../src/exchange/rotate.ts';
import { resumePartner, suspendPartners } from '../../src/exchange/suspend.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { unknownOf } from '../../src/store/unknown-receipts.ts';
import { inventedReference } from '../support/invented.ts';
import type { Dice } from './dice.ts';
import type { LivingNode } from './node.ts';
import { issuerOf, policyFor } from './world.ts';

/** What people and their software do with one node; `note` is told what came of it. */
export type Act = (node: LivingNode, around: ActPlace) => Promise<string>;

export interface ActPlace {
  readonly dice: Dice;
  /** Issuers that the node knows. */
  readonly partners: readonly string[];
  /** What each node's software believes of its own references: the newest revision that it was told of. */
  readonly own: OwnReference[];
  /** What was answered with 201. */
  readonly answered: string[];
  /** A number that was not used before. */
  count(): number;
}

export interface OwnReference {
  readonly id: string;
  readonly seed: number;
  readonly category: string;
  revision: number;
  withdrawn: boolean;
}

const categories = [
  'csam',
  'csam',
  'csam',
  'csam-drawn-or-animated',
  'csam-textual',
  'csam-pointer',
  'grooming',
] as const;
const reasons = ['sent-in-error', 'wrong-assessment', 'legal', 'data-subject', 'duplicate'] as const;
const MOST_AT_ONCE = 3;

function content({ seed, category }: Pick<OwnReference, 'seed' | 'category'>, revision: number) {
  return { ...inventedReference(seed), category, features: revision % 2 === 0 ? ['self-generated'] : [] };
}

const submit: Act = async (node, { dice, own, answered, count }) => {
  const many = dice.between(1, MOST_AT_ONCE);
  const given = Array.from({ length: many }, () => ({ seed: count(), category: dice.pick(categories) }));
  const answers = await Promise.all(given.map(async (one) => [one, await node.share(content(one, 1))] as const));
  for (const [one, answer] of answers) {
    if (Array.isArray(answer)) continue;
    own.push({ ...one, id: answer.id, revision: 1, withdrawn: false });
    answered.push(answer.id);
  }
  return `${many}`;
};

const change: Act = async (node, { dice, own }) => {
  const open = own.filter((one) => !one.withdrawn);
  if (open.length === 0) return 'nothing';
  const one = dice.pick(open.slice(-30));
  const answer = await node.revise(one.id, one.revision, content(one, one.revision + 1));
  if (Array.isArray(answer)) {
    // An earlier call was cut off: what it did is read before the next.
    if (answer[0]?.code === 'revision-conflict') one.revision += 1;
    return answer[0]?.code ?? '';
  }
  one.revision += 1;
  return one.id;
};

const takeBack: Act = async (node, { dice, own }) => {
  const open = own.filter((one) => !one.withdrawn);
  if (open.length === 0) return 'nothing';
  const one = dice.pick(open.slice(-30));
  const answer = await withdraw(node.exchange, one.id, { reason: dice.pick(reasons), purge: dice.happens(0.6) });
  one.withdrawn = true;
  return isRefusal(answer) ? answer.code : one.id;
};

const decide: Act = async ({ exchange }, { dice, partners }) => {
  const out = dice.happens(0.5);
  const then: Ruling = out ? dice.pick(['send', 'withhold'] as const) : dice.pick(['accept', 'refuse'] as const);
  const filter = { partner: dice.pick(partners), direction: out ? ('out' as const) : ('in' as const) };
  const decided = await decideHeldReferences(exchange, filter, then, 'invented person', dice.between(1, 8));
  return isRefusal(decided) ? decided.code : `${then} ${decided.decided}`;
};

const changePolicy: Act = async ({ exchange }, { dice, partners }) => {
  const partner = dice.pick(partners);
  const strictness = dice.below(3);
  const set = await setPolicy(exchange, partner, policyFor(partner, strictness));
  return Array.isArray(set) ? (set[0]?.code ?? '') : `${strictness}`;
};

const deny: Act = async ({ exchange }, { dice }) => {
  const there = await listDenies(exchange);
  const [first] = there;
  if (first && dice.happens(0.7)) {
    const removed = await removeDeny(exchange, first.id as string);
    return isRefusal(removed) ? removed.code : 'removed';
  }
  const added = await addDeny(exchange, { jurisdiction: dice.pick(['NL', 'DE']), ground: 'human-rights' });
  return Array.isArray(added) ? (added[0]?.code ?? '') : 'added';
};

const suspend: Act = async ({ exchange }, { dice, partners }) => {
  const partner = dice.pick(partners);
  const done = await suspendPartners(exchange, { issuer: partner, reason: 'invented reason' });
  return isRefusal(done) ? done.code : partner;
};

const resume: Act = async ({ exchange }, { dice, partners }) => {
  const suspended = [...(await exchange.directory.within(exchange.store.db)).partners.values()]
    .filter(({ state }) => state === 'suspended')
    .map(({ facts }) => facts.issuer)
    .filter((issuer) => partners.includes(issuer));
  if (suspended.length === 0) return 'nothing';
  const done = await resumePartner(exchange, dice.pick(suspended));
  return isRefusal(done) ? done.code : 'resumed';
};

const rotate: Act = async ({ exchange }) => {
  const done = await rotateKeys(exchange, {});
  return isRefusal(done) ? done.code : 'begun';
};

const revoke: Act = async ({ exchange }) => {
  const active = exchange.keys.publicKeys().find(({ use, state }) => use === 'sig' && state === 'active');
  if (!active) return 'nothing';
  const done = await revokeKey(exchange, { kid: active.kid, reason: 'compromised' });
  return isRefusal(done) ? done.code : 'revoked';
};

const retry: Act = async ({ exchange }, { dice }) => {
  const rows = await exchange.store.db
    .selectFrom('delivery')
    .select('id')
    .where('state', 'in', ['dead', 'overdue'])
    .orderBy('position')
    .limit(20)
    .execute();
  if (rows.length === 0) return 'nothing';
  const done = await retryDelivery(exchange, dice.pick(rows).id);
  return isRefusal(done) ? done.code : 'queued';
};

const release: Act = async ({ exchange }, { dice, partners }) => {
  const done = await releaseWithdrawals(
    exchange,
    { issuer: dice.pick(partners) },
    dice.happens(0.8) ? 'accept' : 'refuse',
  );
  return isRefusal(done) ? done.code : `${done.decided}`;
};

const drop: Act = async ({ exchange }, { dice }) => {
  const rows = await exchange.store.db
    .selectFrom('delivery')
    .select('id')
    .where('state', '=', 'dead')
    .orderBy('position')
    .limit(20)
    .execute();
  if (rows.length === 0) return 'nothing';
  const done = await dropDelivery(exchange, dice.pick(rows).id, 'told-otherwise', 'invented person');
  return isRefusal(done) ? done.code : 'dropped';
};

/** Each act with its weight. */
const acts: readonly (readonly [string, number, Act])[] = [
  ['submit', 44, submit],
  ['revise', 14, change],
  ['withdraw', 10, takeBack],
  ['decide', 9, decide],
  ['policy', 4, changePolicy],
  ['deny', 2, deny],
  ['suspend', 3, suspend],
  ['resume', 5, resume],
  ['rotate', 1.5, rotate],
  ['revoke', 0.7, revoke],
  ['retry', 3, retry],
  ['release', 3, release],
  ['drop', 2, drop],
];

/** Acts after which another round of a worker is due sooner. */
export const stirs: ReadonlySet<string> = new Set(['policy', 'deny', 'suspend', 'resume', 'revoke']);

export function drawAct(dice: Dice): readonly [string, Act] {
  const whole = acts.reduce((sum, [, weight]) => sum + weight, 0);
  let left = dice.fraction() * whole;
  for (const [name, weight, act] of acts) {
    left -= weight;
    if (left < 0) return [name, act];
  }
  return ['submit', submit];
}

const HOUR = 3_600_000;
const MOST = 1000;

/**
 * What a partner says was withdrawn in the lost time waits for a person, who looks it up: most was, and is withdrawn again; the
 * rest shows again.
 */
async function decideClosed(exchange: Exchange, partner: string): Promise<void> {
  const { closed } = await unknownOf(exchange.store.db, exchange.self, partner, MOST);
  const [right, wrong] = [closed.filter((id) => id < 'a'), closed.filter((id) => id >= 'a')];
  for (const id of right) await withdraw(exchange, id, { reason: 'sent-in-error', purge: true });
  if (wrong.length > 0) await liftClosed(exchange, partner);
}

/** What an operator does once everything works again: everybody is let back, and what waits for a person is decided. */
export async function putInOrder(node: LivingNode, partners: readonly number[]): Promise<void> {
  const { exchange } = node;
  for (const partner of partners.map(issuerOf)) {
    await resumePartner(exchange, partner);
    await releaseWithdrawals(exchange, { issuer: partner }, 'accept');
    await decideClosed(exchange, partner);
  }
  const rows = await exchange.store.db
    .selectFrom('delivery')
    .select('id')
    .where('state', 'in', ['dead', 'overdue', 'queued'])
    .where((is) => is.or([is('state', '<>', 'queued'), is('next_at', '>', new Date(exchange.clock() + HOUR))]))
    .orderBy('position')
    .execute();
  for (const { id } of rows) await retryDelivery(exchange, id);
}
