import { type LookupAddress, type LookupAllOptions, lookup as resolveHost } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { isPublicIpv4, isPublicIpv6 } from '../domain/address.ts';

/**
 * Where a partner marked local may stand. Named one by one: link-local stays out, since the metadata service of a cloud
 * is there, and so do multicast, the unspecified address and every form that wraps an IPv4 address.
 */
const local = new BlockList();
for (const [net, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  local.addSubnet(net, prefix, 'ipv4');
}
local.addAddress('::1', 'ipv6');
local.addSubnet('fc00::', 7, 'ipv6');

/** True for an address of the public internet. */
export function isPublicAddress(address: string): boolean {
  return isIP(address) === 4 ? isPublicIpv4(address) : isIP(address) === 6 && isPublicIpv6(address);
}

/** Whether a connection may be made to an address; `allowLocal` adds the private ranges, and only those. */
export function mayConnect(address: string, allowLocal: boolean): boolean {
  if (isPublicAddress(address)) return true;
  const family = isIP(address);
  // BlockList takes ::ffff:a.b.c.d for the IPv4 address inside, in both directions: mapped forms are refused first.
  // An address with a zone (fe80::1%eth0) counts on one link only: no partner is there.
  if (!allowLocal || family === 0 || address.includes('%') || /^::ffff:/i.test(address)) return false;
  return local.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** An address was refused before a connection was made; carries no address. */
export class AddressRefused extends Error {
  readonly code = 'address-refused';
  constructor() {
    super('the address is not for partners');
    this.name = 'AddressRefused';
  }
}

/** The machine's own resolver, where no test says otherwise. */
type Resolve = (
  host: string,
  options: LookupAllOptions,
  done: (failure: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Resolves a name for a connection and gives only addresses that were checked, so the address that was looked at is the
 * one that is connected to: a name that changes its answer between check and connect (DNS rebinding) gains nothing.
 */
export function checkedLookup(allowLocal: boolean, resolve: Resolve = resolveHost): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (failure, addresses) => {
      if (failure) return callback(failure, '', 0);
      const open = addresses.filter(({ address }) => mayConnect(address, allowLocal));
      const [first] = open;
      if (!first) return callback(new AddressRefused(), '', 0);
      if (options.all) return callback(null, open);
      callback(null, first.address, first.family);
    });
  };
}
