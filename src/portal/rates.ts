import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, RouteOptions } from 'fastify';

const MINUTE = 60_000;
/** Pages of one source address a minute: a whole agency may come from one. */
const PAGES = 1200;
/** Steps of sign-in, which begin or answer a ceremony in the store, and searches by form. */
const STEPS = 120;
/** Source addresses that are remembered for each limit; the one not heard of the longest is forgotten first. */
const SOURCES = 5000;

const none = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false };

/** A source address has its share of everything, and a small one of what costs more; who runs a node on the own machine is not counted. */
export async function limitSources(app: FastifyInstance, { loopback }: { readonly loopback: boolean }): Promise<void> {
  app.addHook('onRoute', (route: RouteOptions) => {
    if (isStep(route)) route.config = { ...route.config, rateLimit: { max: STEPS, timeWindow: MINUTE } };
  });
  await app.register(rateLimit, {
    max: PAGES,
    timeWindow: MINUTE,
    cache: SOURCES,
    addHeaders: none,
    addHeadersOnExceeding: none,
    keyGenerator: ({ ip }) => sourceOf(ip),
    allowList: ({ ip, socket }) => loopback && isLocal(ip) && isLocal(socket.remoteAddress),
  });
}

function isStep({ url, method }: Pick<RouteOptions, 'url' | 'method'>): boolean {
  if (url === '/references/find') return true;
  const methods = [method].flat();
  return /^\/(sign-in|invitation)\//.test(url)
    ? !url.endsWith('.js')
    : url === '/invitation' && methods.includes('POST');
}

/** Whose share a request counts to: of IPv6 the network, since who has one address of it has all of them. */
export function sourceOf(ip: string): string {
  if (!ip.includes(':') || /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(ip)) return ip.replace(/^::ffff:/i, '');
  const [head = '', tail] = ip.toLowerCase().split('::');
  const [left, right] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const gap = Math.max(0, 8 - (left?.length ?? 0) - (right?.length ?? 0));
  const groups = [
    ...(left ?? []),
    ...Array.from({ length: tail === undefined ? 0 : gap }, () => '0'),
    ...(right ?? []),
  ];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

function isLocal(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address);
}
