import { isIpv4, isPublicIpv4, isPublicIpv6 } from './address.ts';
import { hostToAscii, isALabel } from './idna.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';

/** What kind of node reads the address: one whose own issuer is loopback takes local names and addresses too. */
export interface UrlProfile {
  readonly loopback: boolean;
}

/** Longest address, in bytes of UTF-8. */
const MAX_URL_BYTES = 8000;

const schemes = new Set(['http', 'https', 'ftp']);
/** Schemes as analysts write them so that nobody opens them by accident. */
const disarmed = new Set(['hxxp', 'hxxps', 'fxp']);
const onion = /^(?:[a-z0-9_-]+\.)*[a-z2-7]{56}\.onion$/;
/**
 * Names that never lead to a public host: RFC 6761 (localhost), RFC 6762 with its appendix G, RFC 8375 and the arpa zones,
 * RFC 9476 (alt), ICANN's reservation of internal.
 */
const localNames = /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|alt|arpa)$/;

/** Control characters, every white space, and the marks that change the direction in which a line is read. */
const hidden = /[\p{Cc}\s\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

interface Parts {
  readonly scheme: string;
  /** `//` was there. */
  readonly slashes: boolean;
  readonly authority: string;
  readonly path: string;
  readonly rest: string;
}

/**
 * The URL gate (schemas/README.md, "URL gate"): undefined when the address can be exchanged as it is. It looks at the text alone;
 * nothing is ever dereferenced. Codes: `url-scheme-refused` for other schemes, `url-invalid` for what is no URL (RFC 3986),
 * `url-quarantined` for a form that parsers read differently or that leads nowhere public. Names under `.example`, `.test` and
 * `.invalid` pass: they reach nobody, and every sample, trial and test is written with them. Never throws.
 */
export function gateUrl(url: string, profile: UrlProfile, at: string): Refusal | undefined {
  if (!url.isWellFormed()) return refuse('url-invalid', at, 'The address contains half of a surrogate pair.');
  if (url.length > MAX_URL_BYTES || new TextEncoder().encode(url).length > MAX_URL_BYTES)
    return refuse('url-invalid', at, 'The address is longer than 8,000 bytes.');
  const parts = split(url);
  if (parts === undefined) return refuse('url-invalid', at, 'The address has no scheme.');
  return (
    gateScheme(parts, at) ??
    gateText(url, parts, at) ??
    gateAuthority(parts.authority, profile, at) ??
    gatePath(parts, at)
  );
}

/**
 * The address as it will be signed, for the node API and import: scheme and host in lower case, U-labels as A-labels
 * (`normalised` tells whether anything changed); what follows the authority stays byte for byte. Then the gate.
 */
export function normaliseUrl(
  url: string,
  profile: UrlProfile,
  at: string,
): { readonly url: string; readonly normalised: boolean } | Refusal {
  const text = url.isWellFormed() && url.length <= MAX_URL_BYTES ? withLowerCaseHost(url) : url;
  const refusal = gateUrl(text, profile, at);
  return isRefusal(refusal) ? refusal : { url: text, normalised: text !== url };
}

function split(url: string): Parts | undefined {
  const found = /^([A-Za-z][A-Za-z0-9+.-]*):(\/\/)?/.exec(url);
  const scheme = found?.[1];
  // `host.example:8080/` would read as a scheme: none that is in use has a dot.
  if (found === null || scheme === undefined || scheme.includes('.')) return undefined;
  const after = url.slice(found[0].length);
  const end = after.search(/[/?#]/);
  const authority = end < 0 ? after : after.slice(0, end);
  const tail = end < 0 ? '' : after.slice(end);
  const stop = tail.search(/[?#]/);
  const path = stop < 0 ? tail : tail.slice(0, stop);
  return { scheme, slashes: found[2] !== undefined, authority, path, rest: tail.slice(path.length) };
}

function gateScheme(parts: Parts, at: string): Refusal | undefined {
  const scheme = parts.scheme.toLowerCase();
  if (disarmed.has(scheme)) {
    const next = 'Write the real scheme and host: http, https or ftp, and dots without brackets.';
    return refuse('url-scheme-refused', at, 'The address is disarmed for reading and leads nowhere.', next);
  }
  if (!schemes.has(scheme)) return refuse('url-scheme-refused', at);
  if (parts.scheme !== parts.scheme.toLowerCase()) return quarantine(at, 'The scheme is not in lower case.');
  if (!parts.slashes) return quarantine(at, 'The scheme is not followed by two slashes.');
  return undefined;
}

function gateText(url: string, parts: Parts, at: string): Refusal | undefined {
  if (hidden.test(url)) return quarantine(at, 'The address contains a space or a control character.');
  if (url.includes('\\')) return quarantine(at, 'The address contains a backslash.');
  if (/%(?![0-9A-Fa-f]{2})/.test(parts.path + parts.rest))
    return refuse(
      'url-invalid',
      at,
      'A percent sign is not followed by two hexadecimal digits.',
      'Write a percent sign as %25.',
    );
  return undefined;
}

function gateAuthority(authority: string, profile: UrlProfile, at: string): Refusal | undefined {
  if (authority.includes('@')) return quarantine(at, 'The address contains user information.');
  const found = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(authority);
  if (found === null) return refuse('url-invalid', at, 'The host and port cannot be read.');
  const host = found[1] ?? '';
  const port = found[2];
  if (host === '') return refuse('url-invalid', at, 'The address has no host.');
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65535))
    return refuse('url-invalid', at, 'The port is not a number from 1 to 65535.');
  return host.startsWith('[') ? gateIpv6(host, profile, at) : gateHost(host, profile, at);
}

function gateIpv6(host: string, profile: UrlProfile, at: string): Refusal | undefined {
  if (host.includes('%')) return quarantine(at, 'The host is percent-encoded or has a zone.');
  const canonical = hostToAscii(host);
  if (canonical === undefined) return refuse('url-invalid', at, 'The host is not an IPv6 address.');
  if (canonical !== host) return quarantine(at, 'The IPv6 address is not in its canonical form.');
  if (!profile.loopback && !isPublicIpv6(host.slice(1, -1))) return quarantine(at, 'The host is not a public address.');
  return undefined;
}

function gateHost(host: string, profile: UrlProfile, at: string): Refusal | undefined {
  if (host.includes('%')) return quarantine(at, 'The host is percent-encoded.');
  if (host.endsWith('.')) return quarantine(at, 'The host ends in a dot.');
  if (!/^[a-z0-9._-]+$/.test(host)) return quarantine(at, 'The host is not in lower-case A-label form.');
  const labels = host.split('.');
  // WHATWG URL, section 3.5: a last label that is a number makes the whole an IPv4 address, in whatever notation.
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return gateIpv4(host, profile, at);
  if (host.length > 253 || labels.some((label) => label === '' || label.length > 63))
    return refuse('url-invalid', at, 'A label of the host is empty or too long.');
  if (labels.some((label) => label.startsWith('xn--') && !isALabel(label)))
    return quarantine(at, 'A label of the host is not a valid A-label.');
  return profile.loopback ? undefined : gateName(host, labels.length, at);
}

function gateIpv4(host: string, profile: UrlProfile, at: string): Refusal | undefined {
  if (!isIpv4(host)) return quarantine(at, 'The host is a number that is not written as four decimal octets.');
  if (!profile.loopback && !isPublicIpv4(host)) return quarantine(at, 'The host is not a public address.');
  return undefined;
}

function gateName(host: string, labels: number, at: string): Refusal | undefined {
  if (labels === 1) return quarantine(at, 'The host has a single label.');
  if (localNames.test(host)) return quarantine(at, 'The host has a name for local use.');
  if (host.endsWith('.onion') && !onion.test(host))
    return quarantine(
      at,
      'The onion name is not one of version 3 (56 characters).',
      'Write the whole onion address of version 3.',
    );
  return undefined;
}

/** `%2e` dot segments are removed by some parsers and kept by others: the two would look at different resources. */
function gatePath(parts: Parts, at: string): Refusal | undefined {
  const dots = parts.path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));
  return dots
    ? quarantine(at, 'The path has a dot segment.', 'Write the path without "." and ".." segments.')
    : undefined;
}

function quarantine(at: string, message: string, next?: string): Refusal {
  return refuse('url-quarantined', at, message, next);
}

/** Leaves alone whatever the gate must still see: percent signs, numbers in odd notations, invisible characters. */
function withLowerCaseHost(url: string): string {
  const parts = split(url);
  if (parts === undefined || !parts.slashes) return url;
  const found = /^(\[[^\]]*\]|[^:[\]@]*)(:\d*)?$/.exec(parts.authority);
  const host = found?.[1] ?? '';
  if (host === '' || /[%\p{Cc}\p{Cf}\s\\]/u.test(host.replaceAll(/[\u200c\u200d]/g, ''))) return url;
  const ascii = /^[A-Za-z0-9._[\]:-]*$/.test(host) ? host.toLowerCase() : hostToAscii(host);
  if (ascii === undefined || (ascii !== host.toLowerCase() && isIpv4(ascii))) return url;
  return `${parts.scheme.toLowerCase()}://${ascii}${found?.[2] ?? ''}${parts.path}${parts.rest}`;
}
