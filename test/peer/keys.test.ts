import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ForeignPartner, foreignPartner, freshJti, seconds } from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { honestClaims, type Json, makeToken, testKey } from '../support/tokens.ts';

const DAY = 86_400;
let node: TestNode;

beforeAll(async () => {
  node = await testNode();
});
afterAll(() => node.remove());

async function met(): Promise<ForeignPartner> {
  const partner = await foreignPartner();
  await partner.meet(node);
  return partner;
}

function pushKeys(token: string, type = 'application/jwk-set+jwt'): Promise<Response> {
  return fetch(`${node.issuer}/exchange/keys`, { method: 'POST', headers: { 'content-type': type }, body: token });
}

function part(token: string): Json {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Json;
}

describe('POST /exchange/keys', () => {
  test('takes a newer key set with 204 and believes its keys at once', async () => {
    const partner = await met();
    const next = testKey();
    const now = seconds();
    const token = () => {
      const own = { iss: partner.issuer, aud: node.issuer, iat: now, jti: freshJti() };
      const sub_id = { format: 'iss_sub', iss: partner.issuer, sub: crypto.randomUUID() };
      return makeToken({ key: next, payload: honestClaims({ ...own, sub_id }) });
    };
    expect((await partner.push(node, token())).status).toBe(503);
    const keys = [keyEntry(next, { nbf: now - DAY, exp: now + 90 * DAY })];
    const answer = await pushKeys(partner.keySet({ seq: now + 5, keys }));
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 204, body: '' });
    expect((await partner.push(node, token())).status).toBe(202);
    await partner.close();
  });

  test('takes the same key set again and changes nothing', async () => {
    const partner = await met();
    const set = partner.keySet({ seq: seconds() + 1 });
    expect((await pushKeys(set)).status).toBe(204);
    expect((await pushKeys(set)).status).toBe(204);
    const { items } = await node.ask('events', { limit: 500 });
    const about = items.filter(({ type, partner: issuer }) => type === 'key-set.accepted' && issuer === partner.issuer);
    expect(about).toHaveLength(1);
    await partner.close();
  });

  const refused: Record<string, [(partner: ForeignPartner) => string, string]> = {
    'a lower seq': [(partner) => partner.keySet({ seq: 5 }), 'invalid_request'],
    'the same seq with other content': [
      (partner) => partner.keySet({ seq: part(partner.keySet()).seq, refresh: 7200 }),
      'invalid_request',
    ],
    noise: [() => 'noise', 'invalid_request'],
  };
  test.each(Object.entries(refused))('refuses %s', async (_name, [set, err]) => {
    const partner = await met();
    await pushKeys(partner.keySet({ seq: seconds() + 2 }));
    const answer = await pushKeys(set(partner));
    expect({ status: answer.status, err: ((await answer.json()) as Json).err }).toEqual({ status: 400, err });
    await partner.close();
  });

  test('refuses a key set that another identity key signed', async () => {
    const [partner, other] = [await met(), await met()];
    const answer = await pushKeys(other.keySet({ iss: partner.issuer, seq: seconds() + 9 }));
    expect({ status: answer.status, err: ((await answer.json()) as Json).err }).toEqual({
      status: 400,
      err: 'invalid_key',
    });
    await Promise.all([partner.close(), other.close()]);
  });

  test('refuses the key set of a stranger', async () => {
    const stranger = await foreignPartner();
    const answer = await pushKeys(stranger.keySet());
    expect({ status: answer.status, err: ((await answer.json()) as Json).err }).toEqual({
      status: 400,
      err: 'invalid_issuer',
    });
    await stranger.close();
  });

  test('is 415 for an event token, which another route takes', async () => {
    const partner = await met();
    expect((await pushKeys(partner.token(node), 'application/secevent+jwt')).status).toBe(415);
    await partner.close();
  });
});

describe('the documents', () => {
  test('the key set is the one in the card, with its number as ETag', async () => {
    const { card } = await node.ask('card', {});
    const answer = await fetch(`${node.issuer}/.well-known/caseref-keys`);
    const body = await answer.text();
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+jwt');
    expect(answer.headers.get('etag')).toBe(`"${String(part(body).seq)}"`);
    expect(answer.headers.get('cache-control')).toMatch(/max-age=\d+/);
    expect(body).toBe(part(card).key_set);
  });

  test.each(['same', 'weak', 'list', 'any'])(
    'If-None-Match with the %s tag is 304 with nothing in it',
    async (form) => {
      const etag = (await fetch(`${node.issuer}/.well-known/caseref-keys`)).headers.get('etag') ?? '';
      const forms: Record<string, string> = { same: etag, weak: `W/${etag}`, list: `"1", ${etag}`, any: '*' };
      const answer = await fetch(`${node.issuer}/.well-known/caseref-keys`, {
        headers: { 'if-none-match': forms[form] ?? '' },
      });
      expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 304, body: '' });
    },
  );

  test('If-None-Match with an older tag has the key set', async () => {
    const answer = await fetch(`${node.issuer}/.well-known/caseref-keys`, { headers: { 'if-none-match': '"1"' } });
    expect(answer.status).toBe(200);
  });

  test('publishing again changes the tag', async () => {
    const before = (await fetch(`${node.issuer}/.well-known/caseref-keys`)).headers.get('etag');
    await node.ask('keys.publish', {});
    expect((await fetch(`${node.issuer}/.well-known/caseref-keys`)).headers.get('etag')).not.toBe(before);
  });

  test('caseref-node says in plain JSON where and how to deliver', async () => {
    const answer = await fetch(`${node.issuer}/.well-known/caseref-node`);
    expect(await answer.json()).toEqual({
      issuer: node.issuer,
      protocol: 'caseref',
      version: 1,
      endpoints: {
        push: `${node.issuer}/exchange/push`,
        poll: `${node.issuer}/exchange/poll`,
        replay: `${node.issuer}/exchange/replay`,
        keys: `${node.issuer}/exchange/keys`,
      },
      keySet: `${node.issuer}/.well-known/caseref-keys`,
      jwks: `${node.issuer}/jwks.json`,
      algorithms: ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'],
      encryption: 'none',
      maxSetBytes: 16384,
    });
  });

  test('jwks.json has the signing keys as RFC 7517 has them, and no private member', async () => {
    const { keys } = (await (await fetch(`${node.issuer}/jwks.json`)).json()) as { keys: Json[] };
    const { keys: own } = await node.ask('keys.list', {});
    const signing = own.filter(({ use }) => use === 'sig');
    expect(signing.length).toBeLessThan(own.length);
    expect(keys.map(({ kid }) => kid)).toEqual(signing.map(({ kid }) => kid));
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });

  test('every answer forbids sniffing and framing and names no software', async () => {
    for (const path of ['/health', '/jwks.json', '/nothing']) {
      const { headers } = await fetch(`${node.issuer}${path}`);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('server')).toBeNull();
    }
  });
});
