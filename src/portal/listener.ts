import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isRefusal, refuse } from '../domain/refusal.ts';
import type { Viewer } from '../exchange/portal/viewer.ts';
import { formToken, isOwnForm } from './form.ts';
import { bareHeaders, helmetOptions, ownHeaders } from './headers.ts';
import { notice, noticeWithin } from './layout.ts';
import type { PortalParts, Visit } from './parts.ts';
import { limitSources } from './rates.ts';
import { type Page, type Route, readingPages } from './reading.ts';
import { refuseCrossSite } from './sign-in/same-origin.ts';
import { statedForms } from './stating.ts';
import { stylesheet } from './stylesheet.ts';
import { en } from './texts/en.ts';

/** An originator is an address, and stands percent-encoded in a path. */
const LONGEST_PARAMETER = 1000;

/** The listener that liaisons read: pages for who is signed in, and for everybody else the way in and nothing more. */
export async function portalListener(parts: PortalParts): Promise<FastifyInstance> {
  const { exchange, origin, trustProxy, signIn } = parts;
  const secure = origin?.startsWith('https:') ?? false;
  const bare = bareHeaders(secure);
  const app = fastify({
    trustProxy: trustProxy ? (_address, hop) => hop === 0 : false,
    bodyLimit: 16 * 1024,
    requestTimeout: 15_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5000,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    http: { headersTimeout: 5000, connectionsCheckingInterval: 1000 },
    // What is answered without a body would be recorded as a look that nobody had.
    exposeHeadRoutes: false,
    // A path that the framework itself cannot read comes here without any hook.
    frameworkErrors: (_failure, _request, reply) => void nothingHere(reply.headers(bare)),
  });
  await app.register(helmet, helmetOptions(secure));
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(ownHeaders);
  });
  await limitSources(app, exchange.profile);
  app.addHook('onRequest', refuseCrossSite(exchange, origin));
  app.removeAllContentTypeParsers();
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (_request, reply) => nothingHere(reply));
  app.setErrorHandler((failure, _request, reply) => failed(parts, reply, failure));
  app.get('/health', async (_request, reply) => {
    const well = await parts.healthy();
    return reply.code(well ? 200 : 503).send({ status: well ? 'ok' : 'unavailable' });
  });
  app.get('/portal.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(stylesheet));
  if (signIn) await app.register((own) => signIn.routes(own));
  await app.register(async (pages) => {
    await pages.register(formbody, { bodyLimit: 16 * 1024 });
    readingPages(reader(pages, parts), signIn);
    statedForms(poster(pages, parts), signIn);
  });
  return app;
}

/** GET pages: without a session one is shown the way in, whatever was asked for. */
function reader(app: FastifyInstance, parts: PortalParts): Route {
  return (path, page) =>
    void app.get(path, async (request, reply) => {
      const viewer = await parts.sessionOf(request);
      return viewer ? answer(parts, { request, reply, viewer }, page) : reply.redirect('/sign-in', 303);
    });
}

/** Forms: only from a page of the same session. */
function poster(app: FastifyInstance, parts: PortalParts): Route {
  return (path, page) =>
    void app.post(path, async (request, reply) => {
      const viewer = await parts.sessionOf(request);
      if (!viewer) return reply.redirect('/sign-in', 303);
      if (isOwnForm(request, formToken(parts.exchange, viewer))) return answer(parts, { request, reply, viewer }, page);
      const { problem } = parts.texts ?? en;
      return tell(parts, reply.code(403), problem.formTitle, [problem.form]);
    });
}

interface Asking {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly viewer: Viewer;
}

async function answer(parts: PortalParts, { request, reply, viewer }: Asking, page: Page): Promise<FastifyReply> {
  const { exchange, texts = en } = parts;
  const visit: Visit = { request, viewer, exchange, texts, token: formToken(exchange, viewer) };
  const made = await page(visit, reply);
  if (made === undefined) return reply;
  if (!isRefusal(made)) return send(reply, String(made));
  // What one may not see and what is not there are the same answer.
  const { problem } = texts;
  const lines = [problem.notFound, problem.notFoundHint];
  return send(reply.code(404), String(noticeWithin(visit, problem.notFoundTitle, lines)));
}

function send(reply: FastifyReply, markup: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(markup);
}

function tell(
  { exchange, texts = en }: PortalParts,
  reply: FastifyReply,
  title: string,
  lines: readonly string[],
): FastifyReply {
  return send(reply, String(notice(texts, exchange.settings.name, title, lines)));
}

/** A failure is logged and told without a word of what it was; what the framework refuses is not found. */
function failed(parts: PortalParts, reply: FastifyReply, failure: unknown): FastifyReply {
  const status = (failure as { statusCode?: number }).statusCode ?? 500;
  if (status === 429) return tooMany(reply);
  if (status < 500) return nothingHere(reply);
  parts.exchange.log.failure('portal.failed', failure);
  const { problem } = parts.texts ?? en;
  return tell(parts, reply.code(500), problem.failedTitle, [problem.failed]);
}

function nothingHere(reply: FastifyReply): FastifyReply {
  return reply.code(404).type('text/plain').send('Not found.\n');
}

function tooMany(reply: FastifyReply): FastifyReply {
  const { code, message, next } = refuse('rate-exceeded');
  return reply.code(429).type('text/plain').send(`${code}: ${message} ${next}\n`);
}
