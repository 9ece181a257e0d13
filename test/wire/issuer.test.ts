import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { checkIssuer, isLoopbackIssuer } from '../../src/wire/issuer.ts';

describe('an issuer', () => {
  test.each([
    'https://node.hotline-a.example',
    'https://node.hotline-a.example:8440',
    'https://xn--mnchen-3ya.example',
    'https://192.0.2.7',
    'https://[2001:db8::7]:8440',
  ])('is taken in its canonical spelling: %s', (issuer) => {
    expect(checkIssuer(issuer, { loopback: false })).toBeUndefined();
    expect(isLoopbackIssuer(issuer)).toBe(false);
  });

  test.each([
    ['a path', 'https://node.hotline-a.example/node'],
    ['a trailing slash', 'https://node.hotline-a.example/'],
    ['a trailing dot', 'https://node.hotline-a.example.'],
    ['upper case in the host', 'https://Node.hotline-a.example'],
    ['upper case in the scheme', 'HTTPS://node.hotline-a.example'],
    ['its default port', 'https://node.hotline-a.example:443'],
    ['a leading zero in the port', 'https://node.hotline-a.example:08440'],
    ['a U-label', 'https://münchen.example'],
    ['user information', 'https://desk@node.hotline-a.example'],
    ['a query', 'https://node.hotline-a.example?x'],
    ['a fragment', 'https://node.hotline-a.example#x'],
    ['white space', ' https://node.hotline-a.example'],
    ['an empty label', 'https://node..example'],
    ['a label that ends in a hyphen', 'https://node-.example'],
    ['an underscore', 'https://my_node.example'],
    ['shorthand for an address', 'https://127.1'],
    ['another scheme', 'ftp://node.hotline-a.example'],
    ['no scheme', 'node.hotline-a.example'],
    ['nothing at all', ''],
  ])('with %s is refused, in the test profile too', (_, issuer) => {
    expect(isRefusal(checkIssuer(issuer, { loopback: false }))).toBe(true);
    expect(isRefusal(checkIssuer(issuer, { loopback: true }))).toBe(true);
  });

  test.each(['http://127.0.0.1:8440', 'http://localhost:8440', 'http://[::1]:8440', 'https://localhost'])(
    'on this machine is taken where our own is: %s',
    (issuer) => {
      expect(checkIssuer(issuer, { loopback: true })).toBeUndefined();
      expect(isRefusal(checkIssuer(issuer, { loopback: false }))).toBe(true);
      expect(isLoopbackIssuer(issuer)).toBe(true);
    },
  );

  test('without encryption is refused for every host but loopback', () => {
    expect(isRefusal(checkIssuer('http://node.hotline-a.example', { loopback: true }))).toBe(true);
    expect(isRefusal(checkIssuer('http://node.hotline-a.example', { loopback: false }))).toBe(true);
  });

  test.each(['https://127.0.0.2', 'https://0.0.0.0', 'https://[::]', 'https://[::ffff:7f00:1]', 'https://a.localhost'])(
    'that is this machine under another name is refused everywhere: %s',
    (issuer) => {
      expect(isRefusal(checkIssuer(issuer, { loopback: true }))).toBe(true);
      expect(isRefusal(checkIssuer(issuer, { loopback: false }))).toBe(true);
    },
  );
});
