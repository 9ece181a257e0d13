import { describe, expect, it, test } from 'vitest';
import { disarmUrl, maskUrl } from '../../src/domain/mask.ts';
import fc from '../support/property.ts';

describe('an address is shown', () => {
  test.each([
    ['https://host.example/path/to?a=b#c', 'hxxps://host[.]example/…'],
    ['http://a.b.host.example/', 'hxxp://a[.]b[.]host[.]example/'],
    ['https://host.example', 'hxxps://host[.]example'],
    ['https://host.example?q=1', 'hxxps://host[.]example/…'],
    ['https://host.example/#f', 'hxxps://host[.]example/…'],
    ['https://host.example:8443/x', 'hxxps://host[.]example:8443/…'],
    ['ftp://files.example/pub', 'fxp://files[.]example/…'],
    ['http://8.8.4.4/x', 'hxxp://8[.]8[.]4[.]4/…'],
    ['http://[2a00:1450::1]:80/x', 'hxxp://[2a00[:]1450[:][:]1]:80/…'],
    ['HTTPS://Host.Example/x', 'hxxps://Host[.]Example/…'],
    ['https://user:secret@host.example/x', 'hxxps://host[.]example/…'],
    ['https://münchen.example/', 'hxxps://münchen[.]example/'],
  ])('%s as %s', (url, shown) => {
    expect(maskUrl(url)).toBe(shown);
  });

  test.each([
    '',
    'host.example',
    'data:text/plain,x',
    'javascript:x',
    'https://',
    'https://ho st.example/',
    'https://a\u202eb.example/',
  ])('as nothing when it cannot be read: "%s"', (url) => {
    expect(maskUrl(url)).toBe('…');
  });

  it('never as a link, and never with what follows the host', () => {
    const segment = fc.string({ unit: fc.constantFrom(...'qwzQWZ0123456789'), minLength: 6, maxLength: 12 });
    fc.assert(
      fc.property(segment, segment, (path, query) => {
        const shown = maskUrl(`https://host.example/${path}?k=${query}`);
        expect(shown).toBe('hxxps://host[.]example/…');
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(maskUrl(text)).not.toMatch(/https?:|ftp:/i);
      }),
    );
  });
});

test.each([
  ['https://host.example/full/path?a=b#c', 'hxxps://host[.]example/full/path?a=b#c'],
  ['http://[2001:db8::1]:8080/x', 'hxxp://[2001[:]db8[:][:]1]:8080/x'],
  ['ftp://files.host.example/a', 'fxp://files[.]host[.]example/a'],
  ['nonsense', '…'],
])('%s, asked for whole, is %s on a terminal', (url, shown) => {
  expect(disarmUrl(url)).toBe(shown);
});
