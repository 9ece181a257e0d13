import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { policyFor, seconds, wireReference } from '../support/foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { befriendNode, eventually, type TestNode, testNode } from '../support/node.ts';
import { honestClaims, type Json, makeToken, type TestKey, testKey } from '../support/tokens.ts';

// Nodes that run, with their workers: whoever learns of a key here has asked for it in the background.

const DAY = 86_400;
let ahead = 0;
let hotline: TestNode;
let police: TestNode;

beforeAll(async () => {
  [hotline, police] = await Promise.all([
    testNode({ name: 'Hotline A', clock: () => Date.now() + ahead * 1000 }),
    testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] }),
  ]);
});
afterAll(async () => {
  await hotline.remove();
  await police.remove();
});

function accepted(partner: string) {
  return eventually(`a key set of ${partner} is pinned`, async () => {
    const { items } = await hotline.ask('events', { limit: 500 });
    return items.find((one) => one.type === 'key-set.accepted' && one.partner === partner);
  });
}

test('a node that nobody pushes key sets to learns of a newer one in its turn', async () => {
  await befriendNode(hotline, police);
  await police.ask('keys.publish', {});
  ahead += DAY;
  expect(await accepted(police.issuer)).toMatchObject({ partner: police.issuer });
});

test('an unknown key is answered at once, asked for afterwards, and taken when the sender comes again', async () => {
  const [identity, first, next] = [testKey(), testKey(), testKey()];
  let published = '';
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.url !== '/.well-known/caseref-keys') return void response.writeHead(202).end();
    asked += 1;
    response.writeHead(200, { 'content-type': 'application/jwk-set+jwt' }).end(published);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const iss = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const at = seconds();
  const keySet = (seq: number, keys: readonly TestKey[]) => {
    const listed = keys.map((key): Json => keyEntry(key, { nbf: at - DAY, exp: at + 90 * DAY }));
    const endpoints = { push: `${iss}/exchange/push`, keys: `${iss}/exchange/keys` };
    const life = { seq, iat: at, exp: at + 30 * DAY };
    return makeKeySet({ iss, ...life, keys: listed, endpoints, encryption: 'none' }, { key: identity });
  };
  published = keySet(at, [first]);
  const card = { iss, iat: at, exp: at + 14 * DAY, identity_key: identity.jwk, key_set: published };
  await hotline.ask('partner.add', { card: makeCard(card, { key: identity }) });
  await hotline.ask('partner.confirm', { issuer: iss, fingerprint: identity.kid });
  await hotline.ask('policy.set', { issuer: iss, document: policyFor(iss) });
  await eventually('it is asked once it is confirmed', async () => asked === 1);

  const token = (key: TestKey) => {
    const sub_id = { format: 'iss_sub', iss, sub: crypto.randomUUID() };
    const events = { 'urn:caseref:event:1:submitted': wireReference() };
    const jti = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
    const iat = at + ahead;
    return makeToken({ key, payload: honestClaims({ iss, aud: hotline.issuer, iat, jti, sub_id, events }) });
  };
  const push = (body: string) =>
    fetch(`${hotline.issuer}/exchange/push`, {
      method: 'POST',
      headers: { 'content-type': 'application/secevent+jwt' },
      body,
    });
  const waiting = token(next);
  const answer = await push(waiting);
  expect({ status: answer.status, later: answer.headers.get('retry-after'), asked }).toEqual({
    status: 503,
    later: '60',
    asked: 1,
  });
  expect((await push(token(first))).status).toBe(202);
  published = keySet(at + 1, [first, next]);
  ahead += 61;
  await eventually('it is asked again, though nobody comes again', async () => asked === 2);
  await accepted(iss);
  expect((await push(waiting)).status).toBe(202);
  server.closeAllConnections();
  server.close();
});
