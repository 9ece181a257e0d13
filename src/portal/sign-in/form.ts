import type { FastifyInstance, FastifyRequest } from 'fastify';

const TYPE = 'application/x-www-form-urlencoded';

/** Lets routes read forms, unless they can already. */
export function readForms(app: FastifyInstance): void {
  if (app.hasContentTypeParser(TYPE)) return;
  app.addContentTypeParser(TYPE, { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
}

/** One field of a form; undefined where it is missing or was sent more than once. */
export function field({ body }: Pick<FastifyRequest, 'body'>, name: string): string | undefined {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined;
  const value = (body as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : undefined;
}

/** A path of our own to go on with: never another site, never something that a browser reads as one. */
export function ownPath(path: unknown): string | undefined {
  return typeof path === 'string' && path.length <= 500 && /^\/(?![/\\])[A-Za-z0-9/_.:%-]*$/.test(path)
    ? path
    : undefined;
}
