import type { FastifyHelmetOptions } from '@fastify/helmet';

/**
 * Nothing but our own stylesheet and forms: no script, no frame, no picture, no connection. `form-action` is ours alone, so that an
 * injected form could send nothing away.
 */
const pagePolicy = {
  'default-src': ["'none'"],
  'style-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
} as const;

const written = (policy: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(policy)
    .map(([name, sources]) => [name, ...sources].join(' '))
    .join('; ');

/** What helmet does not say: that nothing is kept, indexed, or may ask the machine for anything. */
export const ownHeaders = {
  'cache-control': 'no-store',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'x-robots-tag': 'noindex, nofollow',
} as const;

/** Browsers that have seen the portal over TLS come by TLS alone for a year; of other hosts of the domain we say nothing. */
const STRICT_TRANSPORT = { maxAge: 31_536_000, includeSubDomains: false } as const;

/** `secure`: browsers reach the portal over TLS. */
export const helmetOptions = (secure: boolean): FastifyHelmetOptions => ({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: Object.fromEntries(Object.entries(pagePolicy).map(([name, sources]) => [name, [...sources]])),
  },
  crossOriginEmbedderPolicy: false,
  crossOriginOpenerPolicy: { policy: 'same-origin' },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  referrerPolicy: { policy: 'no-referrer' },
  strictTransportSecurity: secure && STRICT_TRANSPORT,
  xFrameOptions: { action: 'deny' },
});

/** The same for answers that the framework gives before any hook runs. */
export const bareHeaders = (secure: boolean) => ({
  ...ownHeaders,
  'content-security-policy': written(pagePolicy),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  ...(secure && { 'strict-transport-security': `max-age=${STRICT_TRANSPORT.maxAge}` }),
});
