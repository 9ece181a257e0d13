import { expect } from 'vitest';
import { browseEvents, showReference } from '../../src/exchange/browse.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { markSuspect } from '../../src/exchange/suspect.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { befriend, type TestExchange, type TestExchangeSettings, testExchange } from '../support/exchange.ts';
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

export interface Sent {
  readonly id: string;
  readonly jti: string;
}

interface Said {
  readonly id: string;
  readonly jti?: string;
  readonly key?: TestKey;
  /** When the payload says that it was signed: the same for a repetition. */
  readonly at?: number;
}

export const withdrawal = { reason: 'sent-in-error', purge: true };
export const supersedes = `S256:${'A'.repeat(43)}`;

/** A node with a partner that signs by the key `operational`, which gets lost, and by a `successor`, which does not. */
export async function lostKeyBench(given: Pick<TestExchangeSettings, 'store'> = {}) {
  let clock = now * 1000;
  const successor = testKey();
  const node: TestExchange = await testExchange({ ...given, issuer: self, clock: () => clock });
  const { db } = node.exchange.store;
  await befriend(node.exchange, sender, {}, operational);
  const { kid, alg, jwk } = successor;
  const life = { nbf: now - 86_400, exp: now + 86_400 * 80, first_seen_at: new Date(clock) };
  await db
    .insertInto('partner_key')
    .values({ issuer: sender, kid, alg, use: 'sig', jwk: JSON.stringify(jwk), ...life })
    .execute();
  await directoryMoved();

  function directoryMoved() {
    return db
      .updateTable('node')
      .set((e) => ({ directory_version: e('directory_version', '+', 1) }))
      .execute();
  }

  /** The bytes of a message, as somebody on the way could record them. */
  function record(
    event: string,
    payload: Json,
    { id, jti = freshJti(), key = operational, at = clock }: Said,
    more = {},
  ) {
    const claims = {
      jti,
      iat: Math.floor(at / 1000),
      sub_id: { format: 'iss_sub', iss: sender, sub: id },
      events: { [`urn:caseref:event:1:${event}`]: payload },
      ...more,
    };
    return Buffer.from(makeToken({ key, payload: honestClaims(claims) }));
  }

  const receive = createReceive(node.exchange);

  async function push(event: string, payload: Json, said: Said, more: Json = {}): Promise<Sent> {
    const { id, jti = freshJti() } = said;
    expect(await receive(record(event, payload, { ...said, jti }, more))).toEqual({ status: 'taken' });
    return { id, jti };
  }

  return {
    node,
    db,
    successor,
    receive,
    record,
    push,
    directoryMoved,
    now: () => clock,
    later: (ms: number) => {
      clock += ms;
    },
    submit: (said: Partial<Said> = {}, changes: Json = {}) =>
      push('submitted', wireReference(changes), { id: crypto.randomUUID(), ...said }),
    revise: (revision: number, said: Said, changes: Json = {}) =>
      push('revised', { ...wireReference({ revision, ...changes }), supersedes }, said),
    /** The partner tells that its key was in other hands since that instant. */
    lose: (since: number, kids: readonly string[] = [operational.kid]): Promise<number> => {
      const doubt = { issuer: sender, kids, since: new Date(since), at: new Date(clock) };
      return inTransaction(db, (trx) => markSuspect(node.exchange, trx, doubt));
    },
    ...looksAt(node),
  };
}

/** What the tests look at. */
function looksAt(node: TestExchange) {
  const { db } = node.exchange.store;
  return {
    row: (id: string) => db.selectFrom('reference').selectAll().where('id', '=', id).executeTakeFirst(),
    stateOf: async (id: string) =>
      (await db.selectFrom('reference').select('state').where('id', '=', id).executeTakeFirst())?.state,
    message: (jti: string) => db.selectFrom('message').selectAll().where('jti', '=', jti).executeTakeFirstOrThrow(),
    suspect: async (id: string) => 'suspect' in (await showReference(node.exchange, sender, id, 'masked')),
    eventsOf: async (id: string): Promise<string[]> => {
      const page = await browseEvents(node.exchange, { limit: 10_000 });
      if (!('items' in page)) throw new Error('no feed');
      return page.items.filter(({ reference }) => reference?.id === id).map(({ type }) => type);
    },
  };
}

export type LostKeyBench = Awaited<ReturnType<typeof lostKeyBench>>;
