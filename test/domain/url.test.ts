import { describe, expect, it, test } from 'vitest';
import type { RefusalCode } from '../../src/domain/refusal.ts';
import { isRefusal } from '../../src/domain/refusal.ts';
import { gateUrl, normaliseUrl } from '../../src/domain/url.ts';
import fc from '../support/property.ts';

const open = { loopback: false };
const trial = { loopback: true };
const onion = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd';

function codeOf(url: string, profile = open): RefusalCode | undefined {
  return gateUrl(url, profile, '/url')?.code;
}

describe('the URL gate takes', () => {
  test.each([
    ['a path', 'https://host.example/path'],
    ['no path', 'https://host.example'],
    ['http and ftp', 'ftp://files.host.example/pub/a.zip'],
    ['a port', 'http://host.example:8080/'],
    ['query and fragment', 'https://host.example/a?b=c&d=%20#e'],
    ['names of tests and samples', 'https://a.b.test/'],
    ['names that are invalid by definition', 'https://a.invalid/'],
    ['an A-label', 'https://xn--mnchen-3ya.example/'],
    ['an A-label in another script', 'https://xn--h2brj9c.example/'],
    ['an onion service of version 3', `http://${onion}.onion/board/1`],
    ['a name under an onion service', `http://www.${onion}.onion/`],
    ['an underscore in a label', 'https://my_site.host.example/'],
    ['hyphens in third and fourth place', 'https://r3---sn-4g5e.host.example/'],
    ['a public IPv4 address', 'http://8.8.4.4/'],
    ['a public IPv6 address', 'http://[2a00:1450:4001:81b::200e]:8080/x'],
    ['letters of another script after the host', 'https://host.example/дом/画像?q=é'],
    ['an @ in the path', 'https://host.example/@name/1'],
    ['two slashes, brackets and pipes in the path', 'https://host.example/a//b[1]|c'],
    ['an encoded slash and dots in a name', 'https://host.example/a%2Fb/..c/d.../e%2e'],
    ['an address as parameter', 'https://host.example/?u=https://other.example/../x'],
    ['exactly 8,000 bytes', `https://host.example/${'a'.repeat(7979)}`],
  ])('%s', (_, url) => {
    expect(codeOf(url)).toBeUndefined();
  });
});

describe('url-scheme-refused', () => {
  test.each([
    'data:text/plain,x',
    'blob:https://host.example/0190f2f0-0000-7000-8000-000000000000',
    'cid:part1@host.example',
    'file:///etc/hosts',
    'javascript:void(0)',
    'magnet:?xt=urn:btih:x',
    'ed2k://|file|a|1|b|/',
    'ipfs://bafyexample',
    'urn:sha1:EXAMPLE',
    'mailto:desk@hotline.example',
    'HTTPX://host.example/',
    'ws://host.example/',
    'data:text/plain,with space',
  ])('%s', (url) => {
    expect(codeOf(url)).toBe('url-scheme-refused');
  });
});

describe('url-invalid', () => {
  test.each([
    ['empty', ''],
    ['no scheme', 'host.example/path'],
    ['no scheme before a port', 'host.example:8080/path'],
    ['a scheme-relative address', '//host.example/path'],
    ['no host', 'https:///path'],
    ['nothing after the slashes', 'https://'],
    ['a port without a host', 'https://:80/'],
    ['a port of zero', 'https://host.example:0/'],
    ['a port too high', 'https://host.example:65536/'],
    ['an empty port', 'https://host.example:/'],
    ['a port with a leading zero', 'https://host.example:080/'],
    ['a port of letters', 'https://host.example:http/'],
    ['two ports', 'https://host.example:80:81/'],
    ['an empty label', 'https://host..example/'],
    ['a leading dot', 'https://.host.example/'],
    ['a label of 64 characters', `https://${'a'.repeat(64)}.example/`],
    ['a host of more than 253 characters', `https://${'abcdefgh.'.repeat(29)}example/`],
    ['a percent sign alone', 'https://host.example/100%'],
    ['a percent sign before letters that are no digits', 'https://host.example/%zz'],
    ['a percent sign before one digit', 'https://host.example/?a=%2'],
    ['an IPv6 address that is none', 'https://[2001:db8:::1]/'],
    ['an unclosed bracket', 'https://[2a00:1450::1/'],
    ['text after the bracket', 'https://[2a00:1450::1]x/'],
    ['half of a surrogate pair', 'https://host.example/\ud83d'],
    ['8,001 bytes', `https://host.example/${'a'.repeat(7980)}`],
    ['more than 8,000 bytes in fewer characters', `https://host.example/${'é'.repeat(4000)}`],
  ])('%s', (_, url) => {
    expect(codeOf(url)).toBe('url-invalid');
  });
});

