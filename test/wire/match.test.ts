import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { matchKeys, PUBLIC_SUFFIX_VERSION } from '../../src/wire/match.ts';
import fc from '../support/property.ts';

// The public suffix list knows no reserved names: these two suffixes stand on it, one by a registry, one by a platform.
const twoLevels = ['co', 'uk'].join('.');
const platform = ['github', 'io'].join('.');

describe('match keys', () => {
  test('are the serialised address, the same without fragment, the host and the registrable domain', () => {
    expect(matchKeys('https://img.host.example:8443/a/b?c=d#e')).toEqual({
      K1: 'https://img.host.example:8443/a/b?c=d#e',
      K2: 'https://img.host.example:8443/a/b?c=d',
      K3: 'img.host.example',
      K4: 'host.example',
    });
  });

  test.each([
    ['the case of scheme and host', 'HTTPS://Host.Example/a', 'https://host.example/a'],
    ['the default port', 'https://host.example:443/a', 'https://host.example/a'],
    ['an empty path', 'https://host.example', 'https://host.example/'],
    ['dot segments', 'https://host.example/x/../a/./b', 'https://host.example/a/b'],
    ['percent-encoded unreserved characters', 'https://host.example/%61%2D%7e%5F%2e9', 'https://host.example/a-~_.9'],
    ['the case of hexadecimal digits', 'https://host.example/%c3%a9%2f', 'https://host.example/%C3%A9%2F'],
    ['characters that must be encoded', 'https://host.example/é', 'https://host.example/%C3%A9'],
    ['unreserved characters in query and fragment', 'https://host.example/?%41=%42#%43', 'https://host.example/?A=B#C'],
  ])('do not depend on %s', (_, spelling, canonical) => {
    expect(matchKeys(spelling).K1).toBe(canonical);
    expect(matchKeys(spelling)).toEqual(matchKeys(canonical));
  });

  test.each([
    ['the case of a path', 'https://host.example/a', 'https://host.example/A'],
    ['the scheme', 'https://host.example/a', 'http://host.example/a'],
    ['a trailing slash', 'https://host.example/a', 'https://host.example/a/'],
    ['an encoded slash', 'https://host.example/a/b', 'https://host.example/a%2Fb'],
    ['a percent sign that is encoded itself', 'https://host.example/%61', 'https://host.example/%2561'],
    ['the order of a query', 'https://host.example/?a&b', 'https://host.example/?b&a'],
    ['an empty query', 'https://host.example/', 'https://host.example/?'],
  ])('tell %s apart', (_, one, other) => {
    expect(matchKeys(one).K1).not.toBe(matchKeys(other).K1);
  });

  test('tell fragments apart in K1 and not in K2', () => {
    const [one, other] = [matchKeys('https://host.example/#a'), matchKeys('https://host.example/#b')];
    expect(one.K1).not.toBe(other.K1);
    expect(one.K2).toBe(other.K2);
    expect(matchKeys('https://host.example/#').K2).toBe('https://host.example/');
  });

  test.each([
    ['a registry with two levels', `https://a.b.${twoLevels}/`, `b.${twoLevels}`],
    ['a platform that lends names to customers', `https://anybody.${platform}/`, platform],
    ['an onion service', 'https://sub.abcdef.onion/', 'abcdef.onion'],
    ['an IPv4 address', 'https://192.0.2.7:8443/', '192.0.2.7'],
    ['an IPv6 address', 'https://[2001:DB8::7]/', '[2001:db8::7]'],
    ['a single label', 'http://localhost:8080/', 'localhost'],
    ['a public suffix itself', `https://${twoLevels}/`, twoLevels],
  ])('name the registrable domain of %s', (_, url, domain) => {
    expect(matchKeys(url).K4).toBe(domain);
  });

  test('of an address that was normalised once do not change again', () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (url) => {
        const keys = matchKeys(url);
        expect(matchKeys(keys.K1)).toEqual(keys);
        expect(keys.K1.startsWith(keys.K2)).toBe(true);
        expect(keys.K3.endsWith(keys.K4)).toBe(true);
      }),
    );
  });

  test('name the version of the public suffix list they were made with', () => {
    const { version } = JSON.parse(readFileSync('node_modules/tldts/package.json', 'utf8')) as { version: string };
    expect(PUBLIC_SUFFIX_VERSION).toBe(`tldts ${version}`);
  });
});
