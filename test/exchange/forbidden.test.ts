import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Exchange } from '../../src/exchange/context.ts';
import { type Delivery, startDelivery } from '../../src/exchange/deliver.ts';
import { addDeny } from '../../src/exchange/denies.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { seal } from '../../src/exchange/seal.ts';
import { createShare } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { type Claimed, claimDeliveries } from '../../src/store/outbox.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { eventually } from '../support/node.ts';

// What was queued under one policy and is claimed, signed or tried again under another.

let own: TestExchange;
let exchange: Exchange;
let recipient: Server;
let issuer: string;
let answer: number;
let pushed: Record<string, Record<string, unknown>>[];
let delivery: Delivery | undefined;

beforeEach(async () => {
  pushed = [];
  answer = 202;
  recipient = createServer(async (request, response) => {
    const compact = await text(request);
    const claims = JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString()) as {
      events: Record<string, Record<string, unknown>>;
    };
    pushed.push(claims.events);
    response.writeHead(answer).end();
  });
  await once(recipient.listen(0, '127.0.0.1'), 'listening');
  issuer = `http://127.0.0.1:${(recipient.address() as { port: number }).port}`;
  own = await testExchange({ issuer: 'http://127.0.0.1:8440' });
  exchange = own.exchange;
  await befriend(exchange, issuer);
});

afterEach(async () => {
  await delivery?.stop(2000);
  delivery = undefined;
  await own.close();
  recipient.closeAllConnections();
  await once(recipient.close(), 'close');
});

