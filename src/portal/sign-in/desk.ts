import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRefusal, type Refusal, type RefusalCode, refuse } from '../../domain/refusal.ts';
import type { Exchange } from '../../exchange/context.ts';
import { beginCeremony, type Ceremony, readCeremony, takeCeremony } from '../../exchange/liaison/ceremony.ts';
import { recordRefused } from '../../exchange/liaison/refused.ts';
import { type BegunSession, type LiaisonSession, readSession } from '../../exchange/liaison/session.ts';
import type { Texts } from '../texts/en.ts';
import { CEREMONY, clearCookie, readCookie, SESSION, writeCookie } from './cookies.ts';
import type { IdentityProvider } from './identity-provider.ts';
import { type Page, refusedPage, type SignInReason, wholePage } from './pages.ts';
import type { RelyingParty } from './passkey.ts';

/** What the routes of sign-in work with. */
export interface Desk {
  readonly exchange: Exchange;
  readonly party: RelyingParty;
  readonly provider: IdentityProvider | undefined;
  readonly texts: Texts;
}

/** Who asks, as of now: `session-ended` for nobody, `accreditation-ended` for somebody who may see nothing any more. */
export async function sessionOf(exchange: Exchange, request: FastifyRequest): Promise<LiaisonSession | Refusal> {
  const secret = readCookie(request, SESSION);
  // Who comes without a cookie has tried nothing: that is not recorded.
  return secret === undefined ? refuse('session-ended') : readSession(exchange, secret);
}

export async function sendPage(
  { exchange, texts }: Pick<Desk, 'exchange' | 'texts'>,
  reply: FastifyReply,
  page: Page,
  status = 200,
): Promise<FastifyReply> {
  // A header and no redirect: only a step from a page of our own sends the strict cookie.
  if (page.goOn !== undefined) reply.header('refresh', `0; url=${page.goOn}`);
  const body = await wholePage(texts, exchange.settings.name, page);
  return reply.code(status).type('text/html; charset=utf-8').send(String(body));
}

/** Says why nobody is signed in, in words that tell a stranger nothing. */
export function sendRefused(desk: Desk, reply: FastifyReply, code: RefusalCode): Promise<FastifyReply> {
  const words = desk.texts.signInPages;
  const reason = Object.hasOwn(words.reasons, code) ? (code as SignInReason) : 'sign-in-refused';
  return sendPage(desk, reply, refusedPage(words, reason), 403);
}

/** The same, recorded: what the use cases refuse they have recorded themselves. */
export async function refuseHere(
  desk: Desk,
  reply: FastifyReply,
  code: RefusalCode,
  liaison?: string,
): Promise<FastifyReply> {
  await recordRefused(desk.exchange, code, liaison);
  return sendRefused(desk, reply, code);
}

/** Hands a new session to the browser, or says why there is none. */
export async function sendBegun(
  desk: Desk,
  reply: FastifyReply,
  begun: BegunSession | Refusal,
  onward: (reply: FastifyReply) => Promise<FastifyReply> | FastifyReply = (to) => to.redirect('/', 303),
): Promise<FastifyReply> {
  clearCookie(reply, CEREMONY);
  if (isRefusal(begun)) return sendRefused(desk, reply, begun.code);
  writeCookie(reply, SESSION, begun.secret);
  return onward(reply);
}

/** Begins a ceremony with this browser. */
export async function ask(
  { exchange }: Desk,
  reply: FastifyReply,
  asked: Parameters<typeof beginCeremony>[1],
): Promise<void> {
  writeCookie(reply, CEREMONY, await beginCeremony(exchange, asked));
}

/** The ceremony that is under way with this browser, looked at only. */
export async function underWay({ exchange }: Desk, request: FastifyRequest): Promise<Ceremony | undefined> {
  const secret = readCookie(request, CEREMONY);
  return secret === undefined ? undefined : readCeremony(exchange, secret);
}

/** Uses up the ceremony that is under way with this browser. */
export function answered(
  { exchange }: Desk,
  request: FastifyRequest,
  kinds: Parameters<typeof takeCeremony>[2],
): Promise<Ceremony | undefined> {
  return takeCeremony(exchange, readCookie(request, CEREMONY), kinds);
}
