import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { PortalEnvironment } from '../../config.ts';
import { isRefusal, type RefusalCode } from '../../domain/refusal.ts';
import type { Exchange } from '../../exchange/context.ts';
import { type OidcSettings, settlePortal } from '../../exchange/liaison/portal-settings.ts';
import { endAllSessions, endSession } from '../../exchange/liaison/session.ts';
import { createIdentityFetch } from '../../transport/identity-fetch.ts';
import type { SessionOf, SignIn } from '../parts.ts';
import { en, type Texts } from '../texts/en.ts';
import { clearCookie, readCookie, SESSION } from './cookies.ts';
import { type Desk, sessionOf as readRequest, sendPage } from './desk.ts';
import { ownPath, readForms } from './form.ts';
import { createIdentityProvider } from './identity-provider.ts';
import { invitationRoutes } from './invitation-routes.ts';
import { oidcRoutes } from './oidc-routes.ts';
import { signInPage } from './pages.ts';
import { passkeyRoutes } from './passkey-routes.ts';

export interface SignInParts {
  readonly exchange: Exchange;
  /** The origin that browsers see. */
  readonly origin: string;
  readonly oidc?: OidcSettings | undefined;
  readonly texts?: Texts;
}

/** Nothing but our own script and form; the script asks the authenticator and nobody else, so it connects to nothing. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** How the portal's pages know who is there, and how one gets in and out. */
export interface Door {
  /** The origin that browsers see; undefined where it is not known. */
  readonly origin?: string;
  readonly sessionOf: SessionOf;
  readonly signIn?: SignIn;
}

/** Everything between a stranger and a session. */
export function createDoor(exchange: Exchange, given: PortalEnvironment | undefined): Door {
  const settled = settlePortal(exchange.settings, given);
  if (isRefusal(settled)) throw new Error(settled.message);
  const { origin, oidc } = settled;
  // Nobody can sign in at an address that is not known: the portal is shut until the operator says where it is.
  return origin === undefined ? { sessionOf: async () => undefined } : doorOf({ exchange, origin, oidc });
}

/** The same where it is known how the portal is reached. */
export function doorOf(parts: SignInParts): Required<Door> {
  const { exchange, origin } = parts;
  const sessionOf = async (request: FastifyRequest) => {
    const session = await readRequest(exchange, request);
    return isRefusal(session) ? undefined : session;
  };
  return {
    origin,
    sessionOf,
    signIn: {
      routes: (app) => signInRoutes(app, parts),
      async stepUp(request) {
        const session = await sessionOf(request);
        return session?.steppedUpAt ? undefined : `/sign-in/confirm?to=${encodeURIComponent(backTo(request))}`;
      },
      async endSessions({ id }) {
        await endAllSessions(exchange, id);
      },
    },
  };
}

/** The page that was asked for; a form is answered at the address of the page that it stands on. */
function backTo({ url }: FastifyRequest): string {
  return ownPath(url.split('?', 1)[0]) ?? '/';
}

/** Registers `/sign-in`, `/invitation` and `/sign-out`: a plugin of its own, whose pages may run the one script. */
async function signInRoutes(app: FastifyInstance, { exchange, origin, oidc, texts = en }: SignInParts): Promise<void> {
  const way = createIdentityFetch((url) => url.protocol === 'https:' || (oidc?.loopback ?? false));
  const failed = (failure: unknown) => exchange.log.failure('portal.provider', failure);
  const provider = oidc && createIdentityProvider({ settings: oidc, origin, way, failed });
  const desk: Desk = { exchange, party: { name: exchange.settings.name, origin }, provider, texts };
  app.addHook('onClose', () => way.close());
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', POLICY);
  });
  readForms(app);
  const page = (ended?: RefusalCode, signedOut = false) =>
    signInPage(texts, exchange.settings.name, { withAgency: provider !== undefined, ended, signedOut });
  app.get('/sign-in', async (request, reply) => {
    if (readCookie(request, SESSION) === undefined) return sendPage(desk, reply, page(undefined, isSignedOut(request)));
    const session = await readRequest(exchange, request);
    if (!isRefusal(session)) return reply.redirect('/', 303);
    clearCookie(reply, SESSION);
    return sendPage(desk, reply, page(session.code));
  });
  passkeyRoutes(app, desk);
  invitationRoutes(app, desk);
  if (provider) oidcRoutes(app, desk, provider);
  signOutRoutes(app, exchange);
}

/** Ends the session of this browser; those of other browsers end on the page of one's account. */
function signOutRoutes(app: FastifyInstance, exchange: Exchange): void {
  app.post('/sign-out', async (request, reply) => {
    const secret = readCookie(request, SESSION);
    if (secret !== undefined) await endSession(exchange, secret);
    clearCookie(reply, SESSION);
    return reply.redirect('/sign-in?out', 303);
  });
}

function isSignedOut({ query }: FastifyRequest): boolean {
  return Object.hasOwn(query as object, 'out');
}
