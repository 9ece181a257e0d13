import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';
import {
  carries,
  type MadeKey,
  materialOf,
  meet,
  outcomeOf,
  type Party,
  publishedKey,
  publishKey,
  sentFor,
} from './party.ts';
import { jwcrypto, withoutJwcrypto } from './tools.ts';

// python3-jwcrypto, over the cryptography of Python: signatures and nested encryption both ways with a running node. It
// knows Ed25519 by its older name alone.

interface OwnKey extends Pick<MadeKey, 'kid' | 'public'> {
  readonly private: Json;
}

interface Read {
  readonly payload?: string;
  readonly header?: Json;
  readonly refused?: string;
}

let node: TestNode;

beforeAll(async () => {
  if (withoutJwcrypto === undefined) node = await testNode();
});
afterAll(() => node?.remove());

const why = withoutJwcrypto ? ` (${withoutJwcrypto})` : '';

const signed = async (key: OwnKey, alg: string, payload: string): Promise<string> => {
  const header = { alg, typ: 'secevent+jwt', kid: key.kid };
  return (await jwcrypto<{ token: string }>({ act: 'sign', key: key.private, header, payload })).token;
};

describe.skipIf(withoutJwcrypto !== undefined).each(['EdDSA', 'ES256'] as const)(`jwcrypto and %s${why}`, (alg) => {
  let party: Party;
  let own: OwnKey;
  let published: Json;

  beforeAll(async () => {
    own = await jwcrypto<OwnKey>({ act: 'generate', alg });
    published = await publishKey(node, alg);
    party = await meet(node, [{ ...own, alg }], 'none');
  });
  afterAll(() => party?.close());

  test('a token that it signed is taken, and one whose payload was exchanged is not', async () => {
    const { jti, payload } = party.message(node);
    const token = await signed(own, alg, payload);
    expect(await party.push(node, token)).toEqual({ status: 202, body: '' });
    expect(await outcomeOf(node, jti)).toBe('accepted');
    const [header, , signature] = token.split('.');
    const other = Buffer.from(party.message(node).payload).toString('base64url');
    expect(await party.push(node, `${header}.${other}.${signature}`)).toMatchObject({ status: 400 });
  });

  test.each(['submitted', 'receipt'])('a %s of the node verifies there, and no mutant of it', async (event) => {
    const token = await sentFor(node, party, (sent) => carries(sent, event));
    const read = await jwcrypto<Read>({ act: 'verify', key: materialOf(published), alg, token });
    expect(read.header).toEqual({ alg, typ: 'secevent+jwt', kid: published.kid });
    expect(JSON.parse(read.payload ?? '')).toMatchObject({ iss: node.issuer, aud: party.issuer });
    const mutant = token.replace('.eyJ', '.eyK');
    expect(await jwcrypto<Read>({ act: 'verify', key: materialOf(published), alg, token: mutant })).toEqual({
      refused: 'InvalidJWSSignature',
    });
  });
});

describe.skipIf(withoutJwcrypto !== undefined)(`jwcrypto and nested JWE, ECDH-ES with X25519 and A256GCM${why}`, () => {
  let party: Party;
  let signing: OwnKey;
  let reading: OwnKey;
  let published: Json;
  let encryption: Json;

  beforeAll(async () => {
    signing = await jwcrypto<OwnKey>({ act: 'generate', alg: 'EdDSA' });
    reading = await jwcrypto<OwnKey>({ act: 'generate', alg: 'ECDH-ES' });
    published = await publishKey(node, 'EdDSA');
    encryption = await publishedKey(node, ({ use }) => use === 'enc');
    const keys = [
      { ...signing, alg: 'EdDSA' },
      { ...reading, alg: 'ECDH-ES' },
    ] as const;
    party = await meet(node, keys, 'required');
  });
  afterAll(() => party?.close());

  const encrypted = async (token: string): Promise<string> => {
    const header = { alg: 'ECDH-ES', enc: 'A256GCM', kid: encryption.kid, typ: 'secevent+jwt', cty: 'JWT' };
    return (await jwcrypto<{ token: string }>({ act: 'encrypt', key: materialOf(encryption), header, token })).token;
  };
  const decrypted = (token: string) => jwcrypto<Read>({ act: 'decrypt', key: reading.private, token });

  test('a token that it signed and encrypted is decrypted and taken', async () => {
    const { jti, payload } = party.message(node);
    const token = await encrypted(await signed(signing, 'EdDSA', payload));
    expect(token.split('.')).toHaveLength(5);
    expect(await party.push(node, token)).toEqual({ status: 202, body: '' });
    expect(await outcomeOf(node, jti)).toBe('accepted');
  });

  test('the same token unencrypted is refused in a signed receipt, which comes encrypted', async () => {
    const { jti, payload } = party.message(node);
    expect(await party.push(node, await signed(signing, 'EdDSA', payload))).toEqual({ status: 202, body: '' });
    expect(await outcomeOf(node, jti)).toBe('refused');
    const receipt = await eventually('the receipt', async () => {
      const contents = await Promise.all(party.arrived.map(decrypted));
      return contents.find((read) => carries(read.payload ?? '', 'receipt') && claimsOf(read).includes(jti));
    });
    expect(claimsOf(receipt)).toContain('encryption-required');
  });

  test('what the node sends decrypts there, has exactly the header of the protocol, and verifies inside', async () => {
    const token = await sentFor(node, party, () => true);
    const opened = await decrypted(token);
    expect(opened.header).toEqual({
      alg: 'ECDH-ES',
      enc: 'A256GCM',
      kid: reading.kid,
      typ: 'secevent+jwt',
      cty: 'JWT',
      epk: { kty: 'OKP', crv: 'X25519', x: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) },
    });
    const inside = opened.payload ?? '';
    const read = await jwcrypto<Read>({ act: 'verify', key: materialOf(published), alg: 'EdDSA', token: inside });
    expect(JSON.parse(read.payload ?? '')).toMatchObject({ iss: node.issuer, aud: party.issuer });
    expect(party.arrived.every((sent) => sent.split('.').length === 5)).toBe(true);
  });

  /** The payload of what stands inside an encrypted token, as text. */
  function claimsOf({ payload = '' }: Read): string {
    return Buffer.from(payload.split('.')[1] ?? '', 'base64url').toString();
  }
});
