import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bumpDirectory } from '../../src/store/partners.ts';
import { type ForeignPartner, foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { meetAsPoller, type PollShape, pollAs, sendPoll, signPoll } from '../support/polling.ts';

// What a poll brings, to partners of another make whose requests are made by node:http and node:crypto.

let node: TestNode;
let partner: ForeignPartner;
let other: ForeignPartner;

beforeAll(async () => {
  node = await testNode({ name: 'Hotline of the tests' });
  partner = await foreignPartner();
  other = await foreignPartner();
  for (const one of [partner, other]) await meetAsPoller(one, node, policyFor(one.issuer));
});
afterAll(async () => {
  await Promise.all([partner.close(), other.close()]);
  await node.remove();
});

const signed = (shape: PollShape = {}) => signPoll(partner.issuer, partner.operational, node.issuer, shape);
let numbered = 0;

async function submit(): Promise<string> {
  numbered += 1;
  return (await node.ask('reference.submit', { reference: inventedReference(numbered) })).reference.id;
}

const stateOf = async (id: string, to: ForeignPartner = partner) =>
  (await node.ask('reference.show', { id })).deliveries.find(({ partner: issuer }) => issuer === to.issuer);

const poll = (request: Readonly<Record<string, unknown>>, as = partner) =>
  pollAs(as, node.issuer, { returnImmediately: true, ...request });

/** Takes and acknowledges everything, so that each test begins with nothing that waits. */
async function drain(as: ForeignPartner): Promise<void> {
  for (let ack: string[] = []; ; ) {
    const { sets } = await poll({ ack }, as);
    ack = Object.keys(sets);
    if (ack.length === 0) return;
  }
}

describe('what is offered', () => {
  test('is numbered as a push would be, in order, and no more than was asked for', async () => {
    await Promise.all([drain(partner), drain(other)]);
    for (let n = 0; n < 5; n += 1) await submit();
    const first = await poll({ maxEvents: 3 });
    const second = await poll({});
    expect([Object.keys(first.sets).length, first.moreAvailable]).toEqual([3, true]);
    expect([Object.keys(second.sets).length, second.moreAvailable]).toEqual([2, false]);
    const claims = [...Object.values(first.sets), ...Object.values(second.sets)].map(
      (token) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>,
    );
    const numbers = claims.map((one) => (one['urn:caseref:seq'] as { n: number }).n);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    expect(claims.every(({ aud }) => aud === partner.issuer)).toBe(true);
    expect((await poll({ ack: [...Object.keys(first.sets), ...Object.keys(second.sets)] })).sets).toEqual({});
  });

  test('is acknowledged with maxEvents 0 and nothing comes back', async () => {
    const id = await submit();
    const { sets } = await poll({});
    await submit();
    const ack = Object.keys(sets);
    expect(await pollAs(partner, node.issuer, { maxEvents: 0, ack })).toEqual({
      status: 200,
      sets: {},
      moreAvailable: false,
    });
    expect((await stateOf(id))?.state).toBe('sent');
    await drain(partner);
  });

  test('is not offered again before a minute, and then with the same bytes', async () => {
    const id = await submit();
    const { sets } = await poll({});
    expect((await poll({})).sets).toEqual({});
    const { db } = node.running.exchange.store;
    await db
      .updateTable('delivery')
      .set({ lease_until: new Date(Date.now() - 1) })
      .where('jti', '=', Object.keys(sets)[0] ?? '')
      .execute();
    expect((await poll({})).sets).toEqual(sets);
    expect((await stateOf(id))?.attempts).toBe(2);
    await drain(partner);
    await poll({ ack: Object.keys(sets) });
  });

  test('is released by nobody else’s acknowledgement, and by none before it was offered', async () => {
    await drain(partner);
    const id = await submit();
    const jti = (await stateOf(id))?.jti ?? '';
    await poll({ maxEvents: 0, ack: [jti], setErrs: {} });
    expect((await stateOf(id))?.state).toBe('queued');
    const { sets } = await poll({});
    expect(Object.keys(sets)).toEqual([jti]);
    await poll({ maxEvents: 0, ack: [jti] }, other);
    await poll({ maxEvents: 0, setErrs: { [jti]: { err: 'invalid_request' } } }, other);
    expect((await stateOf(id))?.state).toBe('queued');
    await poll({ maxEvents: 0, ack: [jti] });
    expect((await stateOf(id))?.state).toBe('sent');
  });

  test('and is to be sent once more is not released by an acknowledgement of the first time', async () => {
    await drain(partner);
    const id = await submit();
    const ack = Object.keys((await poll({})).sets);
    await poll({ ack });
    const again = {
      state: 'queued',
      reissued_at: new Date(Date.now() + 1000),
      lease: null,
      lease_until: null,
    } as const;
    const { db } = node.running.exchange.store;
    await db
      .updateTable('delivery')
      .set(again)
      .where('jti', '=', ack[0] ?? '')
      .execute();
    await poll({ maxEvents: 0, ack });
    expect((await stateOf(id))?.state).toBe('queued');
    await pause(1100);
    expect(Object.keys((await poll({})).sets)).toEqual(ack);
    await poll({ ack });
    expect((await stateOf(id))?.state).toBe('sent');
  });

  test.each([
    ['invalid_request', 'dead'],
    ['authentication_failed', 'dead'],
    ['invalid_audience', 'dead'],
    ['invalid_key', 'queued'],
    ['invalid_issuer', 'queued'],
    ['access_denied', 'queued'],
    ['something else', undefined],
  ])('and refused with %s goes by the table of push answers', async (err, state) => {
    await drain(partner);
    const id = await submit();
    const [jti = ''] = Object.keys((await poll({})).sets);
    const answer = await poll({ setErrs: { [jti]: { err, description: 'invented' } } });
    expect(answer.status).toBe(state === undefined ? 400 : 200);
    expect(await stateOf(id)).toMatchObject({ state: state ?? 'queued', ...(state && { lastCode: err }) });
  });

  test('comes to a waiting poll as soon as it is there', async () => {
    await drain(partner);
    const waits = pollAs(partner, node.issuer, {});
    await pause(300);
    const began = performance.now();
    await submit();
    const { sets } = await waits;
    expect(Object.keys(sets)).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(3000);
    await poll({ ack: Object.keys(sets) });
  });

  test('leaves a second long poll of the same partner without a wait, and not that of another', async () => {
    await Promise.all([drain(partner), drain(other)]);
    const first = pollAs(partner, node.issuer, {});
    await pause(300);
    const began = performance.now();
    expect((await pollAs(partner, node.issuer, {})).sets).toEqual({});
    expect(performance.now() - began).toBeLessThan(2000);
    const theirs = pollAs(other, node.issuer, {});
    await pause(200);
    await submit();
    expect(Object.keys((await first).sets)).toHaveLength(1);
    expect(Object.keys((await theirs).sets)).toHaveLength(1);
    await Promise.all([drain(partner), drain(other)]);
  });

  test('has its place again when a waiting partner has gone away', async () => {
    await drain(partner);
    const gone = new AbortController();
    const first = pollAs(partner, node.issuer, {}, gone.signal).catch(() => 'gone');
    await pause(300);
    gone.abort();
    expect(await first).toBe('gone');
    await pause(300);
    const second = pollAs(partner, node.issuer, {});
    await pause(300);
    await submit();
    expect(Object.keys((await second).sets)).toHaveLength(1);
  });

  test('stays below 1 MiB and says that there is more', async () => {
    await drain(partner);
    const long = (n: number) => `https://host.example/${'a'.repeat(7000)}${n}/${'b'.repeat(500)}`;
    const access = { referrer: `https://host.example/${'c'.repeat(1500)}` };
    const lines = Array.from({ length: 100 }, (_, n) => ({
      line: n + 1,
      text: JSON.stringify({ ...inventedReference(5000 + n), url: long(n), access }),
    }));
    await node.ask('reference.import', { lines });
    const answer = await sendPoll(node.issuer, signed());
    const { sets, moreAvailable } = JSON.parse(answer.text) as { sets: Record<string, string>; moreAvailable: boolean };
    expect(answer.text.length).toBeLessThanOrEqual(1024 * 1024);
    expect(answer.text.length).toBeGreaterThan(900_000);
    expect(moreAvailable).toBe(true);
    const rest = await poll({ ack: Object.keys(sets) });
    expect(Object.keys(sets).length + Object.keys(rest.sets).length).toBe(100);
    await drain(partner);
  });

  test('is what suspension lets pass, and nothing else', async () => {
    await drain(partner);
    const withdrawn = await submit();
    const [jti = ''] = Object.keys((await poll({})).sets);
    await poll({ ack: [jti] });
    await submit();
    await node.ask('partner.suspend', { issuer: partner.issuer, reason: 'trial' });
    await node.ask('reference.withdraw', { id: withdrawn, reason: 'sent-in-error', purge: true });
    const { sets } = await poll({});
    const events = Object.values(sets).map((token) => Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect(events).toHaveLength(1);
    expect(events[0]).toContain('urn:caseref:event:1:withdrawn');
    const { db } = node.running.exchange.store;
    await db.updateTable('partner').set({ state: 'active' }).where('issuer', '=', partner.issuer).execute();
    await bumpDirectory(db);
    await drain(partner);
  });
});

test('a listener that closes ends the polls that wait', async () => {
  await drain(partner);
  const waits = pollAs(partner, node.issuer, {});
  await pause(300);
  const began = performance.now();
  await node.stop();
  expect(performance.now() - began).toBeLessThan(5000);
  expect(await waits).toMatchObject({ status: 200, sets: {} });
  await node.restart();
});

test('what waits to be fetched is named so', async () => {
  await submit();
  const { items } = await node.ask('delivery.list', { state: 'queued', partner: partner.issuer });
  expect(items.length).toBeGreaterThan(0);
  expect(items[0]?.lastCode).toBe('waits-to-be-fetched');
  const { findings } = await node.ask('doctor', {});
  const told = findings.find(({ code, partner: about }) => code === 'poll-served' && about === partner.issuer);
  expect(told?.message).toMatch(/to be fetched by .*it asked last/);
  await eventually('nothing was pushed', async () => partner.arrived.length === 0);
});
