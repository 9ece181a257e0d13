import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { type ForeignPartner, foreignPartner, policyFor } from './foreign-partner.ts';
import type { TestNode } from './node.ts';
import type { Json } from './tokens.ts';

// A partner of another make that is asked instead of pushing: its poll endpoint is made by hand with node:http.

export interface AskedPoll {
  readonly headers: IncomingMessage['headers'];
  readonly url: string | undefined;
  readonly body: string;
  readonly request: {
    readonly ack?: readonly string[];
    readonly setErrs?: Readonly<Record<string, { err: string; description: string }>>;
    readonly maxEvents?: number;
    readonly returnImmediately?: boolean;
  };
}

/** What is done with one poll: an answer, a status, or nothing but a broken connection. */
export type PollReply =
  | { readonly sets: Readonly<Record<string, string>>; readonly moreAvailable?: boolean }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | 'broken';

export interface PollSource {
  readonly partner: ForeignPartner;
  readonly endpoint: string;
  readonly polls: AskedPoll[];
  /** The most polls that were open at one time. */
  most(): number;
  /** Replies for the next polls, in their order; where there is none a poll waits for a moment and brings nothing. */
  readonly replies: PollReply[];
  /** What a node that meets it needs. */
  meet(node: TestNode, policy?: Json): Promise<void>;
  close(): Promise<void>;
}

const QUIET_MS = 1500;

export async function pollSource(): Promise<PollSource> {
  const partner = await foreignPartner();
  const polls: AskedPoll[] = [];
  const replies: PollReply[] = [];
  let open = 0;
  let most = 0;
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    open += 1;
    most = Math.max(most, open);
    response.once('close', () => {
      open -= 1;
    });
    const body = await text(request);
    polls.push({ headers: request.headers, url: request.url, body, request: JSON.parse(body) as AskedPoll['request'] });
    for (let waited = 0; replies.length === 0 && waited < QUIET_MS && !response.closed; waited += 20) await pause(20);
    if (response.closed) return;
    const reply = replies.shift() ?? { sets: {} };
    if (reply === 'broken') return void request.socket.destroy();
    if ('status' in reply) return void response.writeHead(reply.status, reply.headers).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  }
  const server = createServer((request, response) => void answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}/exchange/poll`;
  return {
    partner,
    endpoint,
    polls,
    most: () => most,
    replies,
    async meet(node, policy = {}) {
      const { issuer, identity } = partner;
      const endpoints = { push: `${issuer}/exchange/push`, poll: endpoint, keys: `${issuer}/exchange/keys` };
      await node.ask('partner.add', { card: partner.card({ key_set: partner.keySet({ endpoints }) }) });
      await node.ask('partner.confirm', { issuer, fingerprint: identity.kid });
      await node.ask('policy.set', { issuer, document: policyFor(issuer, policy) });
    },
    async close() {
      server.closeAllConnections();
      await Promise.all([once(server.close(), 'close'), partner.close()]);
    },
  };
}
