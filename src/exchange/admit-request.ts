import { takeNonce } from '../store/poll.ts';
import { NONCE_MARGIN, type UnverifiedRequest, verifyRequest } from '../wire/http-signature.ts';
import type { Exchange } from './context.ts';
import { createQuota, type Quota } from './quota.ts';
import { wantRefresh } from './refresh.ts';

/** Who asks, once its signature is proven. */
export interface Caller {
  readonly issuer: string;
}

export type Admittance =
  | { readonly status: 'admitted'; readonly caller: Caller }
  | { readonly status: 'unproven' }
  | { readonly status: 'pending' }
  | { readonly status: 'limited'; readonly retryAfter: number };

export interface Admission {
  /** Proves who asks; costs a write only where the signature verifies. */
  admit(request: UnverifiedRequest, body: Uint8Array): Promise<Admittance>;
}

/** One endpoint that takes signed requests; `refused` names a refusal in our own log. */
interface Door {
  readonly path: string;
  readonly perMinute: number;
  readonly refused: 'poll.refused' | 'replay.refused';
  /** What an operator is told of when the partner last fetched. */
  readonly isPoll: boolean;
}

/** Admits signed requests to one endpoint: by the published address, whatever a request says of itself. */
export function admission(exchange: Exchange, door: Door): Admission {
  const quota = createQuota();
  return { admit: (request, body) => admit(exchange, door, quota, request, body) };
}

async function admit(
  exchange: Exchange,
  door: Door,
  quota: Quota,
  request: UnverifiedRequest,
  body: Uint8Array,
): Promise<Admittance> {
  const now = exchange.clock();
  const { issuer, kid, nonce, expires } = request;
  // The directory of this moment: a revoked key or a removed partner counts from its commit on.
  const partner = (await exchange.directory.within(exchange.store.db)).partners.get(issuer);
  if (!partner) return unproven(exchange, door, 'issuer-unknown');
  const target = `${exchange.self}${door.path}`;
  if (!(await verifyRequest(request, { target, body, partner: partner.keys, now: Math.floor(now / 1000) }))) {
    if (!partner.keys.keys.has(kid)) void wantRefresh(exchange, issuer);
    return unproven(exchange, door, 'signature-invalid', issuer);
  }
  const forgetAt = new Date((expires + NONCE_MARGIN) * 1000);
  if (!(await takeNonce(exchange.store.db, { issuer, nonce, forgetAt, at: new Date(now), isPoll: door.isPoll })))
    return unproven(exchange, door, 'nonce-used', issuer);
  // After the nonce: whoever repeats a request that it overheard takes nothing from the one who signed it.
  const retryAfter = quota(issuer, door.perMinute, now);
  if (retryAfter > 0) return { status: 'limited', retryAfter };
  return partner.state === 'pending' ? { status: 'pending' } : { status: 'admitted', caller: { issuer } };
}

/** The reason stays in our own log: the caller reads one and the same answer. */
function unproven({ log }: Exchange, { refused }: Door, code: string, partner?: string): Admittance {
  log.info({ event: refused, code, ...(partner !== undefined && { partner }) }, 'a signed request was refused');
  return { status: 'unproven' };
}
