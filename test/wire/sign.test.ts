import { describe, expect, test } from 'vitest';
import type { CaseReference, Policy } from '../../src/domain/contract.types.ts';
import { redact } from '../../src/domain/redact.ts';
import { isRefusal } from '../../src/domain/refusal.ts';
import {
  type Envelope,
  receiptClaims,
  revisedClaims,
  submittedClaims,
  verifyClaims,
  voidedClaims,
  withdrawnClaims,
} from '../../src/wire/event.ts';
import { checkSetSize, signSet } from '../../src/wire/sign.ts';
import fc from '../support/property.ts';
import {
  epoch,
  jti,
  now,
  operational,
  recordOf,
  referenceId,
  self,
  sender,
  signerOf,
  taken,
  testKey,
} from '../support/tokens.ts';

const envelope: Envelope = {
  iss: sender,
  aud: self,
  iat: now,
  jti,
  seq: { epoch, n: 7 },
  salt: 'Dw4NDAsKCQgHBgUEAwIBAA',
};

const policy: Policy = {
  partner: self,
  version: 1,
  send: { rules: [] },
  receive: { rules: [] },
};

function disclosureOf(changes: Partial<CaseReference> = {}) {
  const reference: CaseReference = {
    revision: 1,
    url: 'https://host.example/path',
    jurisdiction: { hosting: 'NL' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
    ...changes,
  };
  const decision = { effect: 'send', rule: 'all', policyVersion: 1, trace: [] } as const;
  const partner = { issuer: self, type: 'law-enforcement', jurisdictions: ['NL'] };
  return redact(reference, decision, { partner, policy, now: now * 1000 });
}

describe('a signed event', () => {
  test('is opened to the very claims that were signed, with the same digest', async () => {
    const claims = submittedClaims(envelope, referenceId, disclosureOf());
    const { compact, digest } = await signSet(claims, signerOf(operational));
    const opened = await taken(compact);
    expect(opened.claims).toEqual(claims);
    expect(opened.event.payload).toMatchObject({ url: 'https://host.example/path', category: 'csam' });
    expect(opened.digest).toBe(digest);
  });

  test.each(['EdDSA', 'ES256'] as const)('under %s is opened where the recipient pinned that', async (alg) => {
    const key = testKey(alg);
    const { compact } = await signSet(verifyClaims(envelope), signerOf(key));
    expect((await taken(compact, { keys: [recordOf(key)] })).kid).toBe(key.kid);
  });

  test.each([
    ['revised', revisedClaims(envelope, referenceId, disclosureOf({ revision: 2 }), `S256:${'A'.repeat(43)}`)],
    ['withdrawn', withdrawnClaims(envelope, referenceId, { reason: 'sent-in-error', purge: true })],
    ['voided', voidedClaims(envelope, { epoch, ranges: [[12, 15]], reason: 'withdrawn' })],
    ['verify', verifyClaims(envelope)],
    [
      'receipt',
      receiptClaims(
        envelope,
        {
          jti: 'of-a-foreign-client',
          digest: `S256:${'A'.repeat(43)}`,
          sub_id: { format: 'opaque', id: 'of-a-foreign-client' },
        },
        { receivedAt: '2026-11-20T10:00:00Z', outcome: 'refused', code: 'schema-invalid', pointer: '/url' },
      ),
    ],
  ])('of type %s passes its own gate', async (name, claims) => {
    const { compact } = await signSet(claims, signerOf(operational));
    const opened = await taken(compact);
    expect(opened.event.name).toBe(`urn:caseref:event:1:${name}`);
    expect(opened.claims).toEqual(claims);
  });

  test('round-trips whatever address it carries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.webUrl({ withFragments: true, withQueryParameters: true }),
        fc.uuid({ version: 7 }),
        async (url, id) => {
          const claims = submittedClaims(envelope, id, disclosureOf({ url }));
          const { compact } = await signSet(claims, signerOf(operational));
          expect((await taken(compact)).claims).toEqual(claims);
        },
      ),
    );
  });
});

describe('the size of a token', () => {
  const long = (bytes: number) => `https://host.example/${'a'.repeat(bytes)}`;
  const sized = (bytes: number) =>
    submittedClaims(envelope, referenceId, disclosureOf({ url: long(bytes), access: { referrer: long(10) } }));

  test('is foretold before anything is queued', async () => {
    expect(checkSetSize(sized(8000))).toBeUndefined();
    expect(checkSetSize(sized(16_000))).toMatchObject({ code: 'too-large' });
  });

  test('lets through exactly what a recipient takes', async () => {
    let bytes = 11_000;
    while (checkSetSize(sized(bytes + 1)) === undefined) bytes += 1;
    const { compact } = await signSet(sized(bytes), signerOf(operational));
    expect(compact.length).toBeLessThanOrEqual(16 * 1024);
    expect(compact.length).toBeGreaterThan(16 * 1024 - 16);
    expect(isRefusal(await taken(compact))).toBe(false);
  });

  test('is held by the signer too', async () => {
    await expect(signSet(sized(16_000), signerOf(operational))).rejects.toThrow(RangeError);
  });
});
