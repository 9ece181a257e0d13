import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperationAnswer } from '../../src/operator/answer.ts';
import { foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { type TestNode, testNode } from '../support/node.ts';

let node: TestNode;

beforeAll(async () => {
  node = await testNode({ name: 'Hotline A' });
});
afterAll(() => node.remove());

/** Calls with arguments that the types would not let pass, as a socket may. */
async function refusalOf(name: string, args: unknown) {
  const operations = node.running.operations as unknown as Record<string, (args: unknown) => Promise<OperationAnswer>>;
  const answer = await operations[name]?.(args);
  if (!answer || answer.ok) throw new Error(`${name} was done`);
  const [first] = answer.refusals;
  return { code: first?.code, pointer: first?.pointer };
}

describe('arguments are checked before anything is done', () => {
  test.each([
    ['card', { loud: true }, '/loud'],
    ['card', [], ''],
    ['card', null, ''],
    ['keys.generate', { alg: 'RS256' }, '/alg'],
    ['partner.add', {}, '/card'],
    ['partner.add', { card: 7 }, '/card'],
    ['partner.confirm', { issuer: 'https://a.example', fingerprint: 'x', foreign: 'yes' }, '/foreign'],
    [
      'partner.confirm',
      { issuer: 'https://a.example', fingerprint: 'x', jurisdictions: ['DE', 7] },
      '/jurisdictions/1',
    ],
    ['partner.list', { limit: 0 }, '/limit'],
    ['partner.list', { limit: 501 }, '/limit'],
    ['policy.set', { issuer: 'https://a.example', document: 'text' }, '/document'],
    ['policy.show', { issuer: 'https://a.example', version: 1.5 }, '/version'],
    ['client.create', { name: 'a', scopes: [] }, '/scopes'],
    ['client.create', { name: 'a', scopes: ['everything'] }, '/scopes'],
    ['reference.import', { lines: [] }, '/lines'],
    ['reference.import', { lines: [{ line: 1, text: '{}' }, { line: 2 }] }, '/lines/1/text'],
    ['reference.import', { lines: Array.from({ length: 501 }, (_, n) => ({ line: n + 1, text: '{}' })) }, '/lines'],
    ['reference.list', { direction: 'sideways' }, '/direction'],
    ['reference.list', { since: 'yesterday' }, '/since'],
    ['reference.list', { since: '2026-02-31T10:00:00+01:00' }, '/since'],
    ['reference.show', { id: "1' or 1=1" }, '/id'],
    ['reference.say', { id: crypto.randomUUID(), event: 'shouted', payload: {} }, '/event'],
    ['reference.say', { id: crypto.randomUUID(), event: 'feedback' }, '/payload'],
    ['unit.add', { name: 'Desk' }, '/jurisdiction'],
    ['unit.remove', {}, '/name'],
    ['delivery.list', { state: 'lost' }, '/state'],
    ['events', { limit: '50' }, '/limit'],
  ])('%s with %j points to %s', async (name, args, pointer) => {
    expect(await refusalOf(name, args)).toEqual({ code: 'usage-invalid', pointer });
  });

  test('a value that looks like a refusal is a document like any other', async () => {
    const document = { refused: true, code: 'internal', pointer: '' };
    const report = await node.ask('policy.check', { document });
    expect(report.refusals[0]?.code).toBe('policy-invalid');
  });

  test('a cursor of another list is refused', async () => {
    const { next } = await node.ask('events', {});
    expect(await refusalOf('reference.list', { cursor: next })).toEqual({ code: 'cursor-invalid', pointer: '/cursor' });
  });
});

describe('keys', () => {
  test('the fingerprint is that of the card, and the identity key is on this machine', async () => {
    const { fingerprint, spoken } = await node.ask('keys.fingerprint', {});
    const { identity, keys } = await node.ask('keys.list', {});
    expect(identity).toEqual({ kid: fingerprint, spoken, present: true });
    expect(keys.map(({ state, alg, use }) => ({ state, alg, use }))).toEqual([
      { state: 'active', alg: 'Ed25519', use: 'sig' },
      { state: 'active', alg: 'ECDH-ES', use: 'enc' },
    ]);
  });

  test('a generated key waits three refresh periods and signs nothing before', async () => {
    const made = await node.ask('keys.generate', { alg: 'ES256' });
    expect(made).toMatchObject({ alg: 'ES256', state: 'future' });
    expect(Date.parse(made.notBefore) - Date.now()).toBeGreaterThan(2.9 * 3_600_000);
    const { keys } = await node.ask('keys.list', {});
    expect(keys.map(({ kid }) => kid)).toContain(made.kid);
  });
});

describe('references', () => {
  test('a submission is answered with masked addresses and whole decisions', async () => {
    const partner = await foreignPartner();
    await partner.meet(node);
    const shared = await node.ask('reference.submit', { reference: inventedReference(1) });
    expect(shared.reference.url).toBe('hxxps://host-1[.]example/…');
    expect(shared.reference).toMatchObject({ originator: node.issuer, direction: 'out', state: 'open', revision: 1 });
    expect(shared.decisions).toMatchObject([{ partner: partner.issuer, effect: 'send', rule: 'all' }]);
    await partner.close();
  });

  test('the same idempotency key has the same answer, and another body is refused', async () => {
    const call = { reference: inventedReference(2), idempotencyKey: 'key-1' };
    const [first, second] = [await node.ask('reference.submit', call), await node.ask('reference.submit', call)];
    expect(second.reference.id).toBe(first.reference.id);
    expect(await refusalOf('reference.submit', { ...call, reference: inventedReference(3) })).toMatchObject({
      code: 'idempotency-mismatch',
    });
  });

  test('a gate’s refusal comes as it is, with its pointer', async () => {
    const reference = { ...inventedReference(4), thumbnail: 'x' };
    expect(await refusalOf('reference.submit', { reference })).toEqual({
      code: 'media-refused',
      pointer: '/thumbnail',
    });
  });

  test('an import has a result for each line and one bad line stops nothing', async () => {
    const lines = [JSON.stringify(inventedReference(5)), '{"url":', JSON.stringify(inventedReference(6)), ''];
    const { results } = await node.ask('reference.import', { lines: lines.map((text, n) => ({ line: n + 1, text })) });
    expect(results.map(({ line, status }) => [line, status])).toEqual([
      [1, 'shared'],
      [2, 'refused'],
      [3, 'shared'],
      [4, 'refused'],
    ]);
  });

  test('showing is masked, and whole only for a purpose of the list, which is recorded', async () => {
    const { reference } = await node.ask('reference.submit', { reference: inventedReference(7) });
    const id = reference.id;
    const masked = await node.ask('reference.show', { id });
    expect(masked).toMatchObject({ url: 'hxxps://host-7[.]example/…' });
    expect(await refusalOf('reference.show', { id, purpose: 'curiosity' })).toMatchObject({ pointer: '/purpose' });
    const whole = await node.ask('reference.show', { id, purpose: 'audit' });
    expect(whole).toMatchObject({ url: inventedReference(7).url });
    expect(whole).toMatchObject({
      history: { revisions: [{ revision: 1 }] },
      decisions: expect.any(Array),
      deliveries: expect.any(Array),
    });
    const { items } = await node.ask('events', { limit: 500 });
    expect(items.filter(({ type }) => type === 'address.revealed').map(({ code }) => code)).toEqual(['audit']);
  });

  test('lists page without gaps or repeats', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await node.ask('reference.list', { direction: 'out', limit: 2, ...(cursor && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next ?? undefined;
    } while (cursor);
    const { items } = await node.ask('reference.list', { direction: 'out', limit: 500 });
    expect(seen).toEqual(items.map(({ id }) => id));
  });
});

describe('partners, policies, denies, clients', () => {
  test('a partner is pending with its fingerprint until the right one is confirmed', async () => {
    const partner = await foreignPartner();
    const added = await node.ask('partner.add', { card: `${partner.card()}\n` });
    expect(added).toMatchObject({ state: 'pending', fingerprint: partner.identity.kid });
    const { issuer } = partner;
    expect(await refusalOf('partner.confirm', { issuer, fingerprint: partner.operational.kid })).toMatchObject({
      code: 'fingerprint-mismatch',
    });
    const confirmed = await node.ask('partner.confirm', { issuer, fingerprint: added.spoken });
    expect(confirmed).toMatchObject({ state: 'active', fromCard: ['type', 'jurisdictions'] });
    expect(await node.ask('partner.show', { issuer })).toMatchObject({ issuer, state: 'active' });
    await partner.close();
  });

  test('a policy is checked without being stored, then set, shown and approved', async () => {
    const partner = await foreignPartner();
    await partner.meet(node);
    const document = policyFor(partner.issuer);
    expect((await node.ask('policy.check', { document })).refusals).toEqual([]);
    expect(await node.ask('policy.set', { issuer: partner.issuer, document })).toMatchObject({
      version: 2,
      state: 'active',
    });
    expect(await node.ask('policy.show', { issuer: partner.issuer, version: 1 })).toMatchObject({
      state: 'superseded',
    });
    expect(await node.ask('policy.approve', { issuer: partner.issuer, version: 2 })).toMatchObject({ state: 'active' });
    await partner.close();
  });

  test('a deny is added, listed and removed', async () => {
    const document = { id: 'no-xk', destination: ['XK'], ground: 'death-penalty' };
    await node.ask('policy.deny.add', { document });
    expect((await node.ask('policy.deny.list', {})).items).toEqual([document]);
    await node.ask('policy.deny.remove', { id: 'no-xk' });
    expect((await node.ask('policy.deny.list', {})).items).toEqual([]);
  });

  test('a client’s token is told once', async () => {
    const made = await node.ask('client.create', { name: 'Intake', scopes: ['references:write'] });
    expect(made.token).toMatch(/^caseref_/);
    const { items } = await node.ask('client.list', {});
    expect(JSON.stringify(items)).not.toContain(made.token);
    await node.ask('client.revoke', { id: made.id });
    expect((await node.ask('client.list', {})).items[0]).toHaveProperty('revokedAt');
  });
});

test('the status counts partners and what waits', async () => {
  expect(await node.ask('status', {})).toMatchObject({
    issuer: node.issuer,
    name: 'Hotline A',
    store: 'embedded',
    running: true,
    partners: { pending: 0 },
    outbox: { overdue: 0, dead: 0 },
  });
});
