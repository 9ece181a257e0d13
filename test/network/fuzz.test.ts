import { randomInt } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeySetKey } from '../../src/domain/contract.types.ts';
import { isRefusal } from '../../src/domain/refusal.ts';
import type { PublicJwk } from '../../src/domain/secrets.ts';
import { createLog } from '../../src/log.ts';
import { type RunningNode, startNode } from '../../src/node.ts';
import { encryptSet } from '../../src/wire/encrypt.ts';
import { importPublicKey } from '../../src/wire/pinned.ts';
import { descriptions } from '../../src/wire/token-refusal.ts';
import {
  type ForeignPartner,
  foreignPartner,
  freshJti,
  policyFor,
  seconds,
  wireReference,
} from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { type Mutant, nextMutant, randomFrom, SET } from '../support/mutate.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { type Outbound, watchOutbound } from '../support/outbound.ts';
import { honestClaims, honestHeader, type Json, makeToken, type TestKey, testKey } from '../support/tokens.ts';

// Mutants of valid tokens through the real push endpoint of a real node. A run prints its seed; the same seed makes the
// same mutations again (over other keys). The long run:
//   CASEREF_FUZZ_CASES=200000 npx vitest run --config test/vitest.config.ts test/network/fuzz.test.ts

const CASES = Number(process.env.CASEREF_FUZZ_CASES ?? 10_000);
const SEED = Number(process.env.CASEREF_FUZZ_SEED ?? randomInt(2 ** 31));
const IN_FLIGHT = 32;
const MIB = 2 ** 20;
const DAY = 86_400;
const GROWTH = 24;

let made: TestNode;
let node: RunningNode;
let partner: ForeignPartner;
let outbound: Outbound;
let encrypt: (token: string) => Promise<string>;
/** Taken once before the run, and never delivered: no mutant may have an effect of either. */
let delivered: string[];
let seeds: string[];

function tokensBy(key: TestKey): string[] {
  const { issuer } = partner;
  const own = () => {
    const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
    return { iss: issuer, aud: made.issuer, iat: seconds(), jti: freshJti(), sub_id };
  };
  const signed = (changes: Json) =>
    makeToken({ key, header: honestHeader(key), payload: honestClaims({ ...own(), ...changes }) });
  const jti = freshJti();
  return [
    signed({ events: { 'urn:caseref:event:1:submitted': wireReference() } }),
    signed({ events: { 'urn:caseref:event:1:withdrawn': { reason: 'error', purge: true } } }),
    signed({ jti, sub_id: { format: 'opaque', id: jti }, events: { 'urn:caseref:event:1:verify': {} } }),
    signed({
      txn: 'a.b-c_1',
      toe: 1,
      events: { 'urn:caseref:event:1:submitted': wireReference({ urgency: { level: 'routine' } }) },
    }),
  ];
}

/** Signed tokens of each key, and as many others that are encrypted as well. */
async function seedsBy(keys: readonly TestKey[]): Promise<string[]> {
  const encrypted = await Promise.all(keys.flatMap(tokensBy).map(encrypt));
  return [...keys.flatMap(tokensBy), ...encrypted];
}

/** Encrypts to the node by the key in its published key set. */
async function encryption(): Promise<(token: string) => Promise<string>> {
  const keySet = await (await fetch(`${made.issuer}/.well-known/caseref-keys`)).text();
  const claims = JSON.parse(Buffer.from(keySet.split('.')[1] ?? '', 'base64url').toString()) as { keys: KeySetKey[] };
  const { kid = '', ...jwk } = claims.keys.find(({ use }) => use === 'enc') ?? ({} as Partial<KeySetKey>);
  const key = await importPublicKey(jwk as PublicJwk, 'ECDH-ES');
  if (!key) throw new Error('the node publishes no encryption key');
  return (token) => encryptSet(token, { kid, key });
}

beforeAll(async () => {
  made = await testNode();
  partner = await foreignPartner();
  const [ed25519, eddsa, es256] = [testKey(), testKey('EdDSA'), testKey('ES256')];
  const life = { nbf: seconds() - DAY, exp: seconds() + 90 * DAY };
  const keys = [ed25519, eddsa, es256].map((key) => keyEntry(key, life));
  await made.ask('partner.add', { card: partner.card({ key_set: partner.keySet({ keys }) }) });
  await made.ask('partner.confirm', { issuer: partner.issuer, fingerprint: partner.identity.kid });
  await made.ask('policy.set', { issuer: partner.issuer, document: policyFor(partner.issuer) });
  await made.stop();
  // What is logged goes nowhere: memory is looked at below, and the log of a test node is kept there.
  const started = await startNode({ ...made.options, log: createLog({ level: 'debug', destination: { write() {} } }) });
  if (isRefusal(started)) throw new Error(started.message);
  node = started;
  encrypt = await encryption();
  delivered = await seedsBy([ed25519, eddsa, es256]);
  seeds = [...delivered, ...(await seedsBy([ed25519, eddsa, es256]))];
  for (const token of delivered) expect((await partner.push(made, token)).status).toBe(202);
  outbound = watchOutbound([made.issuer, partner.issuer].map((issuer) => Number(new URL(issuer).port)));
});
afterAll(async () => {
  outbound?.stop();
  await node?.close();
  await partner?.close();
  await made?.remove();
});

