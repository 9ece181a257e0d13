import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';
import { carries, type MadeKey, materialOf, meet, outcomeOf, type Party, publishKey, sentFor } from './party.ts';
import { jose, withoutJose } from './tools.ts';

// `jose`, a command in C over OpenSSL: ES256 both ways between it and a running node.

describe.skipIf(withoutJose !== undefined)(
  `the jose command and ES256${withoutJose ? ` (${withoutJose})` : ''}`,
  () => {
    let node: TestNode;
    let party: Party;
    let secret: string;
    let made: MadeKey;
    let published: Json;

    beforeAll(async () => {
      node = await testNode();
      secret = (await jose(['jwk', 'gen', '-i', '{"alg":"ES256"}'])) ?? '';
      const kid = await jose(['jwk', 'thp', '-a', 'S256', '-i', 'key'], { key: secret });
      const shown = await jose(['jwk', 'pub', '-i', 'key'], { key: secret });
      made = { kid: kid?.trim() ?? '', alg: 'ES256', public: JSON.parse(shown ?? '') as Json };
      published = await publishKey(node, 'ES256');
      party = await meet(node, [made], 'none');
    });
    afterAll(async () => {
      await party?.close();
      await node?.remove();
    });

    const signed = async (payload: string, protect: Json = {}) => {
      const header = { protected: { alg: 'ES256', typ: 'secevent+jwt', kid: made.kid, ...protect } };
      const files = { key: secret, payload };
      return (
        (await jose(['jws', 'sig', '-c', '-I', 'payload', '-k', 'key', '-s', JSON.stringify(header)], files)) ?? ''
      );
    };
    const verified = (token: string, key: Json) =>
      jose(['jws', 'ver', '-i', 'token', '-k', 'key', '-O', '-'], { token, key: JSON.stringify(key) });

    test('a token that it signed is taken', async () => {
      const { jti, payload } = party.message(node);
      expect(await party.push(node, await signed(payload))).toEqual({ status: 202, body: '' });
      expect(await outcomeOf(node, jti)).toBe('accepted');
    });

    test('a token that it signed over something else is not', async () => {
      const [one, other] = [await signed(party.message(node).payload), await signed(party.message(node).payload)];
      const mixed = [...one.split('.').slice(0, 2), other.split('.')[2]].join('.');
      expect(await party.push(node, mixed)).toMatchObject({
        status: 400,
        body: expect.stringContaining('authentication_failed'),
      });
      const wrong = await signed(party.message(node).payload, { typ: 'JWT' });
      expect(await party.push(node, wrong)).toMatchObject({
        status: 400,
        body: expect.stringContaining('invalid_request'),
      });
    });

    test.each(['submitted', 'receipt'])(
      'a %s of the node verifies there under the published key, and under no other',
      async (event) => {
        const token = await sentFor(node, party, (sent) => carries(sent, event));
        const payload = await verified(token, materialOf(published));
        expect(JSON.parse(payload ?? '')).toMatchObject({ iss: node.issuer, aud: party.issuer });
        expect(await verified(token, made.public)).toBeUndefined();
      },
    );

    test('the thumbprint of the published key is the same by its reckoning', async () => {
      const kid = await jose(['jwk', 'thp', '-a', 'S256', '-i', 'key'], { key: JSON.stringify(materialOf(published)) });
      expect(kid?.trim()).toBe(published.kid);
    });
  },
);
