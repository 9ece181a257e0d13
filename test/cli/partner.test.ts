import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { spokenFingerprint } from '../../src/wire/fingerprint.ts';
import { type ForeignPartner, foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { type Ran, run } from './run.ts';

// The node runs in this process; what is tested are the commands beside it, through its private socket.

let node: TestNode;
let partner: ForeignPartner;

beforeAll(async () => {
  [node, partner] = await Promise.all([testNode(), foreignPartner()]);
});
afterAll(async () => {
  await partner.close();
  await node.remove();
});

function on(args: readonly string[], input?: string): Promise<Ran> {
  const environment = { CASEREF_DATA: node.directory, INIT_CWD: node.directory };
  return run(args, { environment, ...(input !== undefined && { input }) });
}

const spoken = () => spokenFingerprint(partner.identity.kid);

test('a name that turns the direction of the text is refused with the card', async () => {
  const organisation = { name: 'Unit \u202eecilop', type: 'law-enforcement', jurisdictions: ['DE'] };
  const { code, out, err } = await on(['partner', 'add', '-'], partner.card({ organisation }));
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^✗ card-invalid at \/organisation\/name/);
  expect(err).not.toContain('\u202e');
});

test('a card that is added shows who it says it is, the fingerprint, and the command that confirms it', async () => {
  const organisation = { name: 'Unité 警察', type: 'law-enforcement', jurisdictions: ['DE'] };
  const { code, out, err } = await on(['partner', 'add', '-'], `${partner.card({ organisation })}\n`);
  expect(code, err).toBe(0);
  expect(out).toMatch(/^state +pending$/m);
  expect(out).toContain('Unité 警察, law-enforcement');
  expect(out).toContain(spoken());
  expect(err).toContain(`caseref partner confirm ${partner.issuer} --fingerprint '${spoken()}'`);
});

test('a fingerprint that was misheard confirms nothing', async () => {
  const { code, out, err } = await on([
    'partner',
    'confirm',
    partner.issuer,
    '--fingerprint',
    spoken().replace(/\d$/, 'x'),
  ]);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('fingerprint-mismatch');
  expect((await on(['partner', 'show', partner.issuer])).out).toMatch(/^state +pending$/m);
});

test('the spoken fingerprint confirms it; what was taken from the card is said', async () => {
  const args = ['partner', 'confirm', partner.issuer, '--fingerprint', spoken(), '--jurisdiction', 'DE,NL'];
  const { code, out, err } = await on([...args, '--verified-by', 'A. Invented, by telephone']);
  expect(code, err).toBe(0);
  expect(out).toMatch(/^recorded as +law-enforcement {2}\(taken from its card\)$/m);
  expect(out).toMatch(/^competent for +DE, NL$/m);
});

test('the list and the whole partner', async () => {
  const [list, shown, json] = await Promise.all([
    on(['partner', 'list']),
    on(['partner', 'show', partner.issuer]),
    on(['partner', 'show', partner.issuer, '--json']),
  ]);
  expect(list.out).toMatch(new RegExp(`^${partner.issuer} +active +law-enforcement +DE,NL `, 'm'));
  expect(shown.out).toMatch(/^verified by +A\. Invented, by telephone$/m);
  expect(shown.out).toContain(partner.operational.kid);
  expect(JSON.parse(json.out)).toMatchObject({ issuer: partner.issuer, state: 'active', jurisdictions: ['DE', 'NL'] });
});

test('a policy is checked, set, approved and shown', async () => {
  const file = join(node.directory, 'policy.json');
  await writeFile(file, JSON.stringify(policyFor(partner.issuer)));
  const checked = await on(['policy', 'check', 'policy.json']);
  expect([checked.code, checked.err]).toEqual([0, expect.stringContaining('The policy can be set.')]);
  const set = await on(['policy', 'set', partner.issuer, 'policy.json']);
  expect([set.code, set.out]).toEqual([0, expect.stringMatching(/^version +1$/m)]);
  expect(set.err).toContain('recorded, a second person is not enforced');
  const approved = await on(['policy', 'approve', partner.issuer, '1']);
  expect([approved.code, approved.out]).toEqual([0, expect.stringMatching(/^state +active$/m)]);
  const shown = await on(['policy', 'show', partner.issuer, '--version', '1']);
  expect(JSON.parse(shown.out)).toEqual({ ...policyFor(partner.issuer), version: 1 });
});

test('a policy for another partner is refused with pointer and next step', async () => {
  const { code, err } = await on(
    ['policy', 'set', partner.issuer, '-'],
    JSON.stringify(policyFor('https://b.example')),
  );
  expect([code, err]).toEqual([1, expect.stringMatching(/^✗ policy-invalid at \/partner: .+\n {2}next: .+\n$/)]);
});

test('a submission says who gets it and why not, and its delivery is listed', async () => {
  const reference = {
    url: 'https://files.host.example/a',
    jurisdiction: { hosting: 'DE' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
  };
  const { code, out } = await on(['reference', 'submit', '-'], JSON.stringify(reference));
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^${partner.issuer} +send +all`, 'm'));
  await vi.waitFor(async () => {
    const listed = await on(['delivery', 'list', '--partner', partner.issuer, '--json']);
    expect(JSON.parse(listed.out).items).toMatchObject([{ state: 'sent', event: 'submitted', receipt: null }]);
  }, 10_000);
  expect(partner.arrived).toHaveLength(1);
  const again = await on(['reference', 'submit', '-'], JSON.stringify(reference));
  expect(again.err).toMatch(/^! known: .* closes and lowers nothing/m);
});

test('a new key is made, and published to the partner', async () => {
  const made = await on(['keys', 'generate', '--alg', 'ES256', '--json']);
  expect(JSON.parse(made.out)).toMatchObject({ alg: 'ES256', state: 'future' });
  const published = await on(['keys', 'publish']);
  expect([published.code, published.err]).toEqual([0, expect.stringContaining(`✓ ${partner.issuer} told`)]);
  const { out } = await on(['keys', 'list']);
  expect(out).toContain(JSON.parse(made.out).kid);
});
