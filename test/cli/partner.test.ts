import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { spokenFingerprint } from '../../src/wire/fingerprint.ts';
import { type ForeignPartner, foreignPartner, policyFor, seconds } from '../support/foreign-partner.ts';
import { keyEntry, makeCard, makeKeySet } from '../support/introductions.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { testKey } from '../support/tokens.ts';
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
  // Never the card's own fingerprint: who pastes that has compared nothing.
  expect(err).toContain(`caseref partner confirm ${partner.issuer} --fingerprint 'WHAT YOU HEARD'`);
  expect(err).not.toContain(spoken());
});

test('a fingerprint that was misheard confirms nothing', async () => {
  const { code, out, err } = await on([
    'partner',
    'confirm',
    partner.issuer,
    '--fingerprint',
    spoken().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)),
  ]);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('fingerprint-mismatch');
  const typed = await on(['partner', 'confirm', partner.issuer, '--fingerprint', 'WHAT YOU HEARD']);
  expect([typed.code, typed.err]).toEqual([
    2,
    expect.stringMatching(/usage-invalid at \/fingerprint: .*no fingerprint/),
  ]);
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

test('a card that is there already says what to do with a newer one, and the same one changes nothing', async () => {
  const known = await on(['partner', 'add', '-'], partner.card());
  expect([known.code, known.err]).toEqual([
    1,
    expect.stringMatching(/partner-exists.*\n.*caseref partner update FILE/),
  ]);
  const older = await on(['partner', 'update', '-'], partner.card({ iat: seconds() - 3600 }));
  expect([older.code, older.err]).toEqual([1, expect.stringMatching(/card-invalid at \/iat: .*older/)]);
});

