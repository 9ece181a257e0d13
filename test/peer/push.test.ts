import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bumpDirectory } from '../../src/store/partners.ts';
import { encryptionKeyPair, makeJwe } from '../support/encrypted.ts';
import { type ForeignPartner, foreignPartner, freshJti, receiving, seconds } from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { encode, honestClaims, honestHeader, type Json, makeToken, signParts, testKey } from '../support/tokens.ts';

// Every row of the protocol's table of push answers, against a real node over TCP.

const DAY = 86_400;
let node: TestNode;
let partner: ForeignPartner;

beforeAll(async () => {
  node = await testNode();
  partner = await foreignPartner();
  await partner.meet(node);
});
afterAll(async () => {
  await node.remove();
  await partner.close();
});

async function answerTo(token: string | Uint8Array, from: ForeignPartner = partner) {
  const response = await from.push(node, token);
  const body = await response.text();
  return { response, status: response.status, body, err: body === '' ? undefined : (JSON.parse(body) as Json).err };
}

async function expectRefused(token: string | Uint8Array, err: string, from?: ForeignPartner): Promise<void> {
  const { response, status, body } = await answerTo(token, from);
  expect({ status, err: (JSON.parse(body) as Json).err }).toEqual({ status: 400, err });
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('content-language')).toBe('en');
  expect(Object.keys(JSON.parse(body) as Json).sort()).toEqual(['description', 'err']);
}

async function expectLater(token: string): Promise<void> {
  const { response, status } = await answerTo(token);
  expect(status).toBe(503);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
}

describe('a token that passes', () => {
  test('is answered 202 with nothing in it', async () => {
    const { response, status, body } = await answerTo(partner.token(node));
    expect({ status, body, length: response.headers.get('content-length') }).toEqual({
      status: 202,
      body: '',
      length: '0',
    });
    expect(response.headers.get('content-type')).toBeNull();
    expect(response.headers.get('x-powered-by')).toBeNull();
  });

  test('is answered with one signed receipt', async () => {
    const jti = freshJti();
    await answerTo(partner.token(node, { jti }));
    const [receipt] = await eventually(
      'a receipt',
      async () => partner.receiptsFor(jti).length > 0 && partner.receiptsFor(jti),
    );
    expect(receipt).toMatchObject({ for: { jti }, outcome: 'accepted' });
  });

  test('has the same answer and the same stored receipt when it comes again', async () => {
    const jti = freshJti();
    const token = partner.token(node, { jti });
    await answerTo(token);
    await eventually('a receipt', async () => partner.receiptsFor(jti).length === 1);
    expect((await answerTo(token)).status).toBe(202);
    await eventually('the receipt again', async () => partner.receiptsFor(jti).length === 2);
    const carriers = partner.arrived.filter(({ compact }) =>
      Buffer.from(compact.split('.')[1] ?? '', 'base64url')
        .toString()
        .includes(`"for":{"jti":"${jti}"}`),
    );
    expect(new Set(carriers.map(({ compact }) => compact)).size).toBe(1);
    const { items } = await node.ask('reference.list', { partner: partner.issuer, limit: 500 });
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  });

  test('takes a media type in another case, which RFC 9110 calls the same', async () => {
    expect((await partner.push(node, partner.token(node), 'Application/SECEVENT+jwt')).status).toBe(202);
  });
});

describe('invalid_request', () => {
  const now = seconds();
  const cases: Record<string, () => string | Uint8Array> = {
    'an empty body': () => '',
    'no token at all': () => 'hello',
    'a newline at the end': () => `${partner.token(node)}\n`,
    padding: () => `${partner.token(node)}=`,
    'bytes that are no ASCII': () => Buffer.concat([Buffer.from(partner.token(node)), Buffer.from([0xff])]),
    'another typ': () => partner.token(node, {}, honestHeader(partner.operational, 'JWT')),
    'a jku in the header': () =>
      partner.token(node, {}, { ...honestHeader(partner.operational), jku: 'https://keys.example' }),
    'a claim that is not allowed': () => partner.token(node, { exp: now + 60 }),
    'duplicate members': () => {
      const payload = JSON.stringify(
        honestClaims({ iss: partner.issuer, aud: node.issuer, iat: now, jti: freshJti() }),
      );
      const twice = payload.replace('"iat":', `"iat":${now},"iat":`);
      return signParts(encode(JSON.stringify(honestHeader(partner.operational))), encode(twice), partner.operational);
    },
    'an iat older than 90 days': () => partner.token(node, { iat: now - 91 * DAY }),
    'an iat more than a day ahead': () => partner.token(node, { iat: now + 2 * DAY }),
    'two events': () =>
      partner.token(node, { events: { 'urn:caseref:event:1:verify': {}, 'urn:caseref:event:1:voided': {} } }),
    'a token above 16 KiB and below the limit of the body': () => `${partner.token(node)}${'A'.repeat(20_000)}`,
  };
  test.each(Object.entries(cases))('%s', async (_name, token) => {
    await expectRefused(token(), 'invalid_request');
  });

  test('another payload under a jti that was taken, and both digests are told in the feed', async () => {
    const jti = freshJti();
    expect((await answerTo(partner.token(node, { jti }))).status).toBe(202);
    await expectRefused(partner.token(node, { jti }), 'invalid_request');
    const { items } = await node.ask('events', { limit: 500 });
    const conflict = items.find(({ type, jti: about }) => type === 'message.conflict' && about === jti);
    expect(conflict?.detail).toEqual({ digests: [expect.any(String), expect.any(String)] });
  });
});

