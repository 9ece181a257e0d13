import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { examinePolls } from '../../src/exchange/doctor/polling.ts';
import { freshJti, seconds, wireReference } from '../support/foreign-partner.ts';
import { eventually, introduce, type TestNode, testNode } from '../support/node.ts';
import { type PollSource, pollSource } from '../support/poll-source.ts';
import { digestOf, isSignedBy } from '../support/polling.ts';
import { epoch, honestHeader, type Json, testKey } from '../support/tokens.ts';

// A poll-only node and a partner that it asks, whose poll endpoint and tokens are made by hand.

let node: TestNode;
let source: PollSource;

beforeAll(async () => {
  node = await testNode({ name: 'Poll-only unit', type: 'law-enforcement', pollOnly: true });
});
afterAll(() => node.remove());
beforeEach(async () => {
  source = await pollSource();
});
afterEach(async () => {
  await node.ask('partner.remove', { issuer: source.partner.issuer, yes: true });
  await source.close();
});

const stored = async (jti: string) =>
  node.running.exchange.store.db
    .selectFrom('message')
    .select(['jti', 'outcome'])
    .where('jti', '=', jti)
    .executeTakeFirst();

function offer(...tokens: readonly (readonly [string, string])[]) {
  source.replies.push({ sets: Object.fromEntries(tokens) });
}

function token(jti: string, changes: Json = {}, header?: Json): readonly [string, string] {
  return [jti, source.partner.token(node, { jti, ...changes }, header)];
}

const acked = (jti: string) =>
  eventually(`${jti} acknowledged`, async () => source.polls.find(({ request }) => request.ack?.includes(jti)));

const refusedWith = (jti: string) =>
  eventually(
    `${jti} refused`,
    async () => source.polls.find(({ request }) => request.setErrs?.[jti])?.request.setErrs?.[jti],
  );

test('the key set of a poll-only node names no address', async () => {
  await source.meet(node);
  const [, payload = ''] = (await (await fetch(`${node.issuer}/.well-known/caseref-keys`)).text()).split('.');
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ endpoints: {} });
});

test('a poll is signed as the protocol says, for the published address', async () => {
  await source.meet(node);
  const [poll] = await eventually('a poll', async () => source.polls.length > 0 && source.polls);
  const { keys } = (await (await fetch(`${node.issuer}/jwks.json`)).json()) as { keys: { kid: string }[] };
  const form =
    /^sig=(\("@method" "@target-uri" "content-type" "content-digest"\);created=(\d+);expires=(\d+);nonce="[A-Za-z0-9_-]{22}";keyid="([^"]+)#([^"]+)";tag="caseref-poll")$/;
  const [, params = '', created, expires, issuer, kid] = form.exec(String(poll?.headers['signature-input'])) ?? [];
  expect(poll?.body).toBe('{}');
  expect(issuer).toBe(node.issuer);
  expect(Number(expires) - Number(created)).toBe(60);
  expect(poll?.headers['content-digest']).toBe(digestOf(poll?.body ?? ''));
  expect(poll?.headers['content-type']).toBe('application/json');
  const lines = [
    '"@method": POST',
    `"@target-uri": ${source.endpoint}`,
    '"content-type": application/json',
    `"content-digest": ${digestOf(poll?.body ?? '')}`,
    `"@signature-params": ${params}`,
  ];
  const signature = Buffer.from(String(poll?.headers.signature).slice(5, -1), 'base64');
  const key = keys.find((one) => one.kid === kid) as unknown as Json;
  expect(isSignedBy(key, 'Ed25519', lines.join('\n'), signature)).toBe(true);
});

