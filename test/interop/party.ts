import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { freshJti, policyFor, seconds, wireReference } from '../support/foreign-partner.ts';
import { makeCard, makeKeySet } from '../support/introductions.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode } from '../support/node.ts';
import { honestClaims, type Json, testKey } from '../support/tokens.ts';

const DAY = 86_400;

/** A public key that another implementation made, with the one algorithm that it stands for. */
export interface MadeKey {
  readonly kid: string;
  readonly alg: 'EdDSA' | 'ES256' | 'ECDH-ES';
  readonly public: Json;
}

/** An organisation whose operational keys are in another implementation's hands; the tokens that come stay as they came. */
export interface Party {
  readonly issuer: string;
  readonly arrived: string[];
  /** Claims of an honest `submitted` to a node, as JSON text, and their jti. */
  message(to: TestNode, event?: Json): { readonly jti: string; readonly payload: string };
  push(to: TestNode, token: string): Promise<{ status: number; body: string }>;
  close(): Promise<void>;
}

/** Introduces a party with these keys to a node. Only what it verifies with is named, so the node signs with that. */
export async function meet(node: TestNode, keys: readonly MadeKey[], encryption: 'none' | 'required'): Promise<Party> {
  const arrived: string[] = [];
  const server = createServer(async (request, response) => {
    const token = await text(request);
    if (request.url === '/exchange/push') arrived.push(token);
    response.writeHead(request.url === '/exchange/push' ? 202 : 204).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const identity = testKey();
  const now = seconds();
  const life = { iat: now, exp: now + 14 * DAY };
  const entries = keys.map(({ kid, alg, public: jwk }) => {
    const { kty, crv, x, y } = jwk;
    const use = alg === 'ECDH-ES' ? 'enc' : 'sig';
    return { kty, crv, x, ...(y !== undefined && { y }), kid, alg, use, nbf: now - DAY, exp: now + 90 * DAY };
  });
  const algs = keys.flatMap(({ alg }) => (alg === 'ECDH-ES' ? [] : [alg]));
  const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
  const own = { iss: issuer, ...life };
  const key_set = makeKeySet({ ...own, seq: now, keys: entries, endpoints, algs, encryption }, { key: identity });
  const organisation = { name: 'Unit of the tests', type: 'law-enforcement', jurisdictions: ['DE'] };
  const card = makeCard({ ...own, organisation, identity_key: identity.jwk, key_set }, { key: identity });
  await node.ask('partner.add', { card });
  await node.ask('partner.confirm', { issuer, fingerprint: identity.kid });
  await node.ask('policy.set', { issuer, document: policyFor(issuer) });
  return {
    issuer,
    arrived,
    message(to, event = { 'urn:caseref:event:1:submitted': wireReference() }) {
      const jti = freshJti();
      const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
      const claims = honestClaims({ iss: issuer, aud: to.issuer, iat: now, jti, sub_id, events: event });
      return { jti, payload: JSON.stringify(claims) };
    },
    async push(to, token) {
      const headers = { 'content-type': 'application/secevent+jwt' };
      const answer = await fetch(`${to.issuer}/exchange/push`, { method: 'POST', headers, body: token });
      return { status: answer.status, body: await answer.text() };
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** What came of a message at the node. */
export async function outcomeOf(node: TestNode, jti: string): Promise<string | null | undefined> {
  const { db } = node.running.exchange.store;
  const row = await db.selectFrom('message').select('outcome').where('jti', '=', jti).executeTakeFirst();
  return row?.outcome;
}

/** Gives a node an active signing key of this algorithm and publishes it, and gives the public part as published. */
export async function publishKey(node: TestNode, alg: 'EdDSA' | 'ES256'): Promise<Json> {
  const { keys } = node.running.exchange;
  const now = seconds();
  const { kid } = await keys.generate({ alg, nbf: now - 60, exp: now + 90 * DAY });
  await keys.activate(kid);
  await node.ask('keys.publish', {});
  return publishedKey(node, (key) => key.kid === kid);
}

/** One key of the node's published key set, as any partner reads it. */
export async function publishedKey(node: TestNode, fits: (key: Json) => boolean): Promise<Json> {
  const keySet = await (await fetch(`${node.issuer}/.well-known/caseref-keys`)).text();
  const [, payload = ''] = keySet.split('.');
  const { keys } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { keys: Json[] };
  const found = keys.find(fits);
  if (!found) throw new Error('the key set has no such key');
  return found;
}

/** Submits a reference at the node API and gives the token that the party was sent for it. */
export async function sentFor(node: TestNode, party: Party, isIt: (token: string) => boolean): Promise<string> {
  const { token } = await node.ask('client.create', { name: 'Intake', scopes: ['references:write'] });
  const answer = await fetch(`${node.running.addresses.api}/v1/references`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(inventedReference(1)),
  });
  if (answer.status !== 201) throw new Error(`the node API said ${answer.status}`);
  return eventually('a token from the node', async () => party.arrived.find(isIt));
}

/** Whether a plain token carries this event. */
export function carries(token: string, event: string): boolean {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return payload.includes(`"urn:caseref:event:1:${event}":`);
}

/** The key material alone, as another implementation imports it. */
export function materialOf({ kty, crv, x, y }: Json): Json {
  return { kty, crv, x, ...(y !== undefined && { y }) };
}
