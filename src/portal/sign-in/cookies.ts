import type { FastifyReply, FastifyRequest } from 'fastify';

// Two cookies, both secrets that the store knows by their keyed digests. The prefix is the browser's promise that they came
// over TLS from this host and go back to it alone: no neighbour under the same domain can plant one (RFC 6265bis, section 4.1.3.2).

/** Of the session. Strict: a link on another site opens the portal without it, so no site can make a liaison look at anything. */
export const SESSION = '__Host-session';
/** Of the time before it. Lax, because the answer of an identity provider is a step from another site. */
export const CEREMONY = '__Host-ceremony';

type CookieName = typeof SESSION | typeof CEREMONY;

/** The value of a cookie. One that was sent twice is none: one of the two was planted. */
export function readCookie({ headers }: Pick<FastifyRequest, 'headers'>, name: CookieName): string | undefined {
  const sent = (headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : [];
  });
  return sent.length === 1 && /^[A-Za-z0-9_-]{1,100}$/.test(sent[0] ?? '') ? sent[0] : undefined;
}

const sameSite = { [SESSION]: 'Strict', [CEREMONY]: 'Lax' } as const;

/** Hands a secret to the browser. It lives no longer than the browser does; the store says when it ends. */
export function writeCookie(reply: FastifyReply, name: CookieName, value: string): void {
  reply.header('set-cookie', `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=${sameSite[name]}`);
}

export function clearCookie(reply: FastifyReply, name: CookieName): void {
  reply.header('set-cookie', `${name}=; Path=/; Secure; HttpOnly; SameSite=${sameSite[name]}; Max-Age=0`);
}
