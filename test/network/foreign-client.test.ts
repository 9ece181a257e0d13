import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Arrived, type ForeignPartner, foreignPartner, freshJti } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';

// A peer that shares no code with the node: node:crypto signs and verifies, fetch sends, node:http listens.

let node: TestNode;
let peer: ForeignPartner;
let token: string;

beforeAll(async () => {
  node = await testNode({ name: 'Hotline A' });
  peer = await foreignPartner();
  await peer.meet(node);
  const scopes = ['references:write', 'references:read', 'references:locate'];
  token = (await node.ask('client.create', { name: 'Intake', scopes })).token;
});
afterAll(async () => {
  await node.remove();
  await peer.close();
});

function payloadOf(compact: string): Json {
  return JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString()) as Json;
}

/** The node's key set, believed because the identity key of its card signed it. */
async function pinnedKeys(): Promise<readonly JsonWebKey[]> {
  const { card } = await node.ask('card', {});
  const identity = payloadOf(card).identity_key as JsonWebKey;
  const keySet = await (await fetch(`${node.issuer}/.well-known/caseref-keys`)).text();
  expect(verifies(keySet, identity)).toBe(true);
  return payloadOf(keySet).keys as JsonWebKey[];
}

function verifies(compact: string, jwk: JsonWebKey): boolean {
  const [header, payload, signature] = compact.split('.');
  const key = createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x } as JsonWebKey, format: 'jwk' });
  return verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature ?? '', 'base64url'));
}

function submit(n: number): Promise<Response> {
  return fetch(`${node.running.addresses.api}/v1/references`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(inventedReference(n)),
  });
}

function submissions(): Arrived[] {
  return peer.arrived.filter(({ claims }) => 'urn:caseref:event:1:submitted' in (claims.events as Json));
}

test('it receives what the node API submits, signed by a key of the key set and addressed to it alone', async () => {
  expect((await submit(1)).status).toBe(201);
  const arrived = await eventually('the submission', async () => submissions()[0]);
  const keys = await pinnedKeys();
  const key = keys.find(({ kid }) => kid === arrived.header.kid);
  expect(arrived.type).toBe('application/secevent+jwt');
  expect(arrived.header).toEqual({ alg: 'Ed25519', typ: 'secevent+jwt', kid: key?.kid });
  expect(key !== undefined && verifies(arrived.compact, key)).toBe(true);
  expect(arrived.claims).toMatchObject({
    iss: node.issuer,
    aud: peer.issuer,
    sub_id: { format: 'iss_sub', iss: node.issuer },
  });
  const events = arrived.claims.events as Record<string, Json>;
  expect(events['urn:caseref:event:1:submitted']).toMatchObject({ revision: 1, url: inventedReference(1).url });
});

test('it pushes, and its signed receipt is the same stored one when it pushes again', async () => {
  const jti = freshJti();
  const pushed = peer.token(node, { jti });
  expect((await peer.push(node, pushed)).status).toBe(202);
  await eventually('a receipt', async () => peer.receiptsFor(jti).length === 1);
  expect((await peer.push(node, pushed)).status).toBe(202);
  await eventually('the receipt again', async () => peer.receiptsFor(jti).length === 2);
  const [first, second] = peer.receiptsFor(jti);
  expect(second).toEqual(first);
});

test('it settles the submission with a receipt of its own, which counts only for the digest that it received', async () => {
  const arrived = await eventually('the submission', async () => submissions()[0]);
  const { jti, sub_id } = arrived.claims;
  const [header, payload] = arrived.compact.split('.');
  const hash = await crypto.subtle.digest('SHA-256', Buffer.from(`${header}.${payload}`));
  const receipt = (digest: string) => ({
    'urn:caseref:event:1:receipt': { for: { jti }, digest, receivedAt: '2026-11-21T10:00:00Z', outcome: 'accepted' },
  });
  const state = async () => (await node.ask('delivery.list', {})).items.find((one) => one.jti === jti)?.state;

  await peer.push(node, peer.token(node, { sub_id, events: receipt(`S256:${'A'.repeat(43)}`) }));
  await eventually('the mismatch in the feed', async () => {
    const { items } = await node.ask('events', { limit: 500 });
    return items.some(({ type, code }) => type === 'receipt.mismatched' && code === 'digest-mismatch');
  });
  expect(await state()).toBe('sent');

  const digest = `S256:${Buffer.from(hash).toString('base64url')}`;
  await peer.push(node, peer.token(node, { sub_id, events: receipt(digest) }));
  await eventually('the settlement', async () => (await state()) === 'receipted');
});

test('it sees one sequence without a hole, receipts counted, in one epoch', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, n) => submit(100 + n)));
  await eventually('all submissions', async () => submissions().length === 41);
  const seqs = new Map(
    peer.arrived.map(({ claims }) => [claims.jti, claims['urn:caseref:seq'] as { epoch: string; n: number }]),
  );
  const numbers = [...seqs.values()].map(({ n }) => n).sort((a, b) => a - b);
  expect(new Set([...seqs.values()].map(({ epoch }) => epoch)).size).toBe(1);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => n + 1));
});