async function push({ body, type }: Mutant): Promise<{ status: number; text: string; later: string | null }> {
  const headers = type === '' ? undefined : { 'content-type': type };
  const answer = await fetch(`${made.issuer}/exchange/push`, { method: 'POST', ...(headers && { headers }), body });
  return { status: answer.status, text: await answer.text(), later: answer.headers.get('retry-after') };
}

const bodies = new Map(
  Object.entries(descriptions).map(([err, description]) => [err, JSON.stringify({ err, description })]),
);
const problems: Readonly<Record<number, string>> = { 413: 'too-large', 415: 'media-type-unsupported' };

/** The name of a documented answer, undefined for any other. */
function documented({ status, text, later }: Awaited<ReturnType<typeof push>>): string | undefined {
  if (problems[status]) return (JSON.parse(text) as Json).code === problems[status] ? `${status}` : undefined;
  const [err] = [...bodies].find(([, body]) => body === text) ?? [];
  if (status === 503) return err === 'temporarily_unavailable' && Number(later) > 0 ? '503 later' : undefined;
  return status === 400 && err !== undefined && err !== 'temporarily_unavailable' ? `400 ${err}` : undefined;
}

/** Rows that an accepted token would leave, whatever it said. */
async function effects(): Promise<Record<string, number>> {
  const { db } = node.exchange.store;
  const count = async (table: 'message' | 'reference' | 'reference_key' | 'decision' | 'partner_key') =>
    (
      await db
        .selectFrom(table)
        .select((of) => of.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
    ).n;
  const told = await db.selectFrom('event').select('type').where('type', 'like', 'message.%').execute();
  const receipts = await db.selectFrom('delivery').select('jti').where('event', '=', 'receipt').execute();
  return {
    message: await count('message'),
    reference: await count('reference'),
    reference_key: await count('reference_key'),
    decision: await count('decision'),
    partner_key: await count('partner_key'),
    told: told.length,
    receipts: receipts.length,
  };
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Memory that is really held, in MiB. */
function held(): { heap: number; rss: number } {
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: Math.round(heapUsed / MIB), rss: Math.round(rss / MIB) };
}

async function encrypted(body: Buffer): Promise<Buffer> {
  return Buffer.from(await encrypt(body.toString('latin1')));
}

async function fuzz(count: number, random: () => number, answers: Map<string, number>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const mutant = nextMutant(random, seeds);
      const same = seeds.includes(mutant.body.toString('latin1'));
      // A seed that was never delivered would rightly be taken; one that was has its old answer.
      if (same && mutant.by !== 'content type' && !delivered.includes(mutant.body.toString('latin1'))) continue;
      // Some are encrypted after they were changed: what is inside must be looked at as closely.
      const inside = !same && mutant.type === SET && random() < 0.1;
      const answer = await push(inside ? { ...mutant, body: await encrypted(mutant.body) } : mutant);
      const again = same && answer.status === 202 && answer.text === '';
      const kind = again ? '202 the same bytes again' : documented(answer);
      if (kind === undefined)
        throw new Error(`${mutant.by}: ${answer.status} ${answer.text} for ${mutant.body.toString('base64')}`);
      answers.set(kind, (answers.get(kind) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

test(`${CASES} mutants of valid tokens have documented answers only, no effect and no memory (CASEREF_FUZZ_SEED=${SEED})`, async () => {
  const random = randomFrom(SEED);
  const answers = new Map<string, number>();
  const before = await effects();
  // The first ones fill caches and pools and compile what runs often.
  await fuzz(Math.min(2000, CASES), random, answers);
  const start = held();
  const began = performance.now();
  await fuzz(CASES - Math.min(2000, CASES), random, answers);
  const took = Math.round(performance.now() - began);
  const end = held();
  process.stderr.write(
    `${JSON.stringify({ seed: SEED, cases: CASES, ms: took, start, end, answers: Object.fromEntries(answers) })}\n`,
  );
  expect(await effects()).toEqual(before);
  expect(outbound.begun()).toEqual([]);
  expect(end.heap - start.heap).toBeLessThan(GROWTH);
  // Every way in was really tried: the bytes, the header, the key, the signature, the claims before it.
  const kinds = [
    '400 invalid_request',
    '400 invalid_key',
    '400 authentication_failed',
    '400 invalid_issuer',
    '503 later',
    '415',
  ];
  expect([...answers.keys()]).toEqual(expect.arrayContaining(kinds));
}, 1_800_000);

test('the seeds that were never delivered are good ones: each is taken now', async () => {
  for (const token of seeds.filter((seed) => !delivered.includes(seed))) {
    expect((await partner.push(made, token)).status).toBe(202);
  }
});