describe('a SET that was fetched', () => {
  test('is durable before it is acknowledged, and receipted by a push', async () => {
    await source.meet(node);
    const jti = freshJti();
    offer(token(jti));
    await acked(jti);
    expect(await stored(jti)).toMatchObject({ outcome: 'accepted' });
    await eventually('a receipt', async () => source.partner.receiptsFor(jti).length === 1);
  });

  test('is acknowledged again when the answer was lost, until one came', async () => {
    await source.meet(node);
    const jti = freshJti();
    offer(token(jti));
    source.replies.push('broken');
    await acked(jti);
    await eventually('two acknowledgements', async () => {
      return source.polls.filter(({ request }) => request.ack?.includes(jti)).length === 2;
    });
    source.replies.push({ sets: {} });
    const before = source.polls.length;
    await eventually('two more polls', async () => source.polls.length > before + 2);
    expect(source.polls.filter(({ request }) => request.ack?.includes(jti))).toHaveLength(2);
  });

  test('that was offered twice is one message and acknowledged twice', async () => {
    await source.meet(node);
    const jti = freshJti();
    const once = token(jti);
    offer(once);
    offer(once);
    await eventually('two acknowledgements', async () => {
      return source.polls.filter(({ request }) => request.ack?.includes(jti)).length === 2;
    });
    const references = await node.ask('reference.list', { partner: source.partner.issuer });
    expect(references.items).toHaveLength(1);
  });

  test('is taken by its number, whatever the order of the answer', async () => {
    await source.meet(node);
    const sub_id = { format: 'iss_sub', iss: source.partner.issuer, sub: crypto.randomUUID() };
    const event = (name: string, payload: Json) => ({ [`urn:caseref:event:1:${name}`]: payload });
    const numbered = (n: number, events: Json) =>
      token(freshJti(), { sub_id, events, 'urn:caseref:seq': { epoch, n } });
    const submitted = numbered(1, event('submitted', wireReference()));
    const withdrawn = numbered(2, event('withdrawn', { reason: 'sent-in-error', purge: true }));
    offer(withdrawn, submitted);
    await acked(withdrawn[0]);
    const { db } = node.running.exchange.store;
    const taken = db.selectFrom('message').select(['event', 'outcome']).where('reference_id', '=', sub_id.sub);
    const rows = await taken.orderBy('n').execute();
    expect(rows).toEqual([
      { event: 'urn:caseref:event:1:submitted', outcome: 'accepted' },
      { event: 'urn:caseref:event:1:withdrawn', outcome: 'sealed' },
    ]);
  });

  const refusals: Record<string, [err: string, make: (jti: string) => readonly [string, string]]> = {
    'is no token': ['invalid_request', (jti) => [jti, 'no.token.atall']],
    'has a claim too many': ['invalid_request', (jti) => token(jti, { exp: seconds() + 60 })],
    'has another name than it says': ['invalid_request', (jti) => [jti, token(freshJti())[1]]],
    'is for somebody else': ['invalid_audience', (jti) => token(jti, { aud: 'https://node.other.example' })],
    'is of somebody else': ['invalid_issuer', (jti) => token(jti, { iss: 'https://node.other.example' })],
    'has another algorithm': [
      'invalid_key',
      (jti) => token(jti, {}, { ...honestHeader(source.partner.operational), alg: 'EdDSA' }),
    ],
    'was signed by another key': [
      'authentication_failed',
      (jti) => {
        const [name, text] = token(jti);
        const [head, body] = text.split('.');
        return [name, `${head}.${body}.${token(jti)[1].split('.')[2]}`];
      },
    ],
  };
  test.each(Object.entries(refusals))('and %s is refused as a push would be', async (_name, [err, make]) => {
    await source.meet(node);
    const [bad, good] = [freshJti(), freshJti()];
    offer(make(bad), token(good));
    expect(await refusedWith(bad)).toMatchObject({ err, description: expect.any(String) });
    await acked(good);
    expect(await stored(bad)).toBeUndefined();
    expect(source.polls.some(({ request }) => request.ack?.includes(bad))).toBe(false);
  });

  test('and whose key is not known yet is neither acknowledged nor refused', async () => {
    await source.meet(node);
    const [later, good] = [freshJti(), freshJti()];
    offer(token(later, {}, honestHeader(testKey())), token(good));
    await acked(good);
    const named = source.polls.filter(({ request }) => request.ack?.includes(later) || request.setErrs?.[later]);
    expect(named).toEqual([]);
  });
});

describe('a partner that does not answer well', () => {
  test('is asked again by its own clock where it refused ours', async () => {
    source.replies.push({ status: 401, headers: { date: new Date(Date.now() + 3_600_000).toUTCString() } });
    await source.meet(node);
    const polls = await eventually('two polls', async () => source.polls.length > 1 && source.polls);
    const created = polls.map(({ headers }) => Number(/created=(\d+)/.exec(String(headers['signature-input']))?.[1]));
    expect((created[1] ?? 0) - (created[0] ?? 0)).toBeGreaterThan(3590);
  });

  test.each([
    ['http-503', { status: 503 } as const],
    ['http-401', { status: 401 } as const],
    ['connection-lost', 'broken' as const],
  ])('is paused, and doctor says %s', async (code, reply) => {
    source.replies.push(reply);
    await source.meet(node);
    const told = await eventually('a finding', async () => {
      const findings = await examinePolls(node.running.exchange, source.partner.issuer);
      return findings.find((one) => one.code === 'poll-unanswered' && one.message.includes(code));
    });
    expect(told.level).toBe('warn');
    expect(source.polls).toHaveLength(1);
  });
});

test('what is durable is acknowledged when the node stops', async () => {
  await source.meet(node);
  const jti = freshJti();
  offer(token(jti));
  source.replies.push('broken');
  await acked(jti);
  await node.stop();
  const last = source.polls.at(-1);
  expect(last?.request).toMatchObject({ ack: [jti], maxEvents: 0, returnImmediately: true });
  await node.restart();
});

test('of one partner there is one poll at a time', async () => {
  await source.meet(node);
  await eventually('three polls', async () => source.polls.length > 2);
  expect(source.most()).toBe(1);
});

describe('at the confirmation', () => {
  test('two nodes that only poll are told that they cannot exchange', async () => {
    await source.meet(node);
    const other = await testNode({ name: 'Another poll-only unit', pollOnly: true });
    const { fingerprint } = await introduce(node, other);
    const asked = node.ask('partner.confirm', { issuer: other.issuer, fingerprint });
    await expect(asked).rejects.toThrow(/Both nodes only poll/);
    await other.remove();
  });
});