const reference = (changes: Record<string, unknown> = {}) => ({
  url: 'https://gallery.example/1',
  jurisdiction: { hosting: 'NL' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
  ...changes,
});

async function shared(changes: Record<string, unknown> = {}): Promise<string> {
  const answered = await createShare(exchange)(reference(changes));
  if (Array.isArray(answered)) throw new Error(`refused: ${answered[0]?.code}`);
  return (answered as Shared).id;
}

async function withhold(): Promise<void> {
  const document = {
    partner: issuer,
    legal: { basis: 'Invented act, section 1', transfer: 'none', route: 'own-police' },
    send: {
      rules: [
        Object.fromEntries([
          ['id', 'none'],
          ['when', { category: ['*'] }],
          ['then', 'withhold'],
        ]),
      ],
    },
    receive: {
      rules: [
        Object.fromEntries([
          ['id', 'all'],
          ['when', { category: ['*'] }],
          ['then', 'accept'],
        ]),
      ],
    },
  };
  const set = await setPolicy(exchange, issuer, document);
  if (Array.isArray(set)) throw new Error(`refused: ${set[0]?.pointer} ${set[0]?.message}`);
}

async function claimed(lease: string): Promise<Claimed[]> {
  const { version } = await exchange.directory.within(exchange.store.db);
  const now = exchange.clock();
  return claimDeliveries(exchange.store.db, {
    ...{ partner: issuer, suspended: false, basis: version, limit: 10, now: new Date(now), lease },
    leaseUntil: new Date(now + 30_000),
  });
}

async function stateOf(id: string) {
  return exchange.store.db
    .selectFrom('delivery')
    .select(['state', 'last_code', 'event', 'n'])
    .where('reference_id', '=', id)
    .orderBy('position')
    .execute();
}

const settled = (id: string) =>
  eventually('nothing waits', async () => (await stateOf(id)).every(({ state }) => state !== 'queued') && true);

const lease = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const submissions = () => pushed.filter((events) => 'urn:caseref:event:1:submitted' in events);

describe('a policy that narrows', () => {
  test('stops what is claimed in the moment after it was set', async () => {
    await exchange.directory.current();
    const id = await shared();
    await withhold();
    delivery = startDelivery(exchange);
    await settled(id);
    expect(await stateOf(id)).toMatchObject([{ state: 'dropped', last_code: 'policy' }]);
    expect(pushed).toEqual([]);
  });

  test('stops what had a number and no signature when a process died', async () => {
    const id = await shared();
    await claimed(lease(1));
    await exchange.store.db.updateTable('delivery').set({ lease: null, lease_until: null }).execute();
    await withhold();
    delivery = startDelivery(exchange);
    await settled(id);
    expect(submissions()).toEqual([]);
    expect(await stateOf(id)).toMatchObject([{ state: 'dropped', last_code: 'policy', n: 1 }]);
  });

  test('stops what is signed and waits for a partner that was away, and covers its number', async () => {
    answer = 503;
    const id = await shared();
    delivery = startDelivery(exchange);
    await eventually('a first attempt', async () => pushed.length > 0);
    await delivery.stop(2000);
    await withhold();
    answer = 202;
    pushed.length = 0;
    await exchange.store.db
      .updateTable('delivery')
      .set({ next_at: new Date(exchange.clock()) })
      .execute();
    await own.exchange.transport.close();
    delivery = startDelivery({
      ...exchange,
      transport: { ...exchange.transport, allowance: () => 8, postToken: post },
    });
    await settled(id);
    expect(await stateOf(id)).toMatchObject([{ state: 'dropped', last_code: 'policy', n: 1 }, { event: 'withdrawn' }]);
    await eventually('the number is covered, and what may have arrived is recalled', async () => pushed.length > 1);
    expect(pushed).toHaveLength(2);
    expect(pushed).toContainEqual({
      'urn:caseref:event:1:voided': { epoch: expect.any(String), ranges: [[1, 1]], reason: 'policy' },
    });
    expect(pushed).toContainEqual({ 'urn:caseref:event:1:withdrawn': { reason: 'superseded', purge: true } });
  });
});

/** The key of the node that signs messages. */
function signer() {
  const active = exchange.keys.signer();
  if (!active) throw new Error('no key signs messages');
  return active;
}

async function post(url: string, compact: string): Promise<{ status: 'accepted' }> {
  await fetch(url, { method: 'POST', body: compact });
  return { status: 'accepted' };
}

describe('a deny', () => {
  test('stops what was signed before it', async () => {
    const id = await shared();
    const partner = (await exchange.directory.current()).partners.get(issuer);
    if (!partner) throw new Error('no partner');
    await seal(exchange, partner, await claimed(lease(1)), signer(), (await exchange.directory.current()).version);
    await exchange.store.db.updateTable('delivery').set({ lease: null, lease_until: null }).execute();
    const denied = await addDeny(exchange, { ground: 'legal', hosts: ['gallery.example'] });
    if (Array.isArray(denied)) throw new Error(`refused: ${denied[0]?.pointer} ${denied[0]?.message}`);
    delivery = startDelivery(exchange);
    await settled(id);
    expect(submissions()).toEqual([]);
  });
});

describe('a revision that is withheld', () => {
  test('stops the first disclosure that still waits', async () => {
    const id = await shared();
    const answered = await createRevise(exchange)(id, 1, reference({ category: 'trafficking' }));
    if (Array.isArray(answered)) throw new Error(`refused: ${answered[0]?.code}`);
    delivery = startDelivery(exchange);
    await settled(id);
    await pause(100);
    expect(pushed).toEqual([]);
    expect(await stateOf(id)).toMatchObject([{ state: 'dropped', n: null }]);
  });

  test('of a reference that waits goes out once, as what it says now', async () => {
    const id = await shared();
    const answered = await createRevise(exchange)(id, 1, reference({ role: 'content' }));
    if (Array.isArray(answered)) throw new Error(`refused: ${answered[0]?.code}`);
    delivery = startDelivery(exchange);
    await eventually('a message', async () => pushed.length > 0);
    await pause(200);
    expect(pushed).toMatchObject([{ 'urn:caseref:event:1:submitted': { revision: 2, role: 'content' } }]);
  });
});

describe('one reference that cannot be read any more', () => {
  test('does not keep back the others when they are decided again', async () => {
    const broken = await shared();
    const whole = await shared({ url: 'https://gallery.example/2' });
    await sql`update reference_revision set body = '\\x00' where id = ${broken}::uuid`.execute(exchange.store.db);
    await addDeny(exchange, { ground: 'legal', hosts: ['elsewhere.example'] });
    delivery = startDelivery(exchange);
    await eventually('the other one leaves', async () => submissions().length === 1);
    expect(await stateOf(whole)).toMatchObject([{ state: 'sent' }]);
    await settled(broken);
    expect(await stateOf(broken)).toMatchObject([{ state: 'dead', last_code: 'internal' }]);
  });
});

describe('two processes', () => {
  test('that both sign one message send the same bytes or nothing', async () => {
    await shared();
    const partner = (await exchange.directory.current()).partners.get(issuer);
    if (!partner) throw new Error('no partner');
    const mine = await claimed(lease(1));
    const first = await seal(exchange, partner, mine, signer(), (await exchange.directory.current()).version);
    const second = await seal(exchange, partner, mine, signer(), (await exchange.directory.current()).version);
    expect(first.sealed).toHaveLength(1);
    const other = second.sealed.filter(({ compact }) => compact !== first.sealed[0]?.compact);
    expect(other).toHaveLength(0);
  });
});
