import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import type { CaseReference } from '../../src/domain/contract.types.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import type { Viewer } from '../../src/exchange/portal/viewer.ts';
import { portalListener } from '../../src/portal/listener.ts';
import { type ForeignPartner, foreignPartner } from './foreign-partner.ts';
import { invite } from './liaisons.ts';
import { type TestNode, testNode } from './node.ts';
import { type StoredPast, storePast } from './stored-past.ts';

const DAY = 86_400_000;
/** Where liaisons think that they are. */
export const origin = 'http://localhost:8442';

/** A liaison of Germany, as sign-in would give one. */
export const german: Viewer = {
  id: '0198f0a0-0000-7000-8000-000000000001',
  name: 'Officer of the tests',
  unit: 'Unit 1',
  agency: 'Police of the tests',
  jurisdictions: ['DE'],
  lastVisit: new Date(Date.now() - DAY),
  session: 'session-german',
};

/** A portal whose sessions are injected: the cookie says who it is. */
export interface OpenPortal {
  readonly app: FastifyInstance;
  /** Who is signed in under the cookie of this name. */
  readonly viewers: Map<string, Viewer>;
  get(path: string, as?: string | null): Promise<LightMyRequestResponse>;
  /** A form of our own page, with the token of the session, unless `fields` says another. */
  post(path: string, fields?: Readonly<Record<string, string>>, as?: string): Promise<LightMyRequestResponse>;
}

export interface TestPortal extends OpenPortal {
  readonly node: TestNode;
  readonly exchange: Exchange;
  readonly partner: ForeignPartner;
  /** Its address, for a browser. */
  readonly address: string;
  /** Stores references without deciding on them; gives their ids. */
  store(past: readonly StoredPast[], at?: Date): Promise<string[]>;
  /** Pushes one as the partner would, signed; gives its id. */
  push(reference: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

export interface TestPortalSettings {
  readonly stepUp?: () => Promise<string | undefined>;
}

/** A portal of a node that runs, or does not. */
export async function openPortal(exchange: Exchange, { stepUp }: TestPortalSettings = {}): Promise<OpenPortal> {
  // Nothing is placed where nobody was ever accredited to read it.
  await invite(exchange);
  const viewers = new Map([['german', german]]);
  const app = await portalListener({
    exchange,
    healthy: async () => true,
    origin,
    sessionOf: async ({ headers }) => viewers.get(/(?:^|; )as=([\w-]+)/.exec(headers.cookie ?? '')?.[1] ?? ''),
    ...(stepUp && { signIn: { routes: async () => {}, stepUp, endSessions: async () => {} } }),
  });
  const cookie = (as: string | null) => (as === null ? {} : { cookie: `as=${as}` });
  const get: TestPortal['get'] = (path, as = 'german') => app.inject({ url: path, headers: cookie(as) });
  return {
    app,
    viewers,
    get,
    async post(path, fields = {}, as = 'german') {
      const token = /name="token" value="([\w-]+)"/.exec((await get('/account', as)).body)?.[1] ?? '';
      const payload = new URLSearchParams({ token, ...fields }).toString();
      const headers = { ...cookie(as), origin, 'content-type': 'application/x-www-form-urlencoded' };
      return app.inject({ method: 'POST', url: path, headers, payload });
    },
  };
}

/** A whole node of a German hotline with one partner, and a portal of it. */
export async function testPortal(settings: TestPortalSettings = {}): Promise<TestPortal> {
  const node = await testNode({ name: 'Hotline of the tests' });
  const partner = await foreignPartner();
  await partner.meet(node);
  const { exchange } = node.running;
  const portal = await openPortal(exchange, settings);
  const { app } = portal;
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    ...portal,
    ...{ node, exchange, partner, address },
    store: (past, at) => storePast(exchange, past, at),
    async push(reference) {
      const id = crypto.randomUUID();
      const sub_id = { format: 'iss_sub', iss: partner.issuer, sub: id };
      const events = { 'urn:caseref:event:1:submitted': reference };
      const answer = await partner.push(node, partner.token(node, { sub_id, events }));
      if (!answer.ok) throw new Error(`refused: ${await answer.text()}`);
      return id;
    },
    async close() {
      app.server.closeAllConnections();
      await app.close();
      await partner.close();
      await node.remove();
    },
  };
}

let made = 0;

/** A reference that a German liaison may see, at an address of its own. */
export function caseOf(changes: Readonly<Record<string, unknown>> = {}): CaseReference {
  made += 1;
  return {
    revision: 1,
    url: `https://images.host.example/album/${made}`,
    jurisdiction: { hosting: 'DE', reporting: 'NL' },
    category: 'csam',
    assessments: [
      { scheme: 'iccam', version: '3', code: 'baseline', law: 'NL', method: 'viewed', at: '2026-11-20T10:00:00Z' },
    ],
    handles: [{ system: 'own', id: `R-2026-${made}` }],
    urgency: { level: 'routine' },
    marking: { tlp: 'AMBER', portal: 'concerned' },
    receivedAt: '2026-11-20T09:12:00Z',
    ...changes,
  } as CaseReference;
}

/** Where the page of a case is. */
export function pathOf(originator: string, id: string, page = ''): string {
  return `/references/${encodeURIComponent(originator)}/${id}${page}`;
}