describe('later', () => {
  test('an unknown kid', async () => {
    const unknown = testKey();
    const own = { iss: partner.issuer, aud: node.issuer, iat: seconds(), jti: freshJti() };
    await expectLater(makeToken({ key: unknown, payload: honestClaims(own) }));
  });

  test('an iat ten minutes ahead', async () => {
    await expectLater(partner.token(node, { iat: seconds() + 600 }));
  });
});

describe('invalid_key', () => {
  test('an alg that is not the key’s', async () => {
    await expectRefused(partner.token(node, {}, { ...honestHeader(partner.operational), alg: 'EdDSA' }), 'invalid_key');
  });

  test('a token that is encrypted for another key', async () => {
    await expectRefused(makeJwe({ content: partner.token(node), to: encryptionKeyPair() }), 'invalid_key');
  });

  test('an expired and a revoked key', async () => {
    const other = await foreignPartner();
    const [expired, revoked] = [testKey(), testKey()];
    const now = seconds();
    const life = { nbf: now - 10 * DAY, exp: now + DAY };
    const keys = [
      keyEntry(expired, { ...life, exp: now - DAY }),
      keyEntry(revoked, { ...life, revoked: { revoked_at: now - DAY, reason: 'compromised' } }),
    ];
    await node.ask('partner.add', { card: other.card({ key_set: other.keySet({ keys }) }) });
    await node.ask('partner.confirm', { issuer: other.issuer, fingerprint: other.identity.kid });
    for (const key of [expired, revoked]) {
      const own = { iss: other.issuer, aud: node.issuer, iat: now, jti: freshJti() };
      await expectRefused(makeToken({ key, payload: honestClaims(own) }), 'invalid_key', other);
    }
    await other.close();
  });
});

test('authentication_failed: a signature that does not verify', async () => {
  const [header, payload] = partner.token(node).split('.');
  const [, , signature] = partner.token(node).split('.');
  await expectRefused(`${header}.${payload}.${signature}`, 'authentication_failed');
});

test('invalid_issuer: an issuer that is no partner', async () => {
  const stranger = await foreignPartner();
  await expectRefused(stranger.token(node), 'invalid_issuer', stranger);
  await stranger.close();
});

test('invalid_audience: a token for somebody else', async () => {
  await expectRefused(partner.token(node, { aud: 'https://node.other.example' }), 'invalid_audience');
});

describe('access_denied', () => {
  test('a pending partner, told only after the signature verified', async () => {
    const other = await foreignPartner();
    await node.ask('partner.add', { card: other.card() });
    await expectRefused(other.token(node), 'access_denied', other);
    const [header, payload] = other.token(node).split('.');
    const forged = `${header}.${payload}.${other.token(node).split('.')[2]}`;
    await expectRefused(forged, 'authentication_failed', other);
    await other.close();
  });

  test('a suspended partner, except for receipts', async () => {
    const other = await foreignPartner();
    await other.meet(node);
    const { db } = node.running.exchange.store;
    await db.updateTable('partner').set({ state: 'suspended' }).where('issuer', '=', other.issuer).execute();
    await bumpDirectory(db);
    await pause(600);
    await expectRefused(other.token(node), 'access_denied', other);
    const receipt = {
      for: { jti: freshJti() },
      digest: `S256:${'A'.repeat(43)}`,
      receivedAt: '2026-11-21T10:00:00Z',
      outcome: 'accepted',
    };
    const events = { 'urn:caseref:event:1:receipt': receipt };
    expect((await answerTo(other.token(node, { events }), other)).status).toBe(202);
    await other.close();
  });
});

describe('limits before any signature', () => {
  test.each(['application/json', 'application/jwk-set+jwt', 'application/secevent+jwt; charset=utf-8', 'text/plain'])(
    '415 for %s',
    async (type) => {
      const response = await partner.push(node, partner.token(node), type);
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ code: 'media-type-unsupported' });
    },
  );

  test('415 for a token without a type', async () => {
    const response = await fetch(`${node.issuer}/exchange/push`, { method: 'POST' });
    expect(response.status).toBe(415);
  });

  test('413 for a body above 64 KiB', async () => {
    const response = await partner.push(node, 'A'.repeat(64 * 1024 + 1));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'too-large' });
  });

  test('429 with Retry-After for a partner above its quota, of verified messages only', async () => {
    const other = await foreignPartner();
    await other.meet(node, receiving('accept', { perMinute: 2 }));
    for (let n = 0; n < 5; n += 1) await expectRefused(other.token(node, { exp: 1 }), 'invalid_request', other);
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await answerTo(other.token(node), other)).status);
    expect(statuses).toEqual([202, 202, 429]);
    const { response } = await answerTo(other.token(node), other);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    await other.close();
  });
});

describe('nothing else', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/exchange/push'],
    ['GET', '/exchange/replay'],
    ['GET', '/v1/references'],
    ['GET', '/metrics'],
    ['GET', '/exchange/push/..%2f..%2fetc'],
    ['GET', '/%ff'],
    ['DELETE', '/health'],
  ])('%s %s is 404 and says nothing', async (method, path) => {
    const response = await fetch(`${node.issuer}${path}`, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      type: 'urn:caseref:problem:not-found',
      title: 'There is nothing here that this caller may see',
      status: 404,
      code: 'not-found',
    });
  });
});
