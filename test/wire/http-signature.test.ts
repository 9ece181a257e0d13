import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeRequestSigner, makeSigner, operationalTypes } from '../../src/keys/signers.ts';
import { readSignature, type SignedFields, signRequest, verifyRequest } from '../../src/wire/http-signature.ts';
import { type KeyRecord, pinKeys } from '../../src/wire/pinned.ts';
import { isSignedBy, rawSignature, signPoll } from '../support/polling.ts';
import fc from '../support/property.ts';
import { now, operational, sender, type TestKey, testKey } from '../support/tokens.ts';

const node = 'https://node.police-b.example';
const target = `${node}/exchange/poll`;
const body = new TextEncoder().encode('{"ack":["AAECAwQFBgcICQoLDA0ODw"]}');
const nonce = 'Dw4NDAsKCQgHBgUEAwIBAA';
const algs = ['Ed25519', 'EdDSA', 'ES256', 'ML-DSA-65'] as const;

function partnerOf(key: TestKey, changes: Partial<KeyRecord> = {}) {
  const record = { kid: key.kid, alg: key.alg, use: 'sig' as const, jwk: key.jwk, ...changes };
  return pinKeys({ issuer: sender, state: 'active', foreign: false, keys: [record] });
}

async function requestSigner({ kid, alg, privateKey }: TestKey) {
  return makeRequestSigner({ kid, alg, private: { ...privateKey.export({ format: 'jwk' }), alg } });
}

function fieldsOf(headers: Readonly<Record<string, string>>): SignedFields {
  return {
    contentType: headers['content-type'],
    contentDigest: headers['content-digest'],
    signature: headers.signature,
    signatureInput: headers['signature-input'],
  };
}

async function proven(
  headers: Readonly<Record<string, string>>,
  key: TestKey,
  at = now,
  changes: Partial<KeyRecord> = {},
) {
  const request = readSignature(fieldsOf(headers));
  if (!request) return 'malformed';
  return verifyRequest(request, { target, body, partner: await partnerOf(key, changes), now: at });
}

/** Signed by hand for the fixed instant of these tests. */
function byHand(key: TestKey = operational, created = now, expires = now + 60) {
  return signPoll(sender, key, node, { body: new TextDecoder().decode(body), created, expires, nonce });
}

