import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type ForeignPartner, foreignPartner } from './foreign-partner.ts';
import type { Json } from './tokens.ts';

/** One push as it came. */
export interface Pushed {
  readonly at: number;
  readonly jti: string;
  readonly compact: string;
  readonly claims: Json;
}

/** How the listener answers a push: it may never do. */
export type Mood = (response: ServerResponse, pushed: Pushed) => void | Promise<void>;

/** A foreign partner whose listener for messages does as a test wants. */
export interface MoodyPartner {
  readonly partner: ForeignPartner;
  readonly issuer: string;
  /** Everything that was pushed, taken or not. */
  readonly pushed: Pushed[];
  /** Ids of the messages that it answered 202. */
  readonly taken: string[];
  /** Posts that wait for an answer now, and the most that ever did. */
  waiting: number;
  most: number;
  mood: Mood;
  card(): string;
  close(): Promise<void>;
}

/** Takes a push as the protocol says. */
export const takes: Mood = (response) => void response.writeHead(202).end();
/** Ends the connection without an answer. */
export const resets: Mood = (response) => void response.destroy();
/** Keeps the connection open and never answers. */
export const hangs: Mood = () => undefined;
/** Refuses as RFC 8935, section 2.4, has it. */
export const refuses =
  (err: string): Mood =>
  (response) =>
    void response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ err, description: '' }));

export function eventOf({ claims }: Pushed): string {
  return (Object.keys(claims.events as Json)[0] ?? '').replace('urn:caseref:event:1:', '');
}

function read(compact: string): Json {
  return JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString()) as Json;
}

async function answer(moody: MoodyPartner, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const compact = await text(request).catch(() => '');
  if (request.url !== '/exchange/push' || compact === '') return void response.writeHead(204).end();
  const claims = read(compact);
  const pushed = { at: performance.now(), jti: claims.jti as string, compact, claims };
  moody.pushed.push(pushed);
  moody.waiting += 1;
  moody.most = Math.max(moody.most, moody.waiting);
  response.once('close', () => {
    moody.waiting -= 1;
    if (response.writableFinished && response.statusCode === 202) moody.taken.push(pushed.jti);
  });
  await moody.mood(response, pushed);
}

export async function moodyPartner(mood: Mood = takes): Promise<MoodyPartner> {
  const partner = await foreignPartner();
  const server: Server = createServer((request, response) => void answer(moody, request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const endpoints = { push: `${url}/exchange/push`, keys: `${partner.issuer}/exchange/keys` };
  const moody: MoodyPartner = {
    partner,
    issuer: partner.issuer,
    pushed: [],
    taken: [],
    waiting: 0,
    most: 0,
    mood,
    card: () => partner.card({ key_set: partner.keySet({ endpoints }) }),
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await partner.close();
    },
  };
  return moody;
}

/** Introduces it to a node, with this policy. */
export async function meetMoody(moody: MoodyPartner, node: { readonly ask: unknown }, policy: Json): Promise<void> {
  const ask = node.ask as (name: string, args: Json) => Promise<unknown>;
  await ask('partner.add', { card: moody.card() });
  await ask('partner.confirm', { issuer: moody.issuer, fingerprint: moody.partner.identity.kid });
  await ask('policy.set', { issuer: moody.issuer, document: policy });
}