describe('url-quarantined', () => {
  test.each([
    ['a scheme in upper case', 'HTTPS://host.example/'],
    ['no slashes', 'https:host.example/'],
    ['one slash', 'https:/host.example/'],
    ['a backslash for a slash', 'https:\\\\host.example\\path'],
    ['a backslash in the path', 'https://host.example/a\\b'],
    ['a backslash before an @', 'https://host.example\\@other.example/'],
    ['a leading space', 'https:// host.example/'],
    ['a space', 'https://host.example/a b'],
    ['a trailing space', 'https://host.example/ '],
    ['a tab', 'https://host.example/a\tb'],
    ['a line feed in the host', 'https://ho\nst.example/'],
    ['a no-break space', 'https://host.example/a\u00a0b'],
    ['a zero byte', 'https://host.example/\0'],
    ['a C1 control character', 'https://host.example/\u0085'],
    ['a mark that turns the reading direction', 'https://host.example/\u202egpj.exe'],
    ['user information', 'https://user:secret@host.example/'],
    ['an empty user', 'https://@host.example/'],
    ['a host in upper case', 'https://Host.example/'],
    ['a U-label', 'https://münchen.example/'],
    ['a soft hyphen in the host', 'https://ho\u00adst.example/'],
    ['an A-label in upper case', 'https://XN--MNCHEN-3YA.example/'],
    ['an A-label that decodes to nothing', 'https://xn--.example/'],
    ['an A-label that decodes to ASCII', 'https://xn--host-.example/'],
    ['an A-label that is no Punycode', 'https://xn--999999999.example/'],
    ['an A-label of a control character', 'https://xn--a.example/'],
    ['an A-label of capital letters', 'https://xn--mnchen-gpa.example/'],
    ['a character that no host has', 'https://host!.example/'],
    ['a single label', 'https://intranet/'],
    ['localhost', 'http://localhost:8080/'],
    ['a name under localhost', 'http://a.localhost/'],
    ['.local', 'http://printer.local/'],
    ['.internal', 'http://wiki.internal/'],
    ['.home.arpa', 'http://nas.example.home.arpa/'],
    ['.arpa', 'http://1.example.in-addr.arpa/'],
    ['.lan', 'http://nas.lan/'],
    ['.alt', 'http://name.gns.alt/'],
    ['an onion service of version 2', 'http://expyuzz4wqqyqhjn.onion/'],
    ['an onion name with a character outside base32', `http://${onion.replace('p', '1')}.onion/`],
    ['a trailing dot', 'https://host.example./'],
    ['a percent-encoded host', 'https://ho%73t.example/'],
    ['an encoded @', 'https://user%40host.example/'],
    ['a literal dot segment', 'https://host.example/a/../b'],
    ['a single dot segment', 'https://host.example/./a'],
    ['a dot segment at the end', 'https://host.example/a/..'],
    ['an encoded dot segment', 'https://host.example/a/%2e%2e/b'],
    ['a half-encoded dot segment', 'https://host.example/a/.%2E/b'],
    ['an encoded single dot', 'https://host.example/%2e/b'],
    ['an IPv6 address in a long form', 'http://[2a00:1450:4001:081b::200e]/'],
    ['an IPv6 address with a zone', 'http://[fe80::1%25eth0]/'],
  ])('%s', (_, url) => {
    expect(codeOf(url)).toBe('url-quarantined');
  });

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[::ffff:808:404]',
    '[64:ff9b::808:404]',
    '[64:ff9b:1::1]',
    '[100::1]',
    '[2001::1]',
    '[2001:2::1]',
    '[2001:10::1]',
    '[2001:db8::1]',
    '[2002:808:404::1]',
    '[2620:4f:8000::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[fe80::1]',
    '[ff02::1]',
  ])('the address %s, which is not public', (host) => {
    expect(codeOf(`http://${host}/`)).toBe('url-quarantined');
    expect(codeOf(`http://${host}/`, trial)).toBeUndefined();
  });

  test.each([
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '8.8.4',
    '8.8.4.04',
    '8.8.4.256',
    '0x',
    'host.0x1',
    'host.1',
    '1.2.3.4.5',
  ])('the number %s, in the trial profile too', (host) => {
    expect(codeOf(`http://${host}/`)).toBe('url-quarantined');
    expect(codeOf(`http://${host}/`, trial)).toBe('url-quarantined');
  });
});

