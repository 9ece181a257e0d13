import { createHash, generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { freePort } from '../support/cli-node.ts';

/**
 * A peer written from schemas/README.md with nothing but node:crypto, node:http and fetch: it shares no code with the
 * node, so what both agree on is the protocol and not a common mistake.
 */
export interface ForeignPeer {
  readonly issuer: string;
  readonly card: string;
  readonly fingerprint: string;
  /** Every token that was pushed here, in order, with its header and claims. */
  readonly inbox: readonly Inbound[];
  event(
    audience: string,
    name: string,
    payload: unknown,
    subject?: Subject,
  ): { token: string; jti: string; digest: string };
  /** The same token with some claims changed, signed again. */
  resign(token: string, changed: Record<string, unknown>): string;
  push(origin: string, token: string): Promise<{ status: number; body: string }>;
  close(): Promise<void>;
}

export interface Subject {
  readonly format: 'iss_sub';
  readonly iss: string;
  readonly sub: string;
}

export interface Inbound {
  readonly token: string;
  readonly header: Record<string, string>;
  readonly claims: {
    iss: string;
    aud: string;
    jti: string;
    sub_id: unknown;
    events: Record<string, Record<string, unknown>>;
  } & {
    'urn:caseref:seq': { epoch: string; n: number };
  };
}

const EVENT = 'urn:caseref:event:1:';
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'));
const now = () => Math.floor(Date.now() / 1000);

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' }) as { x: string };
  const thumbprint = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return { jwk: { kty: 'OKP', crv: 'Ed25519', x }, kid: thumbprint, privateKey };
}

function compact(typ: string, kid: string, key: KeyObject, claims: unknown): string {
  const input = `${encode({ alg: 'Ed25519', typ, kid })}.${encode(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
}

/** `S256:` and SHA-256 over the signing input. */
export function digestOf(token: string): string {
  const input = token.slice(0, token.lastIndexOf('.'));
  return `S256:${createHash('sha256').update(input).digest('base64url')}`;
}

async function listen(inbox: Inbound[]) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const token = Buffer.concat(chunks).toString('ascii');
      const [header, payload] = token.split('.');
      if (request.url === '/exchange/push') inbox.push({ token, header: decode(header), claims: decode(payload) });
      response.writeHead(request.url === '/exchange/push' ? 202 : 204).end();
    });
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, issuer: `http://127.0.0.1:${port}` };
}

export async function foreignPeer(): Promise<ForeignPeer> {
  const inbox: Inbound[] = [];
  const { server, issuer } = await listen(inbox);
  const identity = keyPair();
  const operational = keyPair();
  const epoch = randomUUID();
  let n = 0;
  const keySet = compact('jwk-set+jwt', identity.kid, identity.privateKey, {
    iss: issuer,
    seq: now(),
    iat: now(),
    exp: now() + 86_400,
    refresh: 3600,
    keys: [
      { ...operational.jwk, kid: operational.kid, alg: 'Ed25519', use: 'sig', nbf: now() - 60, exp: now() + 86_400 },
    ],
    endpoints: { push: `${issuer}/exchange/push`, keys: `${issuer}/exchange/keys` },
    algs: ['Ed25519'],
    encryption: 'none',
    max_set_bytes: 16_384,
  });
  const card = compact('caseref-peer+jwt', identity.kid, identity.privateKey, {
    iss: issuer,
    iat: now(),
    exp: now() + 86_400,
    organisation: { name: 'Foreign Hotline', type: 'hotline', jurisdictions: ['NL'] },
    identity_key: identity.jwk,
    key_set: keySet,
  });
  return {
    issuer,
    card,
    fingerprint: identity.kid,
    inbox,
    event(audience, name, payload, subject) {
      const jti = randomBytes(16).toString('base64url');
      n += 1;
      const token = compact('secevent+jwt', operational.kid, operational.privateKey, {
        iss: issuer,
        aud: audience,
        iat: now(),
        jti,
        sub_id: subject ?? { format: 'opaque', id: jti },
        'urn:caseref:seq': { epoch, n },
        'urn:caseref:salt': randomBytes(16).toString('base64url'),
        events: { [EVENT + name]: payload },
      });
      return { token, jti, digest: digestOf(token) };
    },
    resign(token, changed) {
      const claims = { ...(decode(token.split('.')[1]) as Record<string, unknown>), ...changed };
      return compact('secevent+jwt', operational.kid, operational.privateKey, claims);
    },
    async push(origin, token) {
      const response = await fetch(`${origin}/exchange/push`, {
        method: 'POST',
        headers: { 'content-type': 'application/secevent+jwt', accept: 'application/json' },
        body: token,
      });
      return { status: response.status, body: await response.text() };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
