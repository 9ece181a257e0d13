import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pollsSeen } from '../../src/store/poll.ts';
import { type ForeignPartner, foreignPartner, policyFor, seconds } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { freshNonce, meetAsPoller, type PollShape, pollAs, sendPoll, signPoll } from '../support/polling.ts';
import { testKey } from '../support/tokens.ts';

// Replays as a partner of another make asks for them: requests by node:http, signatures by node:crypto.

const DAY = 86_400_000;
const path = '/exchange/replay';

let node: TestNode;
let partner: ForeignPartner;
let other: ForeignPartner;
let epoch: string;

beforeAll(async () => {
  node = await testNode({ name: 'Hotline of the tests' });
  partner = await foreignPartner();
  other = await foreignPartner();
  for (const one of [partner, other]) await meetAsPoller(one, node, policyFor(one.issuer));
  epoch = await epochOf(partner);
  for (const n of [1, 2, 3]) await node.ask('reference.submit', { reference: inventedReference(n) });
  await fetchAll();
});
afterAll(async () => {
  await Promise.all([partner.close(), other.close()]);
  await node.remove();
});
beforeEach(() => endReplays());

const db = () => node.running.exchange.store.db;

async function epochOf({ issuer }: ForeignPartner): Promise<string> {
  const stream = db().selectFrom('partner_stream').select('epoch').where('partner', '=', issuer);
  return (await stream.executeTakeFirstOrThrow()).epoch;
}

/** As if the pause since the last replay were over. */
async function endReplays(): Promise<void> {
  await db()
    .updateTable('replay')
    .set({ state: 'done', asked_at: new Date(Date.now() - DAY) })
    .execute();
}

async function fetchAll(as = partner): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const { sets } = await pollAs(as, node.issuer, { returnImmediately: true });
    const jtis = Object.keys(sets);
    if (jtis.length === 0) return seen;
    seen.push(...jtis);
    await pollAs(as, node.issuer, { returnImmediately: true, maxEvents: 0, ack: jtis });
  }
}

const signed = (body: unknown, shape: PollShape = {}, as = partner) =>
  signPoll(as.issuer, as.operational, node.issuer, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    target: `${node.issuer}${path}`,
    ...shape,
  });
const send = (sent: Parameters<typeof sendPoll>[1]) => sendPoll(node.issuer, sent, { path });

async function ask(body: unknown, as = partner) {
  const { status, headers, text } = await send(signed(body, {}, as));
  return { status, headers, answer: JSON.parse(text) as Record<string, unknown> };
}

async function change(columns: Partial<{ created_at: Date; n: number }>, n: number): Promise<void> {
  await db().updateTable('delivery').set(columns).where('partner', '=', partner.issuer).where('n', '=', n).execute();
}

test('what was sent comes again: 202 says from where, how far and how much', async () => {
  const { status, headers, answer } = await ask({ epoch, from: 2 });
  expect([status, headers['content-type']]).toEqual([202, 'application/json']);
  expect(answer).toEqual({ epoch, from: 2, to: 3, messages: 2 });
});

test('the published address is named among the endpoints, and only where a node takes requests at all', async () => {
  const [, payload = ''] = (await (await fetch(`${node.issuer}/.well-known/caseref-keys`)).text()).split('.');
  const { endpoints } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    endpoints: Record<string, string>;
  };
  expect(endpoints.replay).toBe(`${node.issuer}${path}`);
});

describe('401, as a poll has it, for', () => {
  const shapes: Record<string, () => PollShape> = {
    'the poll endpoint in the signature': () => ({ target: `${node.issuer}/exchange/poll` }),
    'another tag': () => ({ tag: 'caseref-replay' }),
    'a key of another partner': () => ({ key: other.operational, keyid: `${partner.issuer}#${other.operational.kid}` }),
    'an unknown key': () => ({ key: testKey() }),
    'an end that has come': () => ({ created: seconds() - 100, expires: seconds() - 41 }),
    'a digest of another body': () => ({ digest: `sha-256=:${Buffer.alloc(32).toString('base64')}:` }),
    'another content type': () => ({ type: 'application/secevent+jwt' }),
  };
  test.each(Object.entries(shapes))('%s', async (_name, shape) => {
    const response = await send(signed({ epoch, from: 1 }, shape()));
    expect(response.status).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Signature realm="caseref"');
    expect(Date.parse(String(response.headers.date))).toBeGreaterThan(Date.now() - 60_000);
    expect(JSON.parse(response.text)).toMatchObject({ code: 'unauthenticated' });
  });

  test('no signature, before a byte of the body is read', async () => {
    const body = ' '.repeat(1024 * 1024);
    const response = await send({ body, headers: { 'content-type': 'application/json' } });
    expect(response.status).toBe(401);
  });

  test('a nonce that was used, for a poll included', async () => {
    const nonce = freshNonce();
    expect(
      (
        await sendPoll(
          node.issuer,
          signed({ returnImmediately: true }, { nonce, target: `${node.issuer}/exchange/poll` }),
        )
      ).status,
    ).toBe(200);
    expect((await send(signed({ epoch, from: 1 }, { nonce }))).status).toBe(401);
  });
});

