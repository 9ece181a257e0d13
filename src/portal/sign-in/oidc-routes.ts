import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal } from '../../domain/refusal.ts';
import type { Asked, Ceremony } from '../../exchange/liaison/ceremony.ts';
import { enrolSubject, findSubject } from '../../exchange/liaison/enrol.ts';
import { beginSession, stepUp } from '../../exchange/liaison/session.ts';
import { CEREMONY, clearCookie, readCookie, SESSION, writeCookie } from './cookies.ts';
import { answered, ask, type Desk, refuseHere, sendBegun, sendPage, sendRefused, sessionOf, underWay } from './desk.ts';
import { CALLBACK, type Identified, type IdentityProvider } from './identity-provider.ts';
import { arrivedPage } from './pages.ts';

/** Signing in at the agency's identity provider, and redeeming an invitation there. */
export function oidcRoutes(app: FastifyInstance, desk: Desk, provider: IdentityProvider): void {
  app.get('/sign-in/oidc', async (request, reply) => {
    const before = await sessionOf(desk.exchange, request);
    return leave(desk, provider, reply, { kind: 'oidc', ...(!isRefusal(before) && { session: before.session }) });
  });

  app.get('/invitation/oidc', async (request, reply) => {
    const ceremony = await underWay(desk, request);
    if (ceremony?.kind !== 'invitation' || !ceremony.invitation) return sendRefused(desk, reply, 'invitation-invalid');
    return leave(desk, provider, reply, { kind: 'oidc', invitation: ceremony.invitation });
  });

  app.get(CALLBACK, async (request, reply) => {
    const ceremony = await answered(desk, request, ['oidc', 'step-up']);
    if (!ceremony?.checks) return refuseHere(desk, reply, 'sign-in-refused');
    const anew = ceremony.kind === 'step-up';
    const at = request.url.indexOf('?');
    const search = at < 0 ? '' : request.url.slice(at);
    const identified = await provider.finish(search, ceremony.checks, { anew });
    if (isRefusal(identified)) return refuseHere(desk, reply, identified.code);
    return anew ? confirmed(desk, reply, identified, ceremony) : arrived(desk, request, reply, identified, ceremony);
  });
}

/** Sends the browser to the identity provider; who signs in anew is asked there even if signed in. */
export async function leave(
  desk: Desk,
  provider: IdentityProvider,
  reply: FastifyReply,
  asked: Asked,
): Promise<FastifyReply> {
  try {
    const { url, checks } = await provider.begin({ anew: asked.kind === 'step-up' });
    await ask(desk, reply, { ...asked, checks });
    return reply.redirect(url, 303);
  } catch (failure) {
    desk.exchange.log.failure('portal.provider', failure);
    return sendRefused(desk, reply, 'unavailable');
  }
}

async function arrived(
  desk: Desk,
  request: FastifyRequest,
  reply: FastifyReply,
  identified: Identified,
  { invitation, session }: Ceremony,
): Promise<FastifyReply> {
  const { exchange } = desk;
  const { claimed } = identified;
  const presented = readCookie(request, SESSION);
  const onward = (to: FastifyReply) => sendPage(desk, to, arrivedPage(desk.texts.signInPages, '/'));
  if (invitation)
    return sendBegun(desk, reply, await enrolSubject(exchange, invitation, identified, { claimed, presented }), onward);
  const liaison = await findSubject(exchange, identified);
  if (liaison === undefined) return refuseHere(desk, reply, 'sign-in-refused');
  const signIn = { liaison, method: 'oidc', claimed, presented, replaces: session ?? undefined } as const;
  return sendBegun(desk, reply, await beginSession(exchange, signIn), onward);
}

async function confirmed(
  desk: Desk,
  reply: FastifyReply,
  identified: Identified,
  ceremony: Ceremony,
): Promise<FastifyReply> {
  const liaison = await findSubject(desk.exchange, identified);
  if (liaison === undefined || ceremony.session === null) return refuseHere(desk, reply, 'sign-in-refused', liaison);
  const { claimed } = identified;
  const secret = await stepUp(desk.exchange, { session: ceremony.session, liaison, claimed });
  if (isRefusal(secret)) return sendRefused(desk, reply, secret.code);
  clearCookie(reply, CEREMONY);
  writeCookie(reply, SESSION, secret);
  return sendPage(desk, reply, arrivedPage(desk.texts.signInPages, ceremony.return_to ?? '/'));
}
