const HIDDEN = '…';

/**
 * An address as it is shown to people: the scheme and the dots of the host disarmed, so that nothing makes it a link, and everything
 * after the host left out (`hxxps://host[.]example/…`). User information is dropped; what cannot be read as an address is `…`. Never throws.
 */
export function maskUrl(url: string): string {
  const found = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]+)(.*)$/is.exec(url);
  if (found === null) return HIDDEN;
  const [, scheme = '', authority = '', rest = ''] = found;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (!/^[\p{L}\p{M}\p{N}._:[\]-]+$/u.test(host)) return HIDDEN;
  return `${disarmScheme(scheme.toLowerCase())}://${disarmHost(host)}${maskRest(rest)}`;
}

/**
 * An address whole and yet no link, for a terminal that makes one of whatever looks like one: `hxxps://host[.]example/full/path`.
 * One that cannot be read as an address is given back masked.
 */
export function disarmUrl(url: string): string {
  const found = /^(https?|ftp):\/\/([^/?#@]+)(.*)$/s.exec(url);
  if (found === null) return maskUrl(url);
  const [, scheme = '', host = '', rest = ''] = found;
  return `${disarmScheme(scheme)}://${disarmHost(host)}${rest}`;
}

function disarmScheme(scheme: string): string {
  if (scheme === 'http' || scheme === 'https') return scheme.replace('tt', 'xx');
  return scheme === 'ftp' ? 'fxp' : 'xxx';
}

function disarmHost(host: string): string {
  const [, address, port = ''] = /^\[([^\]]*)\](.*)$/.exec(host) ?? [];
  return address === undefined
    ? host.replaceAll('.', '[.]')
    : `[${address.replaceAll(':', '[:]').replaceAll('.', '[.]')}]${port}`;
}

function maskRest(rest: string): string {
  if (rest === '' || rest === '/') return rest;
  return `/${HIDDEN}`;
}
