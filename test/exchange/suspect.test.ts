import { afterAll, beforeAll, expect, test } from 'vitest';
import { browseEvents, showReference } from '../../src/exchange/browse.ts';
import { eraseByOrder, restrict } from '../../src/exchange/keep.ts';
import { purgeDue } from '../../src/exchange/purge.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { markSuspect } from '../../src/exchange/suspect.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import {
  honestClaims,
  type Json,
  makeToken,
  now,
  operational,
  self,
  sender,
  type TestKey,
  testKey,
} from '../support/tokens.ts';

// A partner's key was lost. What came by it afterwards is marked, what a forged withdrawal did is undone, and what the
// partner says again under its new key counts as before. Every test works on references of its own.

let node: TestExchange;
let clock = now * 1000;
const successor = testKey();

beforeAll(async () => {
  node = await testExchange({ issuer: self, clock: () => clock });
  await befriend(node.exchange, sender, {}, operational);
  await node.exchange.store.db
    .insertInto('partner_key')
    .values({
      issuer: sender,
      kid: successor.kid,
      alg: successor.alg,
      use: 'sig',
      jwk: JSON.stringify(successor.jwk),
      nbf: now - 86_400,
      exp: now + 86_400 * 80,
      first_seen_at: new Date(clock),
    })
    .execute();
  await node.exchange.store.db.updateTable('node').set({ directory_version: 99 }).execute();
});
afterAll(() => node.close());

interface Sent {
  readonly id: string;
  readonly jti: string;
}

async function push(
  event: string,
  payload: Json,
  given: { id: string; jti?: string; key?: TestKey; at?: number },
): Promise<Sent> {
  const { id, jti = freshJti(), key = operational, at = clock } = given;
  const claims = honestClaims({
    jti,
    iat: Math.floor(at / 1000),
    sub_id: { format: 'iss_sub', iss: sender, sub: id },
    events: { [`urn:caseref:event:1:${event}`]: payload },
  });
  const answer = await createReceive(node.exchange)(Buffer.from(makeToken({ key, payload: claims })));
  expect(answer).toEqual({ status: 'taken' });
  return { id, jti };
}

const withdrawal = { reason: 'sent-in-error', purge: true };
const submit = (given: Partial<Sent> & { key?: TestKey; at?: number } = {}) =>
  push('submitted', wireReference({}), { id: crypto.randomUUID(), ...given });

/** The partner tells that its key was in other hands since that instant. */
function lose(since: number, kids: readonly string[] = [operational.kid]): Promise<number> {
  const doubt = { issuer: sender, kids, since: new Date(since), at: new Date(clock) };
  return inTransaction(node.exchange.store.db, (trx) => markSuspect(trx, doubt));
}

async function stateOf(id: string) {
  const { db } = node.exchange.store;
  const row = await db.selectFrom('reference').selectAll().where('id', '=', id).executeTakeFirst();
  return row?.state;
}

async function suspect(id: string): Promise<boolean> {
  const shown = await showReference(node.exchange, sender, id, 'masked');
  return 'suspect' in shown;
}

async function eventsOf(id: string): Promise<string[]> {
  const page = await browseEvents(node.exchange, { limit: 10_000 });
  if (!('items' in page)) throw new Error('no feed');
  return page.items.filter(({ reference }) => reference?.id === id).map(({ type }) => type);
}

const later = (ms: number) => {
  clock += ms;
};

test('what came before the instant is not suspect, what came after it is', async () => {
  const before = await submit();
  later(10_000);
  const instant = clock;
  later(10_000);
  const after = await submit();
  expect(await lose(instant)).toBe(1);
  expect([await suspect(before.id), await suspect(after.id)]).toEqual([false, true]);
  expect(await eventsOf(after.id)).toContain('reference.suspect');
  expect(await lose(instant)).toBe(0);
});

test('a suspect withdrawal seals nothing any more', async () => {
  const { id } = await submit();
  later(10_000);
  const instant = clock;
  later(1000);
  await push('withdrawn', withdrawal, { id });
  expect(await stateOf(id)).toBe('sealed');
  await lose(instant);
  expect(await stateOf(id)).toBe('open');
  later(100 * 3_600_000);
  await purgeDue(node.exchange);
  expect(await stateOf(id)).toBe('open');
  expect(await eventsOf(id)).toContain('reference.unsealed');
});