describe('400 json-invalid for', () => {
  test.each([
    'not json',
    '[]',
    'null',
    '{}',
    '{"epoch":"0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70"}',
    '{"from":1}',
    '{"epoch":"0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70","from":1,"to":2}',
    '{"epoch":"0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70","from":"1"}',
    '{"epoch":"0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70","from":1.5}',
    '{"epoch":"0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70","from":-1}',
    '{"epoch":"0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70","from":9007199254740992}',
    '{"epoch":"0190F3A2-7C1E-7B3A-9D54-2F6A8C1E4B70","from":1}',
    '{"epoch":7,"from":1}',
    '{"epoch":"0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70","from":1,"from":1}',
  ])('%s', async (body) => {
    const { status, answer } = await ask(body);
    expect([status, answer.code]).toEqual([400, 'json-invalid']);
  });

  test('nothing: above 4 KiB it is 413', async () => {
    expect((await send(signed(' '.repeat(4097)))).status).toBe(413);
  });
});

describe('400 cursor_in_future for', () => {
  const inFuture = { err: 'cursor_in_future', description: 'this number was not given in this epoch' };

  test('an epoch that was never ours, which says nothing of our own state', async () => {
    const { status, headers, answer } = await ask({ epoch: crypto.randomUUID(), from: 1 });
    expect([status, answer]).toEqual([400, inFuture]);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'content-language': 'en' });
    expect(await node.ask('alert.list', {})).toMatchObject({ items: [] });
  });

  test('the stream of another partner', async () => {
    expect(await ask({ epoch: await epochOf(other), from: 1 })).toMatchObject({ status: 400, answer: inFuture });
  });

  test('the number after the last, which whoever has everything asks for', async () => {
    expect(await ask({ epoch, from: 4 })).toMatchObject({ status: 400, answer: inFuture });
    expect(await epochOf(partner)).toBe(epoch);
  });
});

describe('400 cursor_too_old for', () => {
  test('what is older than the horizon, with the oldest number that there is', async () => {
    await change({ created_at: new Date(Date.now() - 91 * DAY) }, 1);
    const description = 'nothing is kept from this number on; the oldest that is kept is named';
    const { status, answer } = await ask({ epoch, from: 1 });
    expect([status, answer]).toEqual([400, { err: 'cursor_too_old', description, oldest: 2 }]);
    expect((await ask({ epoch, from: 2 })).status).toBe(202);
    await change({ created_at: new Date() }, 1);
  });

  test('what was sent to an organisation that had the name before', async () => {
    const added = { added_at: new Date(Date.now() + 1000) };
    await db().updateTable('partner').set(added).where('issuer', '=', partner.issuer).execute();
    expect((await ask({ epoch, from: 1 })).answer).toMatchObject({ err: 'cursor_too_old', oldest: 4 });
    const before = { added_at: new Date(Date.now() - DAY) };
    await db().updateTable('partner').set(before).where('issuer', '=', partner.issuer).execute();
  });
});

describe('429 with a Retry-After', () => {
  test('less than ten minutes after the last one, and for this partner alone', async () => {
    expect((await ask({ epoch, from: 3 })).status).toBe(202);
    const { status, headers, answer } = await ask({ epoch, from: 3 });
    expect([status, answer.code]).toEqual([429, 'rate-exceeded']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(590);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(600);
    expect((await ask({ epoch: await epochOf(other), from: 1 }, other)).status).not.toBe(429);
  });

  test('is nothing that somebody who repeats an overheard request can bring on for the one who signed it', async () => {
    const overheard = signed({ epoch, from: 1 });
    expect((await send(overheard)).status).toBe(202);
    for (let times = 0; times < 70; times += 1) expect((await send(overheard)).status).toBe(401);
    const { status, headers } = await ask({ epoch, from: 3 });
    // The pause after the granted one, and not the minute of somebody who asked too often.
    expect([status, Number(headers['retry-after']) > 500]).toEqual([429, true]);
  });

  test('of two at once for one of them', async () => {
    const both = await Promise.all([ask({ epoch, from: 1 }), ask({ epoch, from: 1 })]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 429]);
  });
});

describe('403 for', () => {
  test('a partner that is not confirmed, told only after its signature has verified', async () => {
    const one = await foreignPartner();
    await node.ask('partner.add', { card: one.card() });
    expect(await ask({ epoch, from: 1 }, one)).toMatchObject({ status: 403, answer: { code: 'partner-pending' } });
    const forged = signed({ epoch, from: 1 }, { key: testKey(), keyid: `${one.issuer}#${one.operational.kid}` }, one);
    expect((await send(forged)).status).toBe(401);
    await one.close();
  });

  test('a partner that is suspended, to whom nothing goes', async () => {
    await node.ask('partner.suspend', { issuer: partner.issuer, reason: 'examined' });
    expect(await ask({ epoch, from: 1 })).toMatchObject({ status: 403, answer: { code: 'partner-suspended' } });
    await node.ask('partner.resume', { issuer: partner.issuer });
  });
});

test('a request is no poll: nobody is told that messages were fetched', async () => {
  const one = await foreignPartner();
  await meetAsPoller(one, node, policyFor(one.issuer));
  const seen = async () => (await pollsSeen(db())).filter((poll) => poll.partner === one.issuer).length;
  await ask({ epoch: await epochOf(one), from: 1 }, one);
  expect(await seen()).toBe(0);
  await pollAs(one, node.issuer, { returnImmediately: true });
  expect(await seen()).toBe(1);
  await one.close();
});

test('the counter overtaken: a number beyond the next one says that we lost our state', async () => {
  const answer = await ask({ epoch, from: 900 });
  expect(answer).toMatchObject({ status: 400, answer: { err: 'cursor_in_future' } });
  expect(await epochOf(partner)).not.toBe(epoch);
  const { items } = await node.ask('alert.list', {});
  expect(items.map(({ code }) => code)).toEqual(['state-lost']);
  // The old epoch stays ours, and can be asked for as far as it went.
  expect(await ask({ epoch, from: 1 })).toMatchObject({ status: 202, answer: { to: 3 } });
});
