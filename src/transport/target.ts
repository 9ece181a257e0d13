import { isIP } from 'node:net';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { mayConnect } from './address.ts';

/** `local`: private addresses may be connected to. `clear`: without TLS to this machine, where our own issuer is on it. */
export interface Reach {
  readonly local: boolean;
  readonly clear: boolean;
}

/** A literal address is connected to without a look-up, so it is checked here. */
function literalRefused(host: string, local: boolean): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 && !mayConnect(bare, local);
}

/**
 * Where a request may go, or why it may not, as a stable word. A partner says its endpoints itself: user information would
 * be credentials for somebody else's door, and a fragment says that this is no endpoint.
 */
export function targetOf(url: string, reach: Reach): URL | string {
  const target = URL.parse(url);
  if (!target) return 'endpoint-invalid';
  if (target.username !== '' || target.password !== '' || target.hash !== '') return 'endpoint-invalid';
  if (literalRefused(target.hostname, reach.local)) return 'address-refused';
  if (target.protocol !== 'https:' && !(reach.clear && isLoopbackIssuer(target.origin))) return 'endpoint-insecure';
  return target;
}