describe('a vector made by hand', () => {
  // RFC 8037, appendix A.1: the private key of the example.
  const d = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A';
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
  const kid = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';
  const jwk = { kty: 'OKP', crv: 'Ed25519', x };
  const key: TestKey = {
    kid,
    alg: 'Ed25519',
    jwk,
    privateKey: createPrivateKey({ key: { ...jwk, d }, format: 'jwk' }),
  };
  const params = `("@method" "@target-uri" "content-type" "content-digest");created=1795000000;expires=1795000060;nonce="${nonce}";keyid="https://node.hotline-a.example#${kid}";tag="caseref-poll"`;
  const digest = 'sha-256=:VkaxJeijxjecXcGScVacWwraukFbK5PKkbkUyTd2nIY=:';
  const base = [
    '"@method": POST',
    '"@target-uri": https://node.police-b.example/exchange/poll',
    '"content-type": application/json',
    `"content-digest": ${digest}`,
    `"@signature-params": ${params}`,
  ].join('\n');

  test('is what is signed here, byte for byte', async () => {
    const fields = await signRequest({ target, body }, await requestSigner(key), { issuer: sender, now, nonce });
    const signature = 'czhwYyeg1EyNF0g1uf3cQc5GLc+Sf7Q730xbT9vsRKh48+wD/CQchF99U+z2VJs3zLJ494VYt4/evKgSZKY7Cg==';
    expect(rawSignature(key.privateKey, 'Ed25519', base).toString('base64')).toBe(signature);
    expect(fields).toEqual({
      'content-type': 'application/json',
      'content-digest': digest,
      'signature-input': `sig=${params}`,
      signature: `sig=:${signature}:`,
    });
    expect(
      verify(null, Buffer.from(base), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64')),
    ).toBe(true);
  });

  test('is what verifies here', async () => {
    const signature = `sig=:${rawSignature(key.privateKey, 'Ed25519', base).toString('base64')}:`;
    const headers = {
      'content-type': 'application/json',
      'content-digest': digest,
      signature,
      'signature-input': `sig=${params}`,
    };
    expect(await proven(headers, key)).toBe(true);
  });
});

describe.each(algs)('%s', (alg) => {
  const key = testKey(alg);

  test('signs what node:crypto verifies', async () => {
    const { signature = '' } = await signRequest({ target, body }, await requestSigner(key), {
      issuer: sender,
      now,
      nonce,
    });
    const { base } = byHand(key);
    expect(isSignedBy(key.jwk, alg, base, Buffer.from(signature.slice(5, -1), 'base64'))).toBe(true);
  });

  test('verifies what node:crypto signed, and under no other key', async () => {
    expect(await proven(byHand(key).headers, key)).toBe(true);
    expect(await proven(byHand(key).headers, { ...testKey(alg), kid: key.kid })).toBe(false);
  });
});

describe('time', () => {
  test.each([
    ['its first second', now, true],
    ['its last second', now + 60, true],
    ['the second after', now + 61, false],
    ['two minutes before', now - 120, true],
    ['more than two minutes before', now - 121, false],
  ])('at %s', async (_name, at, taken) => expect(await proven(byHand().headers, operational, at)).toBe(taken));

  test.each([
    ['60 s', now + 60, true],
    ['61 s', now + 61, false],
    ['0 s', now, false],
    ['-1 s', now - 1, false],
  ])('a life of %s', async (_name, expires, taken) =>
    expect(await proven(byHand(operational, now, expires).headers, operational, now - 1)).toBe(taken),
  );

  test('a key that begins later, has ended or was revoked', async () => {
    expect(await proven(byHand().headers, operational, now, { nbf: now + 120 })).toBe(true);
    expect(await proven(byHand().headers, operational, now, { nbf: now + 121 })).toBe(false);
    expect(await proven(byHand().headers, operational, now, { exp: now + 1 })).toBe(true);
    expect(await proven(byHand().headers, operational, now, { exp: now })).toBe(false);
    expect(await proven(byHand().headers, operational, now, { revoked_at: now + 1000 })).toBe(false);
  });

  test('keys that are too old to answer by', async () => {
    const request = readSignature(fieldsOf(byHand().headers));
    const partner = { ...(await partnerOf(operational)), staleAt: now };
    expect(request && (await verifyRequest(request, { target, body, partner, now }))).toBe(false);
  });
});

describe('no signature stands for two things', () => {
  const payload = new TextEncoder().encode('{}');

  test('a key for requests signs no other text, a JWS signing input least of all', async () => {
    const signer = await requestSigner(operational);
    const base = byHand().base;
    await expect(signer.signBase(base)).resolves.toBeInstanceOf(Uint8Array);
    for (const text of [
      '',
      'eyJhbGciOiJFZDI1NTE5In0.e30',
      ` ${base}`,
      base.replace('"@method"', '@method'),
      '"@method": POST',
    ])
      await expect(signer.signBase(text)).rejects.toThrow(TypeError);
  });

  test('the signature of a message is no signature of a request, and the other way round', async () => {
    const jwk = operational.privateKey.export({ format: 'jwk' });
    const signer = await makeSigner({ kid: operational.kid, alg: 'Ed25519', private: jwk }, operationalTypes);
    const [header, content, signature = ''] = (await signer.sign('secevent+jwt', payload)).split('.');
    const { headers, base } = byHand();
    const asRequest = { ...headers, signature: `sig=:${Buffer.from(signature, 'base64url').toString('base64')}:` };
    expect(await proven(asRequest, operational)).toBe(false);
    const ofRequest = Buffer.from((headers.signature ?? '').slice(5, -1), 'base64');
    expect(isSignedBy(operational.jwk, 'Ed25519', base, ofRequest)).toBe(true);
    expect(isSignedBy(operational.jwk, 'Ed25519', `${header}.${content}`, ofRequest)).toBe(false);
  });

  test('because whatever a JWS signing input is made of, it is no base', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), (header, content) => {
        const input = `${Buffer.from(header).toString('base64url')}.${Buffer.from(content).toString('base64url')}`;
        expect(input).not.toContain('"');
        expect(input.startsWith('"@method": ')).toBe(false);
      }),
    );
    expect(byHand().base.startsWith('"@method": ')).toBe(true);
  });
});

describe('reading', () => {
  test('gives what was signed', () => {
    expect(readSignature(fieldsOf(byHand().headers))).toMatchObject({
      issuer: sender,
      kid: operational.kid,
      nonce,
      created: now,
      expires: now + 60,
    });
  });

  test('takes nothing that differs by one character', () => {
    const { headers } = byHand();
    const input = headers['signature-input'] ?? '';
    const honest = fieldsOf(headers);
    fc.assert(
      fc.property(
        fc.nat(input.length),
        fc.constantFrom(' ', '\t', ';', '"', ',', '=', '(', ')', '\\', '\n'),
        (at, sign) => {
          const changed = `${input.slice(0, at)}${sign}${input.slice(at)}`;
          const read = readSignature({ ...honest, signatureInput: changed });
          // Inside of the issuer a few of these are letters of a text, which then names nobody.
          expect(read === undefined || read.issuer !== sender).toBe(true);
        },
      ),
    );
  });
});
