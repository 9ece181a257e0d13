import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ForeignPartner, foreignPartner, freshJti, policyFor, seconds } from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { inventedReference } from '../support/invented.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { freshNonce, meetAsPoller, type PollShape, pollAs, sendPoll, signPoll } from '../support/polling.ts';
import { testKey } from '../support/tokens.ts';

// Polls as a partner of another make sends them: requests by node:http, signatures by node:crypto.

const DAY = 86_400;

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

async function expectUnproven(sent: Parameters<typeof sendPoll>[1], options: Parameters<typeof sendPoll>[2] = {}) {
  const response = await sendPoll(node.issuer, sent, options);
  expect(response.status).toBe(401);
  expect(response.headers['www-authenticate']).toBe('Signature realm="caseref"');
  expect(Date.parse(String(response.headers.date))).toBeGreaterThan(Date.now() - 60_000);
  expect(JSON.parse(response.text)).toEqual({
    type: 'urn:caseref:problem:unauthenticated',
    title: 'The request is not signed as it must be',
    status: 401,
    code: 'unauthenticated',
  });
}

describe('a request that is signed as the protocol says', () => {
  test('is answered, {} included once something waits', async () => {
    const id = await submit();
    const { status, sets } = await pollAs(partner, node.issuer, {});
    expect(status).toBe(200);
    const [jti = ''] = Object.keys(sets);
    expect((await stateOf(id))?.jti).toBe(jti);
    await poll({ ack: [jti] });
  });

  test('may name its parameters in another order, and be up to two minutes ahead', async () => {
    const at = seconds() + 110;
    const { issuer, operational } = partner;
    const parameters = `keyid="${issuer}#${operational.kid}";tag="caseref-poll";nonce="${freshNonce()}";expires=${at + 30};created=${at}`;
    expect((await sendPoll(node.issuer, signed({ parameters }))).status).toBe(200);
  });

  test.each(['ES256', 'EdDSA', 'ML-DSA-65'] as const)('may be signed with %s', async (alg) => {
    const one = await foreignPartner();
    const key = testKey(alg);
    const keys = [keyEntry(key, { nbf: seconds() - DAY, exp: seconds() + DAY })];
    await node.ask('partner.add', { card: one.card({ key_set: one.keySet({ keys, endpoints: {} }) }) });
    await node.ask('partner.confirm', { issuer: one.issuer, fingerprint: one.identity.kid });
    expect((await sendPoll(node.issuer, signPoll(one.issuer, key, node.issuer))).status).toBe(200);
    await one.close();
  });
});

