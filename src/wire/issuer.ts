import type { Issuer } from '../domain/contract.types.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

// Other spellings of "this machine" would pass for public hosts: refused everywhere, the test profile included.
const disguisedLoopback = /^(?:127\.|0\.|\[::\]|\[::ffff:(?:7f|0:))|\.localhost$/;

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Checks an issuer: `https://host[:port]`, lower-case A-label host, no path, no default port, compared as an exact
 * string ever after (protocol, "Identifiers and formats"). `loopback` says that our own issuer is loopback: only then
 * are loopback hosts, and `http` to them, taken. The pointer of a refusal is '', the whole value.
 */
export function checkIssuer(issuer: Issuer, { loopback }: { readonly loopback: boolean }): Refusal | undefined {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (url === undefined || url.origin !== issuer || !isHost(url.hostname)) {
    return refuse(
      'schema-invalid',
      '',
      'The issuer is not https://host[:port] in its one canonical spelling.',
      'Write a lower-case A-label host, no path, no trailing slash or dot and no default port.',
    );
  }
  const local = loopbackHosts.has(url.hostname);
  if (local && !loopback) return refuse('schema-invalid', '', 'The issuer is a loopback host and this node is not.');
  if (url.protocol === 'https:' || (url.protocol === 'http:' && local)) return undefined;
  return refuse('schema-invalid', '', 'The issuer does not use https.', 'Use https; http is for loopback hosts only.');
}

/** Whether an issuer names this machine: the test profile, in which loopback addresses and no encryption are taken. */
export function isLoopbackIssuer(issuer: Issuer): boolean {
  return URL.canParse(issuer) && loopbackHosts.has(new URL(issuer).hostname);
}

function isHost(host: string): boolean {
  if (disguisedLoopback.test(host) && !loopbackHosts.has(host)) return false;
  if (host.startsWith('[')) return true;
  return host.length <= 253 && host.split('.').every((part) => label.test(part));
}