test('a withdrawal of before the instant stays in force beside a suspect one', async () => {
  const { id } = await submit();
  await push('withdrawn', { ...withdrawal, purge: false }, { id });
  later(10_000);
  const instant = clock;
  later(1000);
  await push('withdrawn', withdrawal, { id });
  await lose(instant);
  expect(await stateOf(id)).toBe('sealed');
});

test('the same payload under a new key clears the mark', async () => {
  const instant = clock;
  later(1000);
  const at = clock;
  const { id, jti } = await submit();
  await lose(instant);
  expect(await suspect(id)).toBe(true);
  await submit({ id, jti, key: successor, at });
  expect(await suspect(id)).toBe(false);
  expect(await eventsOf(id)).toContain('message.attested');
});

test('a payload that was said again before the loss became known is not marked at all', async () => {
  const instant = clock;
  later(1000);
  const at = clock;
  const { id, jti } = await submit();
  await submit({ id, jti, key: successor, at });
  await lose(instant);
  expect(await suspect(id)).toBe(false);
});

test('an attestation by a key that is lost too counts no more', async () => {
  const instant = clock;
  later(1000);
  const at = clock;
  const { id, jti } = await submit();
  await lose(instant);
  await submit({ id, jti, key: successor, at });
  expect(await suspect(id)).toBe(false);
  expect(await lose(instant, [successor.kid])).toBeGreaterThan(0);
  expect(await suspect(id)).toBe(true);
});

test('an attested withdrawal counts again, with its whole time of mercy', async () => {
  const { id } = await submit();
  later(10_000);
  const instant = clock;
  later(1000);
  const at = clock;
  const { jti } = await push('withdrawn', withdrawal, { id });
  await lose(instant);
  expect(await stateOf(id)).toBe('open');
  await push('withdrawn', withdrawal, { id, jti, key: successor, at });
  expect(await stateOf(id)).toBe('sealed');
  await purgeDue(node.exchange);
  expect(await stateOf(id)).toBe('sealed');
  later(73 * 3_600_000);
  await purgeDue(node.exchange);
  expect(await stateOf(id)).toBe('purged');
});

test('what a suspect withdrawal erased can be sent again by the same message, and is said to have been lost', async () => {
  const at = clock;
  const { id, jti } = await submit();
  later(10_000);
  const instant = clock;
  later(1000);
  await push('withdrawn', { reason: 'legal', purge: true }, { id });
  await purgeDue(node.exchange);
  expect(await stateOf(id)).toBe('purged');
  await lose(instant);
  expect(await stateOf(id)).toBeUndefined();
  const { db } = node.exchange.store;
  const alerts = await db.selectFrom('alert').select('code').where('subject', '=', id).execute();
  expect(alerts).toEqual([{ code: 'purge-suspect' }]);
  await submit({ id, jti, key: successor, at });
  expect(await stateOf(id)).toBe('open');
});

test('a reference that never came and was withdrawn by a lost key is no tombstone any more', async () => {
  const instant = clock;
  later(1000);
  const id = crypto.randomUUID();
  await push('withdrawn', withdrawal, { id });
  expect(await stateOf(id)).toBe('purged');
  await lose(instant);
  await submit({ id, key: successor });
  expect(await stateOf(id)).toBe('open');
});

test('what an operator erased by order stays erased', async () => {
  const { id } = await submit();
  later(10_000);
  const instant = clock;
  later(1000);
  await push('withdrawn', withdrawal, { id });
  await eraseByOrder(node.exchange, { originator: sender, id }, 'AG-2026/0816');
  await lose(instant);
  expect(await stateOf(id)).toBe('purged');
});

test('what an operator keeps restricted stays so', async () => {
  const { id } = await submit();
  later(10_000);
  const instant = clock;
  later(1000);
  await restrict(node.exchange, { originator: sender, id }, { ground: 'evidence', until: '2027-06-30' });
  await push('withdrawn', withdrawal, { id });
  await lose(instant);
  expect(await stateOf(id)).toBe('restricted');
});
