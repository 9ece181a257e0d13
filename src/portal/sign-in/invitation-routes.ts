import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type { FastifyInstance } from 'fastify';
import { isRefusal } from '../../domain/refusal.ts';
import { enrolPasskey } from '../../exchange/liaison/enrol.ts';
import { openByCode, readInvitation } from '../../exchange/liaison/invitation.ts';
import { readCookie, SESSION } from './cookies.ts';
import { answered, ask, type Desk, refuseHere, sendBegun, sendPage, sendRefused, underWay } from './desk.ts';
import { field } from './form.ts';
import { enrolPage, invitationPage } from './pages.ts';
import { readAnswer, registrationOptions, verifyRegistration } from './passkey.ts';

/** Redeeming an invitation. Its code comes in a form: no address that a browser keeps or a server logs has it. */
export function invitationRoutes(app: FastifyInstance, desk: Desk): void {
  const { exchange, party } = desk;
  app.get('/invitation', (_request, reply) => sendPage(desk, reply, invitationPage(desk.texts.signInPages)));

  app.post('/invitation', async (request, reply) => {
    // Who pastes the whole address means the code behind its #.
    const code = (field(request, 'code') ?? '').trim().split('#').at(-1) ?? '';
    const invitation = await openByCode(exchange, code);
    if (isRefusal(invitation)) return refuseHere(desk, reply, invitation.code);
    await ask(desk, reply, { kind: 'invitation', invitation });
    return reply.redirect('/invitation/enrol', 303);
  });

  app.get('/invitation/enrol', async (request, reply) => {
    const ceremony = await underWay(desk, request);
    if (ceremony?.kind !== 'invitation' || !ceremony.invitation) return sendRefused(desk, reply, 'sign-in-refused');
    const invited = await readInvitation(exchange, ceremony.invitation);
    if (isRefusal(invited)) return sendRefused(desk, reply, invited.code);
    const options = await registrationOptions(party, { id: invited.liaison, name: invited.name });
    // A challenge of its own for each look at the page; the one before is answered by nobody any more.
    await ask(desk, reply, { kind: 'invitation', invitation: ceremony.invitation, challenge: options.challenge });
    return sendPage(desk, reply, enrolPage(desk.texts.signInPages, invited.name, options, desk.provider !== undefined));
  });

  app.post('/invitation/passkey', async (request, reply) => {
    const ceremony = await answered(desk, request, ['invitation']);
    const answer = readAnswer<RegistrationResponseJSON>(field(request, 'response'));
    if (!ceremony?.challenge || !ceremony.invitation || !answer) return refuseHere(desk, reply, 'sign-in-refused');
    const passkey = await verifyRegistration(party, ceremony.challenge, answer);
    if (!passkey) return refuseHere(desk, reply, 'sign-in-refused');
    return sendBegun(
      desk,
      reply,
      await enrolPasskey(exchange, ceremony.invitation, passkey, readCookie(request, SESSION)),
    );
  });
}
