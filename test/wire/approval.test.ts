import { describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { type Approval, documentDigest, namedKey, openApproval, signApproval } from '../../src/wire/approval.ts';
import fc from '../support/property.ts';
import { encode, honestHeader, makeToken, now, signerOf, testKey } from '../support/tokens.ts';

const key = testKey();
const keyOf = (kid: string) => (kid === key.kid ? key.jwk : undefined);
const at = new Date(now * 1000).toISOString();
const claims: Approval = {
  node: 'https://node.hotline-a.example',
  act: 'policy',
  subject: 'https://node.police-b.example',
  digest: documentDigest({ version: 3 }),
  role: 'author',
  at,
};
const { at: _, ...expected } = claims;

async function refusalOf(token: string, wanted: Omit<Approval, 'at'> = expected) {
  const opened = await openApproval(token, wanted, { now, keyOf });
  if (!isRefusal(opened)) throw new Error('the approval was taken');
  return [opened.code, opened.pointer];
}

const header = honestHeader(key, 'caseref-approval+jwt');
const made = (payload: object) => makeToken({ key, header, payload: payload as Record<string, unknown> });

describe('an approval', () => {
  test('that was signed for this act is taken, and names its key', async () => {
    const { compact, digest } = await signApproval(claims, signerOf(key));
    expect(namedKey(compact)).toBe(key.kid);
    const opened = await openApproval(compact, expected, { now, keyOf });
    expect(opened).toEqual({ ...claims, kid: key.kid, tokenDigest: digest });
  });

  test('made by hand is taken too: the form is the one described', async () => {
    expect(await openApproval(made(claims), expected, { now, keyOf })).toMatchObject({ kid: key.kid });
  });

  test.each([
    ['node', 'https://node.hotline-c.example'],
    ['act', 'partner.confirm'],
    ['subject', 'https://node.police-c.example'],
    ['digest', documentDigest({ version: 4 })],
    ['role', 'approver'],
  ] as const)('for another %s is refused', async (name, value) => {
    const { compact } = await signApproval({ ...claims, [name]: value }, signerOf(key));
    expect(await refusalOf(compact)).toEqual(['approval-invalid', `/signature/${name}`]);
  });

  test.each([
    ['ten minutes and a second ago', -601],
    ['two minutes and a second ahead', 121],
  ])('signed %s is refused', async (_name, seconds) => {
    const signedAt = new Date((now + seconds) * 1000).toISOString();
    expect(await refusalOf(made({ ...claims, at: signedAt }))).toEqual(['approval-invalid', '/signature/at']);
  });

  test.each([
    ['no instant', { ...claims, at: 'now' }, '/signature/at'],
    ['a number as instant', { ...claims, at: now }, '/signature'],
    ['a further claim', { ...claims, note: 'x' }, '/signature'],
    ['a claim less', { node: claims.node }, '/signature'],
  ])('with %s is refused', async (_name, payload, pointer) => {
    expect(await refusalOf(made(payload))).toEqual(['approval-invalid', pointer]);
  });

  test('by a key that nobody registered is refused, and so is one by another key under this name', async () => {
    const other = testKey();
    expect(await refusalOf((await signApproval(claims, signerOf(other))).compact)).toEqual([
      'operator-unknown',
      '/signature',
    ]);
    const forged = makeToken({ key: other, header, payload: { ...claims } });
    expect(await refusalOf(forged)).toEqual(['approval-invalid', '/signature']);
  });

  test.each([
    ['of a message', honestHeader(key)],
    ['of a peer card', honestHeader(key, 'caseref-peer+jwt')],
    ['in capitals', honestHeader(key, 'CASEREF-APPROVAL+JWT')],
    ['with a media type in front', honestHeader(key, 'application/caseref-approval+jwt')],
  ])('under a token type %s is refused', async (_name, wrong) => {
    const token = makeToken({ key, header: wrong, payload: { ...claims } });
    expect(await refusalOf(token)).toEqual(['approval-invalid', '/signature']);
  });

  test('with an algorithm that is not Ed25519, or another spelling of its bytes, is refused', async () => {
    const swapped = makeToken({ key, header: { ...header, alg: 'EdDSA' }, payload: { ...claims } });
    const invalid = ['approval-invalid', '/signature'];
    expect(await refusalOf(swapped)).toEqual(invalid);
    const none = `${encode(JSON.stringify({ ...header, alg: 'none' }))}.${encode(JSON.stringify(claims))}.`;
    expect(await refusalOf(none)).toEqual(invalid);
    expect(await refusalOf(`${made(claims)}=`)).toEqual(invalid);
    const twice = JSON.stringify(claims).replace('{', '{"role":"approver",');
    expect(await refusalOf(makeToken({ key, header, payload: twice }))).toEqual(invalid);
  });
});

describe('the digest of a document', () => {
  test('is the one that RFC 8785 gives, by a value worked out apart', () => {
    // printf '{"a":[1,"ü"],"b":{"c":null,"d":true}}' | openssl dgst -sha256 -binary | basenc --base64url
    expect(documentDigest({ b: { d: true, c: null }, a: [1, 'ü'] })).toBe(
      'S256:x0M3LpfH0k31WqeQyM5kc8YPPehM-PoWrKrZWj640go',
    );
  });

  test('does not depend on the order of members, nor on members without a value', () => {
    expect(documentDigest({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(documentDigest({ b: [{ d: 3, c: 2 }], a: 1 }));
    expect(documentDigest({ a: 1, b: undefined })).toBe(documentDigest({ a: 1 }));
    const member = fc.string({ maxLength: 8 }).filter((name) => name !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(member, fc.jsonValue()), (document) => {
        const turned = Object.fromEntries(Object.entries(document).reverse());
        expect(documentDigest(turned)).toBe(documentDigest(document));
        expect(documentDigest(JSON.parse(JSON.stringify(document)) as object)).toBe(documentDigest(document));
      }),
      { numRuns: 200 },
    );
  });

  test('moves with every value, with the order of a list, and with where a value stands', () => {
    const digests = [
      { a: 1 },
      { a: 2 },
      { a: '1' },
      { a: [1, 2] },
      { a: [2, 1] },
      { a: { b: 1 } },
      { a: {}, b: 1 },
      { 'a":1,"b': 1 },
    ].map(documentDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