test('a newer card is taken, and what it says otherwise than was confirmed is told and stays', async () => {
  const organisation = { name: 'Unit renamed', type: 'hotline', jurisdictions: ['DE'] };
  const card = partner.card({ iat: seconds() + 30, organisation });
  const { code, err } = await on(['partner', 'update', '-'], card);
  expect(code, err).toBe(0);
  expect(err).toMatch(/changed: name/);
  expect(err).toMatch(/! It says another type than you confirmed, which stays: "hotline"/);
  expect((await on(['partner', 'show', partner.issuer])).out).toMatch(/^recorded as +law-enforcement$/m);
  const same = await on(['partner', 'update', '-'], card);
  expect([same.code, same.err]).toEqual([0, expect.stringContaining('here already')]);
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

test('a deny says whom it applies to today, and a code that does not exist is refused with the right one', async () => {
  const deny = (...args: string[]) => on(['policy', 'deny', 'add', '--ground', 'legal', ...args]);
  const there = await deny('--destination', 'NL', '--id', 'there');
  const nowhere = await deny('--destination', 'XK', '--id', 'nowhere');
  expect(there.out).toMatch(new RegExp(`^applies to +${partner.issuer}$`, 'm'));
  expect(nowhere.err).toContain('! It applies to no partner that you have now.');
  for (const id of ['there', 'nowhere']) await on(['policy', 'deny', 'remove', id]);
  const uk = await deny('--destination', 'NL,UK');
  expect([uk.code, uk.err]).toEqual([1, expect.stringMatching(/policy-invalid at \/destination\/1: .*\n.*"GB"/)]);
  expect((await deny('--destination', 'QQ')).err).toContain('policy-invalid at /destination/0');
  expect((await deny('--category', 'csma')).err).toContain('policy-invalid at /when/category/0');
});

test('a list by a value that nothing can have is refused and not empty', async () => {
  const refused = async (...args: string[]) => (await on(args)).err;
  expect(await refused('reference', 'list', '--state', 'opne')).toMatch(/query-invalid at \/state: .*\n.*open, held/);
  expect(await refused('reference', 'list', '--jurisdiction', 'UK')).toMatch(
    /query-invalid at \/jurisdiction: .*\n.*GB/,
  );
  for (const list of [
    ['reference', 'list'],
    ['reference', 'held'],
    ['delivery', 'list'],
  ]) {
    expect(await refused(...list, '--partner', 'https://nobody.example')).toContain('partner-unknown at /partner');
    expect(await refused(...list, '--partner', `${partner.issuer}/`)).toMatch(/\/partner: .*\n.*issuers have none/);
    expect((await on([...list, '--partner', partner.issuer])).code).toBe(0);
  }
  expect((await on(['reference', 'list', '--partner', node.issuer])).code).toBe(0);
});

test('a policy for somebody who is no partner says that, before it compares anything', async () => {
  const document = JSON.stringify(policyFor(partner.issuer));
  const { code, err } = await on(['policy', 'set', `${partner.issuer}/`, '-'], document);
  expect([code, err]).toEqual([1, expect.stringMatching(/partner-unknown at \/issuer: .*\n.*issuers have none/)]);
});

test('a policy is checked without a node', async () => {
  const nothing = { INIT_CWD: node.directory };
  const { code, err } = await run(['policy', 'check', '-'], {
    environment: nothing,
    input: JSON.stringify(policyFor(partner.issuer)),
  });
  expect([code, err]).toEqual([0, expect.stringContaining('The policy can be set.')]);
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

test('an address that was asked for whole is no link on the terminal', async () => {
  const { items } = JSON.parse((await on(['reference', 'list', '--limit', '1', '--json'])).out);
  const args = ['reference', 'show', items[0].id, '--reveal', '--purpose', 'audit'];
  expect((await on(args)).out).toMatch(/^address +hxxps:\/\/files\[\.\]host\[\.\]example\/a$/m);
  expect(JSON.parse((await on([...args, '--json'])).out).url).toBe('https://files.host.example/a');
});

test('a partner is suspended with its reason, all of them only with --yes, and resumed', async () => {
  const all = await on(['partner', 'suspend', '--all', '--reason', 'a trial']);
  expect([all.code, all.err]).toEqual([2, expect.stringContaining('--yes')]);
  const { code, err } = await on(['partner', 'suspend', partner.issuer, '--reason', 'its keys were lost']);
  expect([code, err]).toEqual([0, expect.stringContaining(`caseref partner resume ${partner.issuer}`)]);
  expect((await on(['partner', 'show', partner.issuer])).out).toMatch(/^because +its keys were lost$/m);
  expect((await on(['partner', 'suspend', partner.issuer, '--reason', 'again'])).err).toContain('state-conflict');
  expect((await on(['partner', 'resume', partner.issuer])).code).toBe(0);
  expect((await on(['partner', 'suspend', '--all', '--reason', 'a trial', '--yes'])).err).toContain(partner.issuer);
  expect((await on(['partner', 'resume', partner.issuer])).code).toBe(0);
  expect((await on(['partner', 'show', partner.issuer])).out).not.toContain('because');
});

test('a new key is made, and published to the partner', async () => {
  const made = await on(['keys', 'generate', '--alg', 'ES256', '--json']);
  expect(JSON.parse(made.out)).toMatchObject({ alg: 'ES256', state: 'future' });
  const published = await on(['keys', 'publish']);
  expect([published.code, published.err]).toEqual([0, expect.stringContaining(`✓ ${partner.issuer} told`)]);
  const { out } = await on(['keys', 'list']);
  expect(out).toContain(JSON.parse(made.out).kid);
});

test('another identity key prints the new fingerprint, what stays in force, and the call to make', async () => {
  const identity = testKey();
  const life = { iat: seconds(), exp: seconds() + 86_400 };
  const endpoints = { push: `${partner.issuer}/exchange/push`, keys: `${partner.issuer}/exchange/keys` };
  const keys = [keyEntry(testKey(), { nbf: seconds() - 60, exp: seconds() + 86_400 })];
  const key_set = makeKeySet(
    { iss: partner.issuer, ...life, seq: life.iat, endpoints, keys, encryption: 'none' },
    { key: identity },
  );
  const card = makeCard({ iss: partner.issuer, ...life, identity_key: identity.jwk, key_set }, { key: identity });
  const { code, out, err } = await on(['partner', 'update', '-'], card);
  expect(code, err).toBe(0);
  expect(err).toContain('ANOTHER identity key');
  expect(out).toContain(identity.kid);
  expect(out).toMatch(new RegExp(`^still in force +${partner.identity.kid}$`, 'm'));
  expect(err).toMatch(/number that you had before this card/);
  expect(err).toContain(`--fingerprint 'WHAT YOU HEARD' --suspect-since INSTANT`);
  const shown = await on(['partner', 'show', partner.issuer]);
  expect(shown.out).toMatch(new RegExp(`^its fingerprint +${identity.kid}$`, 'm'));
  expect(shown.out).toMatch(/^encryption +none$/m);
});

test('a check prints one line each and exits 1 when something is bad', async () => {
  const { code, out } = await on(['partner', 'check', partner.issuer]);
  expect(code, out).toBe(1);
  expect(out).toMatch(/^bad +A card with another identity key waits/m);
  expect(out).toMatch(/^bad +.*signed no receipt within ten seconds/m);
  expect(out).toMatch(/^ok +We sign with Ed25519, which it verifies\.$/m);
  expect(out).toMatch(/^ok +A policy with a legal basis is in force\.$/m);
  const json = await on(['partner', 'check', 'https://nobody.example', '--json']);
  expect([json.code, JSON.parse(json.err).code]).toEqual([1, 'partner-unknown']);
}, 40_000);

test('a partner is removed only with --yes, which is told what is lost, and suspension instead', async () => {
  const asked = await on(['partner', 'remove', partner.issuer]);
  expect([asked.code, asked.out]).toEqual([2, '']);
  expect(asked.err).toMatch(/holds \d+ of our references/);
  expect(asked.err).toContain(`caseref partner suspend ${partner.issuer}`);
  const { code, err } = await on(['partner', 'remove', partner.issuer, '--yes']);
  expect([code, err]).toEqual([0, expect.stringContaining('is no partner any more')]);
  expect((await on(['partner', 'show', partner.issuer])).code).toBe(1);
  const again = await on(['partner', 'add', '-'], partner.card({ iat: seconds() + 60 }));
  expect([again.code, again.out]).toEqual([0, expect.stringMatching(/^before +a partner that was removed/m)]);
});
