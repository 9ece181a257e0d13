import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Exchange } from '../exchange/context.ts';
import type { Viewer } from '../exchange/portal/viewer.ts';
import type { Texts } from './texts/en.ts';

/** Whose session a request belongs to, asked anew for each request; undefined where there is none that is valid now. */
export type SessionOf = (request: FastifyRequest) => Promise<Viewer | undefined>;

/** How one gets in and out: registers its own routes (`/sign-in…`, `POST /sign-out`), which need no session. */
export interface SignIn {
  readonly routes: (app: FastifyInstance) => Promise<void>;
  /** Where a liaison must go first before a whole address is shown; undefined where the last proof is fresh enough. */
  readonly stepUp: (request: FastifyRequest, viewer: Viewer) => Promise<string | undefined>;
  readonly endSessions: (viewer: Viewer) => Promise<void>;
}

export interface PortalParts {
  readonly exchange: Exchange;
  /** Whether the node can do its work now: what GET /health says. */
  readonly healthy: () => Promise<boolean>;
  /** The origin that browsers see; undefined where it is not known, and then nobody can sign in. */
  readonly origin?: string | undefined;
  /** Whether a proxy of our own stands in front: the address that it saw is then the source, and no other in the header. */
  readonly trustProxy?: boolean;
  readonly sessionOf: SessionOf;
  readonly signIn?: SignIn;
  readonly texts?: Texts;
}

/** What a page is made for. */
export interface Visit {
  readonly request: FastifyRequest;
  readonly viewer: Viewer;
  readonly exchange: Exchange;
  readonly texts: Texts;
  /** Stands in every form: another site cannot know it. */
  readonly token: string;
}
