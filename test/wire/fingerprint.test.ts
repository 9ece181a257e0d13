import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { messageDigest, signingInputOf } from '../../src/wire/digest.ts';
import { sameFingerprint, spokenFingerprint, thumbprint } from '../../src/wire/fingerprint.ts';
import { makeToken, testKey } from '../support/tokens.ts';

/** The key and thumbprint of RFC 8037, appendix A.3. */
const published = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
const print = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';
const spoken = '37114 51966 43441 21862 38996 03952 49169 31266';

describe('a fingerprint', () => {
  test('in writing is the RFC 7638 thumbprint', async () => {
    expect(await thumbprint(published)).toBe(print);
    const key = testKey('ES256');
    expect(await thumbprint(key.jwk)).toBe(key.kid);
  });

  test('is spoken as eight groups of five digits', () => {
    expect(spokenFingerprint(print)).toBe(spoken);
    expect(spokenFingerprint('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')).toBe(Array(8).fill('00000').join(' '));
  });

  test.each([
    print,
    spoken,
    ` ${spoken}\n`,
    spoken.replaceAll(' ', ''),
    spoken.replaceAll(' ', '\t '),
    `${print.slice(0, 20)} ${print.slice(20)}`,
    spoken.replaceAll(' ', '\n'),
    spoken.replaceAll(' ', '\r\n'),
    spoken.replaceAll(' ', '\u00a0'),
    spoken.replaceAll(' ', '\u202f'),
    spoken.replaceAll(' ', '. '),
    spoken.replaceAll(' ', '-'),
    spoken.replaceAll(' ', ' – '),
    `“${spoken.replaceAll(' ', ', ')}.”`,
    spoken.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    `${print.slice(0, 20)}\u00ad\n${print.slice(20)}.`,
    `\ufeff${print}\u200b`,
  ])('is recognised as typed: %j', async (typed) => {
    expect(await sameFingerprint(published, typed)).toBe(true);
  });

  test.each([
    ['another key', 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4A'],
    ['one digit wrong', spoken.replace('37114', '37115')],
    ['one group missing', spoken.slice(6)],
    ['another case', print.toLowerCase()],
    ['nothing', ''],
    ['only its beginning', print.slice(0, 22)],
    ['its hyphens and underscores left out', print.replaceAll(/[-_]/g, '')],
    ['a letter among the digits', spoken.replace('37114', '3711l')],
    ['digits of another script that are no compatibility form', spoken.replaceAll('1', '\u0661')],
  ])('is not recognised: %s', async (_, typed) => {
    expect(await sameFingerprint(published, typed)).toBe(false);
  });
});

describe('a message digest', () => {
  test('is over the signing input and not over the signature', () => {
    const compact = makeToken();
    const input = compact.split('.').slice(0, 2).join('.');
    expect(signingInputOf(compact)).toBe(input);
    expect(messageDigest(input)).toBe(`S256:${createHash('sha256').update(input).digest('base64url')}`);
  });
});
