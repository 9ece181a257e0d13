import { getDomain } from 'tldts';
import tldts from 'tldts/package.json' with { type: 'json' };

/** What a URL is compared by; derived locally, never signed, never sent (protocol, "URL gate and match keys"). */
export interface MatchKeys {
  /** The address as the WHATWG URL standard serialises it, fragment included. */
  readonly K1: string;
  /** K1 without its fragment; a hit on K2 alone is possible, never known. */
  readonly K2: string;
  /** Host without port. */
  readonly K3: string;
  /** Registrable domain; the host itself where there is none (an address, a single label, a public suffix). */
  readonly K4: string;
}

/** Version of the public suffix list behind K4: that of the package which carries it. Stored beside every K4. */
export const PUBLIC_SUFFIX_VERSION: string = `tldts ${tldts.version}`;

const percentTriplet = /%[0-9a-f]{2}/gi;
const unreserved = /[A-Za-z0-9._~-]/;

/**
 * Match keys of a URL that has passed the URL gate; throws a TypeError on what is no absolute URL. K4 uses the part of
 * the public suffix list that registries own, not the part that platforms add for their customers: a deny of
 * `blogs.example` must catch `anybody.blogs.example`, and K3 still tells the customers apart.
 */
export function matchKeys(url: string): MatchKeys {
  const parsed = new URL(url);
  const K1 = parsed.href.replaceAll(percentTriplet, decodeUnreserved);
  const fragment = K1.indexOf('#');
  const K3 = parsed.hostname;
  return {
    K1,
    K2: fragment === -1 ? K1 : K1.slice(0, fragment),
    K3,
    K4: getDomain(K3, { allowPrivateDomains: false }) ?? K3,
  };
}

/** Whether a deny of this host reaches the hosts below it: K4 of an address is registrable, and K3 is the whole host. */
export function reachesBelow(host: string): boolean {
  return getDomain(host, { allowPrivateDomains: false }) === host || isAddress(host);
}

/** An address has no host below it. */
function isAddress(host: string): boolean {
  return host.startsWith('[') || /^\d+(\.\d+){3}$/.test(host);
}

/** RFC 3986, sections 6.2.2.1 and 6.2.2.2. */
function decodeUnreserved(triplet: string): string {
  const char = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
  return unreserved.test(char) ? char : triplet.toUpperCase();
}