describe('401 with the time, one constant body and the scheme for', () => {
  const now = seconds();
  const all = ['@method', '@target-uri', 'content-type', 'content-digest'];
  const shapes: Record<string, () => PollShape> = {
    'another method in the signature': () => ({ method: 'GET' }),
    'another endpoint in the signature': () => ({ target: 'https://node.other.example/exchange/poll' }),
    'the replay endpoint in the signature': () => ({ target: `${node.issuer}/exchange/replay` }),
    'a target in capitals': () => ({ target: `${node.issuer}/exchange/POLL` }),
    'a target with a slash at the end': () => ({ target: `${node.issuer}/exchange/poll/` }),
    'a target by another name of this machine': () => ({ target: node.issuer.replace('127.0.0.1', 'localhost') }),
    'a content type with a charset': () => ({ type: 'application/json; charset=utf-8' }),
    'a content type in capitals': () => ({ type: 'Application/JSON' }),
    'another content type': () => ({ type: 'application/secevent+jwt' }),
    'a component less': () => ({ components: all.slice(0, 3) }),
    'a component more': () => ({ components: [...all, '@authority'] }),
    'components in another order': () => ({ components: all.toReversed() }),
    'the path in the place of the target': () => ({
      components: ['@method', '@path', 'content-type', 'content-digest'],
    }),
    'a component twice': () => ({ components: [...all, '@method'] }),
    'another label': () => ({ label: 'sig1' }),
    'a label in capitals': () => ({ label: 'SIG' }),
    'another tag': () => ({ tag: 'caseref-push' }),
    'a tag in capitals': () => ({ tag: 'CASEREF-POLL' }),
    'a created more than two minutes ahead': () => ({ created: seconds() + 130 }),
    'an end that has come': () => ({ created: seconds() - 100, expires: seconds() - 41 }),
    'a life of 61 seconds': () => ({ expires: seconds() + 61, created: seconds() }),
    'an end before the beginning': () => ({ created: seconds() + 20, expires: seconds() + 10 }),
    'an end at the beginning': () => ({ created: seconds() + 10, expires: seconds() + 10 }),
    'a created with a fraction': () => ({ created: `${now}.0`, expires: now + 60 }),
    'a created with a sign': () => ({ created: `-${now}`, expires: now + 60 }),
    'a created with a leading zero': () => ({ created: `0${now}`, expires: now + 60 }),
    'a created as text': () => ({ created: `"${now}"`, expires: now + 60 }),
    'a nonce that is too short': () => ({ nonce: freshNonce().slice(1) }),
    'a nonce that is too long': () => ({ nonce: `${freshNonce()}A` }),
    'a nonce with another letter': () => ({ nonce: `${freshNonce().slice(1)}+` }),
    'an unknown issuer': () => ({ keyid: `https://node.nobody.example#${partner.operational.kid}` }),
    'another partner with this key': () => ({ keyid: `${other.issuer}#${partner.operational.kid}` }),
    'a key of another partner': () => ({ keyid: `${partner.issuer}#${other.operational.kid}`, key: other.operational }),
    'an unknown key': () => ({ key: testKey() }),
    'a kid without an issuer': () => ({ keyid: partner.operational.kid }),
    'an issuer in capitals': () => ({ keyid: `${partner.issuer.toUpperCase()}#${partner.operational.kid}` }),
    'an issuer with a slash': () => ({ keyid: `${partner.issuer}/#${partner.operational.kid}` }),
    'the identity key': () => ({ key: partner.identity }),
    'a digest of another body': () => ({ digest: `sha-256=:${Buffer.alloc(32).toString('base64')}:` }),
    'a digest by another function': () => ({ digest: `sha-512=:${Buffer.alloc(64).toString('base64')}:` }),
    'a list of digests': () => {
      const { headers } = signed();
      return { digest: `${headers['content-digest']}, sha-512=:${Buffer.alloc(64).toString('base64')}:` };
    },
    'a digest in capitals': () => ({ digest: signed().headers['content-digest']?.replace('sha', 'SHA') ?? '' }),
    'a digest without padding': () => ({ digest: signed().headers['content-digest']?.replace('=:', ':') ?? '' }),
    'a digest with stray bits in its tail': () => ({ digest: `sha-256=:${'A'.repeat(42)}B=:` }),
  };
  test.each(Object.entries(shapes))('%s', async (_name, shape) => expectUnproven(signed(shape())));

  const named = (less: string): string => {
    const all: Record<string, string> = {
      created: `created=${seconds()}`,
      expires: `expires=${seconds() + 30}`,
      nonce: `nonce="${freshNonce()}"`,
      keyid: `keyid="${partner.issuer}#${partner.operational.kid}"`,
      tag: 'tag="caseref-poll"',
    };
    return Object.entries(all)
      .filter(([name]) => name !== less)
      .map(([, text]) => text)
      .join(';');
  };
  test.each(['created', 'expires', 'nonce', 'keyid', 'tag'])('a signature without %s', async (name) =>
    expectUnproven(signed({ parameters: named(name) })),
  );
  test('all five of them, which is the positive example', async () => {
    expect((await sendPoll(node.issuer, signed({ parameters: named('none') }))).status).toBe(200);
  });
  test.each([';alg="ed25519"', ';created=1', ';x', ';tag="caseref-poll"', ' ', ';'])(
    'parameters and %s',
    async (more) => expectUnproven(signed({ parameters: `${named('none')}${more}` })),
  );
  test('parameters with a space between', async () =>
    expectUnproven(signed({ parameters: named('none').replace(';', '; ') })));

  test.each(['content-digest', 'signature', 'signature-input', 'content-type'])('no %s', async (field) => {
    const { body, headers } = signed();
    await expectUnproven({
      body,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== field)),
    });
  });

  test.each(['content-digest', 'signature', 'signature-input', 'content-type'])('%s twice', async (field) => {
    const { body, headers } = signed();
    const value = headers[field] ?? '';
    await expectUnproven({ body, headers: { ...headers, [field]: [value, value] } });
  });

  test('a second signature beside the first', async () => {
    const [one, two] = [signed(), signed({ label: 'other' })];
    const both = (name: string) => `${one.headers[name]}, ${two.headers[name]}`;
    const headers = { ...one.headers, signature: both('signature'), 'signature-input': both('signature-input') };
    await expectUnproven({ body: one.body, headers });
  });

  test('a body that was changed', async () => {
    const { body, headers } = signed();
    await expectUnproven({ body: body.replace('true', 'true '), headers });
  });

  test('a body and digest that were changed together', async () => {
    const [one, two] = [signed(), signed({ body: '{"ack":[]}' })];
    const headers = { ...one.headers, 'content-digest': two.headers['content-digest'] ?? '' };
    await expectUnproven({ body: two.body, headers });
  });

  test('a content coding', async () => {
    const { body, headers } = signed();
    await expectUnproven({ body, headers: { ...headers, 'content-encoding': 'gzip' } });
  });

  test('a query beside the published address', async () => expectUnproven(signed(), { path: '/exchange/poll?x=1' }));

  test('a target made from a Host that the sender chose', async () => {
    const { body, headers } = signed({ target: 'http://node.police-b.example/exchange/poll' });
    await expectUnproven({ body, headers: { ...headers, host: 'node.police-b.example' } });
  });

  test('nothing of a Host that is wrong, where the published address was signed', async () => {
    const { body, headers } = signed();
    const response = await sendPoll(node.issuer, { body, headers: { ...headers, host: 'node.police-b.example' } });
    expect(response.status).toBe(200);
  });

  test('a signature with a byte changed, in another spelling, or over nothing', async () => {
    const { body, headers } = signed();
    const text = headers.signature ?? '';
    const changed = text.replace(/:(.)/, (_all, first: string) => `:${first === 'A' ? 'B' : 'A'}`);
    for (const signature of [changed, text.replace(/==?:$/, ':'), text.toUpperCase(), 'sig=::', `${text};x=1`])
      await expectUnproven({ body, headers: { ...headers, signature } });
  });

  test('a nonce that was used, also for another body, and nothing is settled by it', async () => {
    const id = await submit();
    const { sets } = await poll({});
    const [jti = ''] = Object.keys(sets);
    const nonce = freshNonce();
    expect((await sendPoll(node.issuer, signed({ nonce }))).status).toBe(200);
    await expectUnproven(signed({ nonce }));
    await expectUnproven(signed({ nonce, body: JSON.stringify({ ack: [jti] }) }));
    expect((await stateOf(id))?.state).toBe('queued');
    await poll({ ack: [jti] });
    expect((await stateOf(id))?.state).toBe('sent');
  });

  test('a nonce of a request that was sent twice at once: one of the two', async () => {
    const twice = signed();
    const both = await Promise.all([sendPoll(node.issuer, twice), sendPoll(node.issuer, twice)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  test('a key that was revoked or has ended', async () => {
    const one = await foreignPartner();
    const [expired, revoked, encrypts] = [testKey(), testKey(), testKey()];
    const life = { nbf: seconds() - 10 * DAY, exp: seconds() + DAY };
    const keys = [
      keyEntry(expired, { ...life, exp: seconds() - DAY }),
      keyEntry(revoked, { ...life, revoked: { revoked_at: seconds() - DAY, reason: 'compromised' } }),
      keyEntry(one.operational, life),
    ];
    await node.ask('partner.add', { card: one.card({ key_set: one.keySet({ keys }) }) });
    await node.ask('partner.confirm', { issuer: one.issuer, fingerprint: one.identity.kid });
    for (const key of [expired, revoked, encrypts]) await expectUnproven(signPoll(one.issuer, key, node.issuer));
    expect((await sendPoll(node.issuer, signPoll(one.issuer, one.operational, node.issuer))).status).toBe(200);
    await one.close();
  });

  test('a token in the place of a signature, and nothing but it', async () => {
    const { body, headers } = signed();
    const part = partner.token(node).split('.')[2] ?? '';
    const signature = `sig=:${Buffer.from(part, 'base64url').toString('base64')}:`;
    await expectUnproven({ body, headers: { ...headers, signature } });
  });
});

describe('a request that was proven and cannot be taken', () => {
  test.each([
    'not json',
    '[]',
    'null',
    '{"acks":[]}',
    '{"ack":"x"}',
    '{"ack":[1]}',
    '{"ack":["a b"]}',
    '{"ack":["AAAAAAAAAAAAAAAAAAAAAA","AAAAAAAAAAAAAAAAAAAAAA"]}',
    '{"maxEvents":-1}',
    '{"maxEvents":1.5}',
    '{"maxEvents":"1"}',
    '{"returnImmediately":"true"}',
    '{"returnImmediately":true,"returnImmediately":true}',
    '{"setErrs":[]}',
    '{"setErrs":{"AAAAAAAAAAAAAAAAAAAAAA":{}}}',
    '{"setErrs":{"AAAAAAAAAAAAAAAAAAAAAA":{"err":"x","more":1}}}',
    '{"ack":["AAAAAAAAAAAAAAAAAAAAAA"],"setErrs":{"AAAAAAAAAAAAAAAAAAAAAA":{"err":"x"}}}',
  ])('is 400: %s', async (body) => {
    const response = await sendPoll(node.issuer, signed({ body }));
    expect(response.status).toBe(400);
    expect(JSON.parse(response.text)).toMatchObject({ code: 'json-invalid' });
  });

  test('is 400 above a thousand acknowledgements, and not at a thousand', async () => {
    const ack = Array.from({ length: 1001 }, freshJti);
    expect((await poll({ ack })).status).toBe(400);
    expect((await poll({ ack: ack.slice(1) })).status).toBe(200);
  });

  test('is 403 from a partner that is not confirmed', async () => {
    const one = await foreignPartner();
    await node.ask('partner.add', { card: one.card() });
    const response = await sendPoll(node.issuer, signPoll(one.issuer, one.operational, node.issuer));
    expect(response.status).toBe(403);
    expect(JSON.parse(response.text)).toMatchObject({ code: 'partner-pending' });
    await expectUnproven(
      signPoll(one.issuer, testKey(), node.issuer, { keyid: `${one.issuer}#${one.operational.kid}` }),
    );
    await one.close();
  });

  test('is 413 above 256 KiB', async () => {
    const response = await sendPoll(node.issuer, signed({ body: ' '.repeat(256 * 1024 + 1) }));
    expect(response.status).toBe(413);
  });
});
