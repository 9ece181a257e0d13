import type { LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { AddressRefused, checkedLookup, isPublicAddress, mayConnect } from '../../src/transport/address.ts';

test.each(['93.184.215.14', '8.8.8.8', '172.15.255.255', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::1'])(
  '%s is an address of the public internet',
  (address) => expect(isPublicAddress(address)).toBe(true),
);

test.each([
  ['this network', '0.0.0.0'],
  ['a private network', '10.1.2.3'],
  ['carrier-grade translation', '100.64.0.1'],
  ['loopback', '127.0.0.1'],
  ['a cloud metadata service', '169.254.169.254'],
  ['a private network', '172.16.0.1'],
  ['a private network', '172.31.255.255'],
  ['a private network', '192.168.1.1'],
  ['benchmarking', '198.18.0.1'],
  ['multicast', '224.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['the unspecified address', '::'],
  ['loopback', '::1'],
  ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
  ['IPv4-mapped loopback in hex', '::ffff:7f00:1'],
  ['translated IPv4', '64:ff9b::7f00:1'],
  ['6to4', '2002:7f00:1::1'],
  ['unique local', 'fd00::1'],
  ['link-local', 'fe80::1'],
  ['IPv6 multicast', 'ff02::1'],
  ['no address', 'host.example'],
])('%s is not public: %s', (_name, address) => expect(isPublicAddress(address)).toBe(false));

test.each(['10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', '127.0.0.1', '::1', 'fd00::1', '8.8.8.8'])(
  'a partner marked local may stand at %s',
  (address) => expect(mayConnect(address, true)).toBe(true),
);

test.each([
  '169.254.169.254',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  'fe80::1',
  'ff02::1',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
])('nobody stands at %s, marked local or not', (address) =>
  expect([mayConnect(address, true), mayConnect(address, false)]).toEqual([false, false]),
);

test('without the mark only public addresses are taken', () => {
  expect([mayConnect('10.1.2.3', false), mayConnect('fd00::1', false), mayConnect('8.8.8.8', false)]).toEqual([
    false,
    false,
    true,
  ]);
});

function look(allowLocal: boolean, host: string, all: boolean) {
  return new Promise<{ failure: Error | null; found: string | LookupAddress[] }>((done) => {
    checkedLookup(allowLocal)(host, { all }, (failure, found) => done({ failure, found }));
  });
}

test.each([true, false])('a name that leads to this machine is refused and named nowhere (all: %s)', async (all) => {
  const { failure } = await look(false, 'localhost', all);
  expect(failure).toBeInstanceOf(AddressRefused);
  expect(String(failure)).not.toContain('127.0.0.1');
  expect(String(failure)).not.toContain('localhost');
});

test('where local addresses are allowed the same name is found', async () => {
  const { failure, found } = await look(true, 'localhost', true);
  expect(failure).toBeNull();
  expect(found).not.toEqual([]);
});

test('the answer has the form that was asked for', async () => {
  expect(typeof (await look(true, 'localhost', false)).found).toBe('string');
});
