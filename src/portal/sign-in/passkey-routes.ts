import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { html } from 'hono/html';
import { isRefusal } from '../../domain/refusal.ts';
import type { Ceremony } from '../../exchange/liaison/ceremony.ts';
import { findPasskey, type KnownPasskey, notePasskey, passkeyIds } from '../../exchange/liaison/enrol.ts';
import { beginSession, stepUp } from '../../exchange/liaison/session.ts';
import { CEREMONY, clearCookie, readCookie, SESSION, writeCookie } from './cookies.ts';
import { answered, ask, type Desk, refuseHere, sendBegun, sendPage, sendRefused, sessionOf } from './desk.ts';
import { field, ownPath } from './form.ts';
import { leave } from './oidc-routes.ts';
import { arrivedPage, passkeyPage, SCRIPT } from './pages.ts';
import { authenticationOptions, readAnswer, verifyAuthentication } from './passkey.ts';
import { passkeyScript } from './passkey-script.ts';

/** Signing in with a passkey, and signing in anew within a session. */
export function passkeyRoutes(app: FastifyInstance, desk: Desk): void {
  app.get(SCRIPT, (_request, reply) => reply.type('text/javascript; charset=utf-8').send(passkeyScript));

  app.get('/sign-in/passkey', async (_request, reply) => {
    const options = await authenticationOptions(desk.party);
    await ask(desk, reply, { kind: 'passkey', challenge: options.challenge });
    return sendPage(desk, reply, signInWith(desk, '/sign-in/passkey', options));
  });

  app.post('/sign-in/passkey', async (request, reply) => {
    const known = await verified(desk, request, await answered(desk, request, ['passkey']));
    if (!known) return refuseHere(desk, reply, 'sign-in-refused');
    const presented = readCookie(request, SESSION);
    const begun = await beginSession(desk.exchange, { liaison: known.liaison, method: 'passkey', presented });
    return sendBegun(desk, reply, begun);
  });

  confirmRoutes(app, desk);
}

function signInWith({ texts }: Desk, action: '/sign-in/passkey' | '/sign-in/confirm', options: object) {
  const words = texts.signInPages;
  const common = { action, kind: 'get', options, button: words.useDevice } as const;
  if (action === '/sign-in/passkey')
    return passkeyPage(words, { ...common, title: words.passkey, hint: words.passkeyHint });
  const after = html`<p><a href="/">${words.leaveOut}</a></p>`;
  return passkeyPage(words, { ...common, title: words.confirm, hint: words.confirmHint, after });
}

/** A session is left open in an office: who is to see a whole address signs in once more. */
function confirmRoutes(app: FastifyInstance, desk: Desk): void {
  app.get('/sign-in/confirm', async (request, reply) => {
    const session = await sessionOf(desk.exchange, request);
    if (isRefusal(session)) return sendRefused(desk, reply, session.code);
    const returnTo = ownPath((request.query as { to?: unknown }).to) ?? '/';
    const asked = { kind: 'step-up', session: session.session, returnTo } as const;
    if (session.method === 'oidc') {
      if (!desk.provider) return sendRefused(desk, reply, 'unavailable');
      return leave(desk, desk.provider, reply, asked);
    }
    const options = await authenticationOptions(desk.party, await passkeyIds(desk.exchange, session.id));
    await ask(desk, reply, { ...asked, challenge: options.challenge });
    return sendPage(desk, reply, signInWith(desk, '/sign-in/confirm', options));
  });

  app.post('/sign-in/confirm', async (request, reply) => {
    const session = await sessionOf(desk.exchange, request);
    if (isRefusal(session)) return sendRefused(desk, reply, session.code);
    const ceremony = await answered(desk, request, ['step-up']);
    const known = ceremony?.session === session.session ? await verified(desk, request, ceremony) : undefined;
    if (known?.liaison !== session.id) return refuseHere(desk, reply, 'sign-in-refused', session.id);
    const secret = await stepUp(desk.exchange, { session: session.session, liaison: session.id });
    if (isRefusal(secret)) return sendRefused(desk, reply, secret.code);
    clearCookie(reply, CEREMONY);
    writeCookie(reply, SESSION, secret);
    return sendPage(desk, reply, arrivedPage(desk.texts.signInPages, ceremony?.return_to ?? '/'));
  });
}

/** The passkey that answered the challenge of this ceremony. */
async function verified(
  { exchange, party }: Desk,
  request: FastifyRequest,
  ceremony: Ceremony | undefined,
): Promise<KnownPasskey | undefined> {
  const answer = readAnswer<AuthenticationResponseJSON>(field(request, 'response'));
  if (!answer || !ceremony || ceremony.challenge === null) return undefined;
  const known = await findPasskey(exchange, Buffer.from(answer.id, 'base64url'));
  const said = known && (await verifyAuthentication(party, ceremony.challenge, answer, known));
  if (!said) return undefined;
  await notePasskey(exchange, known.id, said);
  return known;
}