describe('the trial profile, for nodes on one machine', () => {
  test.each([
    'http://localhost:8440/a',
    'http://intranet/',
    'http://printer.local/',
    'http://127.0.0.1/',
    'http://[::1]/',
  ])('takes %s', (url) => {
    expect(codeOf(url, trial)).toBeUndefined();
  });

  it('takes no form that parsers read differently', () => {
    for (const url of ['http://a@localhost/', 'http://LOCALHOST/', 'http://localhost./', 'http://localhost/%2e/'])
      expect(codeOf(url, trial)).toBe('url-quarantined');
  });
});

describe('a refusal of the gate', () => {
  it('bears the pointer of the caller and does not repeat the address', () => {
    const refusal = gateUrl('https://secret-name@host.example/', open, '/access/referrer');
    expect(refusal?.pointer).toBe('/access/referrer');
    expect(JSON.stringify(refusal)).not.toContain('secret-name');
  });

  it('is never an exception, whatever the text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'binary', maxLength: 30 }).map((rest) => `https://${rest}`),
      fc.string({ unit: fc.constantFrom(...'xn-a1.:[]%@/\\'), maxLength: 40 }).map((rest) => `http://xn--${rest}`),
    );
    fc.assert(
      fc.property(text, (url) => {
        const refusal = gateUrl(url, open, '/url');
        expect(refusal === undefined || isRefusal(refusal)).toBe(true);
        expect(() => normaliseUrl(url, open, '/url')).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('never lets pass what the URL standard would send elsewhere', () => {
    const host = fc.string({ unit: fc.constantFrom(...'abx019.-[]:%@'), minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(host, (name) => {
        const url = `https://${name}/p`;
        if (gateUrl(url, trial, '/url') !== undefined) return;
        const port = /:443$/.test(name) ? name.slice(0, -4) : name;
        expect(new URL(url).host).toBe(port);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('at intake', () => {
  test.each([
    ['the host is lowered', 'https://Host.EXAMPLE/Path?Q=A#F', 'https://host.example/Path?Q=A#F'],
    ['the scheme is lowered', 'HTTP://host.example/A', 'http://host.example/A'],
    ['U-labels become A-labels', 'https://München.example/ü', 'https://xn--mnchen-3ya.example/ü'],
    ['an ideographic full stop divides labels', 'https://例え。example/', 'https://xn--r8jz45g.example/'],
    ['an A-label is lowered', 'https://XN--MNCHEN-3YA.example/', 'https://xn--mnchen-3ya.example/'],
    ['the port stays', 'https://HOST.example:0443/', undefined],
    ['a good port stays', 'https://HOST.example:443/%7e/%C3%A9', 'https://host.example:443/%7e/%C3%A9'],
  ])('%s', (_, given, signed) => {
    const answer = normaliseUrl(given, open, '/url');
    if (signed === undefined) expect(answer).toMatchObject({ code: 'url-invalid', pointer: '/url' });
    else expect(answer).toEqual({ url: signed, normalised: true });
  });

  it('an address that is right stays byte for byte', () => {
    const url = 'https://host.example:443/A%2fB/%7E?x=Ü#ß';
    expect(normaliseUrl(url, open, '/url')).toEqual({ url, normalised: false });
  });

  test.each([
    ['a number in an odd notation', 'http://0X7F.0.0.1/'],
    ['full-width digits', 'http://８.8.4.4/'],
    ['a percent-encoded host', 'http://ho%73t.example/'],
    ['an invisible character in the host', 'http://ho\u00adst.example/'],
    ['a trailing dot', 'http://HOST.example./'],
    ['user information', 'http://a@HOST.example/'],
    ['a name that becomes local', 'http://LOCALHOST/'],
  ])('%s is not mended', (_, url) => {
    expect(normaliseUrl(url, open, '/url')).toMatchObject({ code: 'url-quarantined' });
  });
});

test.each(['hxxps://host[.]example/a', 'hxxp://host.example/', 'fxp://host.example/'])(
  '%s was disarmed for reading, and the next step is to write the real one',
  (url) => {
    const refused = gateUrl(url, { loopback: false }, '/url');
    expect(refused).toMatchObject({
      code: 'url-scheme-refused',
      next: expect.stringContaining('real scheme and host'),
    });
  },
);
