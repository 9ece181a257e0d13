/**
 * Which literal addresses are public (IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 6890). An address in
 * one of them names a machine that nobody else can reach, or one inside the reader's own network.
 */

/** First address and prefix length of every IPv4 block that is not public. */
const ipv4Blocks: readonly (readonly [first: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const dottedQuad = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** True for four decimal octets without leading zeros: the only spelling of an IPv4 address that is taken. */
export function isIpv4(host: string): boolean {
  return dottedQuad.test(host);
}

/** True when a dotted quad lies in no special-purpose block. */
export function isPublicIpv4(host: string): boolean {
  const value = ipv4Number(host);
  return !ipv4Blocks.some(([first, prefix]) => {
    const size = 2 ** (32 - prefix);
    const start = ipv4Number(first);
    return value >= start && value < start + size;
  });
}

function ipv4Number(host: string): number {
  return host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/**
 * True when an IPv6 address, in the canonical form of RFC 5952 without brackets, is public. Only 2000::/3 is given out,
 * so everything else is refused at once: unspecified, loopback, IPv4-mapped, NAT64 (64:ff9b::/96), discard-only, SRv6,
 * unique local, link-local, multicast. Inside it Teredo, benchmarking and ORCHID (2001::/23), documentation, 6to4 and AS112
 * are not public either.
 */
export function isPublicIpv6(address: string): boolean {
  const groups = ipv6Groups(address);
  const [first = 0, second = 0, third = 0] = groups;
  if (first < 0x2000 || first > 0x3fff) return false;
  if (first === 0x2001 && second < 0x0200) return false;
  if (first === 0x2001 && second === 0x0db8) return false;
  if (first === 0x2002) return false;
  if (first === 0x3fff && second < 0x1000) return false;
  return !(first === 0x2620 && second === 0x004f && third === 0x8000);
}

function ipv6Groups(address: string): number[] {
  const [left = '', right = ''] = address.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === '' ? [] : right.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}
