import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { keyEntry, makeCard, makeKeySet } from './introductions.ts';
import type { TestNode } from './node.ts';
import { epoch, honestClaims, honestHeader, type Json, makeToken, type TestKey, testKey } from './tokens.ts';

// A partner that is no node of ours: keys and tokens by node:crypto, its requests by fetch, its listener by node:http.

const DAY = 86_400;

export interface Arrived {
  readonly type: string | undefined;
  readonly compact: string;
  readonly header: Json;
  readonly claims: Json;
}

export interface ForeignPartner {
  readonly issuer: string;
  readonly identity: TestKey;
  readonly operational: TestKey;
  /** Pushed tokens, in their order of arrival. */
  readonly arrived: Arrived[];
  keySet(changes?: Json): string;
  card(changes?: Json): string;
  /** A token to a node: an honest `submitted` of a valid reference where nothing else is said. */
  token(to: Pick<TestNode, 'issuer'>, changes?: Json, header?: Json | string): string;
  push(to: Pick<TestNode, 'issuer'>, token: string | Uint8Array, type?: string): Promise<Response>;
  /** Receipts that came for a message. */
  receiptsFor(jti: string): Json[];
  /** Introduces itself to a node, which confirms it and sets this policy. */
  meet(node: TestNode, policy?: Json): Promise<void>;
  close(): Promise<void>;
}

export const seconds = (): number => Math.floor(Date.now() / 1000);

/** A payload of `submitted` that every gate lets pass. */
export function wireReference(changes: Json = {}): Json {
  return {
    revision: 1,
    url: 'https://host.example/path',
    jurisdiction: { hosting: 'DE' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
    ...changes,
  };
}

export function freshJti(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
}

const rule = (outcome: string): Json =>
  Object.fromEntries([
    ['id', 'all'],
    ['when', { category: ['*'] }],
    ['then', outcome],
  ]);

export function policyFor(partner: string, changes: Json = {}): Json {
  return {
    partner,
    legal: { basis: 'Invented act, section 2', transfer: 'none' },
    send: { rules: [rule('send')] },
    receive: { rules: [rule('accept')] },
    ...changes,
  };
}

/** A policy whose receive side gives this outcome for everything. */
export function receiving(outcome: 'accept' | 'hold' | 'refuse', changes: Json = {}): Json {
  return { receive: { rules: [rule(outcome)], ...changes } };
}

function read(part: string | undefined): Json {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Json;
}

export async function foreignPartner(): Promise<ForeignPartner> {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => void take(arrived, request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const identity = testKey();
  const operational = testKey();
  let numbered = 0;
  const partner: ForeignPartner = {
    issuer,
    identity,
    operational,
    arrived,
    keySet(changes = {}) {
      const now = seconds();
      const keys = [keyEntry(operational, { nbf: now - DAY, exp: now + 90 * DAY })];
      const endpoints = { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` };
      const life = { seq: now, iat: now, exp: now + 30 * DAY };
      return makeKeySet({ iss: issuer, ...life, keys, endpoints, encryption: 'none', ...changes }, { key: identity });
    },
    card(changes = {}) {
      const now = seconds();
      const organisation = { name: 'Unit of the tests', type: 'law-enforcement', jurisdictions: ['DE'] };
      const life = { iat: now, exp: now + 14 * DAY };
      const own = { iss: issuer, ...life, organisation, identity_key: identity.jwk, key_set: partner.keySet() };
      return makeCard({ ...own, ...changes }, { key: identity });
    },
    token(to, changes = {}, header) {
      const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
      const events = { 'urn:caseref:event:1:submitted': wireReference() };
      // A number that was given twice is an alert of its own.
      numbered += 1;
      const seq = { 'urn:caseref:seq': { epoch, n: numbered } };
      const own = { iss: issuer, aud: to.issuer, iat: seconds(), jti: freshJti(), sub_id, events, ...seq };
      const payload = honestClaims({ ...own, ...changes });
      return makeToken({ key: operational, header: header ?? honestHeader(operational), payload });
    },
    push: (to, token, type = 'application/secevent+jwt') =>
      fetch(`${to.issuer}/exchange/push`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: Buffer.from(token),
      }),
    receiptsFor: (jti) =>
      arrived
        .map(({ claims }) => (claims.events as Record<string, Json>)['urn:caseref:event:1:receipt'])
        .filter((receipt) => receipt !== undefined)
        .filter((receipt) => (receipt.for as Json).jti === jti),
    async meet(node, policy = {}) {
      await node.ask('partner.add', { card: partner.card() });
      await node.ask('partner.confirm', { issuer, fingerprint: identity.kid });
      await node.ask('policy.set', { issuer, document: policyFor(issuer, policy) });
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  return partner;
}

async function take(arrived: Arrived[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const compact = await text(request);
  const [header, payload] = compact.split('.');
  if (request.url === '/exchange/push') {
    arrived.push({ type: request.headers['content-type'], compact, header: read(header), claims: read(payload) });
  }
  response.writeHead(request.url === '/exchange/push' ? 202 : 204).end();
}
