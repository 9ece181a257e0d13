import { createHash, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { request } from 'node:http';
import type { ForeignPartner } from './foreign-partner.ts';
import type { Json, TestKey } from './tokens.ts';

// HTTP message signatures made by hand with node:crypto: nothing here shares code with what it tests.

export interface PollShape {
  readonly body?: string;
  readonly method?: string;
  readonly target?: string;
  readonly type?: string;
  readonly created?: number | string;
  readonly expires?: number | string;
  readonly nonce?: string;
  readonly keyid?: string;
  readonly tag?: string;
  /** Names of the components, in their order. */
  readonly components?: readonly string[];
  /** Parameters in place of the honest ones. */
  readonly parameters?: string;
  readonly digest?: string;
  readonly label?: string;
  readonly key?: TestKey;
}

export interface SignedPoll {
  readonly body: string;
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const freshNonce = (): string => randomBytes(16).toString('base64url');

export function digestOf(body: string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

export function rawSignature(key: KeyObject, alg: string, text: string): Buffer {
  if (alg === 'ES256') return sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return sign(null, Buffer.from(text), key);
}

/** Whether a signature by a public JWK is over this text. */
export function isSignedBy(jwk: Json, alg: string, text: string, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: (jwk.kty === 'AKP' ? { ...jwk, alg } : jwk) as never, format: 'jwk' });
  if (alg === 'ES256') return verify('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, signature);
  return verify(null, Buffer.from(text), key, signature);
}

/** Signs a poll of `issuer` to the published endpoint of `to`, as the protocol says, or wrong in one point. */
export function signPoll(issuer: string, operational: TestKey, to: string, shape: PollShape = {}): SignedPoll {
  const now = Math.floor(Date.now() / 1000);
  const { body = '{"returnImmediately":true}', method = 'POST', target = `${to}/exchange/poll` } = shape;
  const { type = 'application/json', digest = digestOf(body), label = 'sig', key = operational } = shape;
  const { created = now, nonce = freshNonce(), keyid = `${issuer}#${key.kid}`, tag = 'caseref-poll' } = shape;
  const { expires = Number(created) + 60 } = shape;
  const { components = ['@method', '@target-uri', 'content-type', 'content-digest'] } = shape;
  const named = `created=${created};expires=${expires};nonce="${nonce}";keyid="${keyid}";tag="${tag}"`;
  const params = `(${components.map((name) => `"${name}"`).join(' ')});${shape.parameters ?? named}`;
  const values: Readonly<Record<string, string>> = {
    '@method': method,
    '@target-uri': target,
    'content-type': type,
    'content-digest': digest,
    '@authority': new URL(target).host,
    '@path': new URL(target).pathname,
  };
  const lines = components.map((name) => `"${name}": ${values[name] ?? ''}`);
  const base = [...lines, `"@signature-params": ${params}`].join('\n');
  const signature = rawSignature(key.privateKey, key.alg, base).toString('base64');
  return {
    body,
    base,
    headers: {
      'content-type': type,
      'content-digest': digest,
      'signature-input': `${label}=${params}`,
      signature: `${label}=:${signature}:`,
    },
  };
}

export interface PollResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends exactly these fields and this body: `fetch` would mend some of them. */
export function sendPoll(
  to: string,
  { body, headers }: { readonly body: string; readonly headers: Readonly<Record<string, string | readonly string[]>> },
  { path = '/exchange/poll', method = 'POST', signal }: { path?: string; method?: string; signal?: AbortSignal } = {},
): Promise<PollResponse> {
  const { hostname, port } = new URL(to);
  const { promise, resolve, reject } = Promise.withResolvers<PollResponse>();
  const fields = { 'content-length': String(Buffer.byteLength(body)), ...headers } as Record<string, string>;
  const asked = request({ hostname, port, path, method, headers: fields, ...(signal && { signal }) }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
  });
  asked.on('error', reject);
  asked.end(body);
  return promise;
}

export interface Polled {
  readonly status: number;
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable: boolean;
}

/** An honest poll of a foreign partner. */
export async function pollAs(
  partner: ForeignPartner,
  to: string,
  request: Json,
  signal?: AbortSignal,
): Promise<Polled> {
  const signed = signPoll(partner.issuer, partner.operational, to, { body: JSON.stringify(request) });
  const { status, text } = await sendPoll(to, signed, signal ? { signal } : {});
  const answer = status === 200 ? (JSON.parse(text) as Omit<Polled, 'status'>) : { sets: {}, moreAvailable: false };
  return { status, ...answer };
}

/** Introduces a foreign partner that publishes no address to push to. */
export async function meetAsPoller(
  partner: ForeignPartner,
  node: { readonly ask: unknown; readonly issuer: string },
  policy: Json,
): Promise<void> {
  const ask = node.ask as (name: string, args: Json) => Promise<unknown>;
  await ask('partner.add', { card: partner.card({ key_set: partner.keySet({ endpoints: {} }) }) });
  await ask('partner.confirm', { issuer: partner.issuer, fingerprint: partner.identity.kid });
  await ask('policy.set', { issuer: partner.issuer, document: policy });
}
