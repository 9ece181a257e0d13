import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Exchange } from '../exchange/context.ts';
import type { Viewer } from '../exchange/portal/viewer.ts';

/**
 * What stands in every form of a session. Browsers send no usable Origin from pages without a referrer, so a form proves by this that
 * it came from a page of this session.
 */
export function formToken({ vault }: Pick<Exchange, 'vault'>, { session }: Viewer): string {
  return Buffer.from(vault.digest('portal form', session)).toString('base64url');
}

/** Whether a POST comes from our own page of this session; that it comes from our own site at all was checked before. */
export function isOwnForm(request: FastifyRequest, token: string): boolean {
  const given = Buffer.from(field(request, 'token'));
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** One field of a form; what is absent or repeated is ''. */
export function field(request: FastifyRequest, name: string): string {
  const value = (request.body as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}
