import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spokenFingerprint } from '../../src/wire/fingerprint.ts';
import { type ForeignPartner, foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { type Ran, run } from './run.ts';

// Two persons with a key file and a passphrase each; the node runs in this process and never sees either.

let node: TestNode;
let partner: ForeignPartner;

beforeAll(async () => {
  [node, partner] = await Promise.all([testNode(), foreignPartner()]);
  await on('ada', ['partner', 'add', '-'], partner.card());
  await writeFile(join(node.directory, 'policy.json'), JSON.stringify(policyFor(partner.issuer)));
});
afterAll(async () => {
  await partner.close();
  await node.remove();
});

const passphraseOf = (name: string) => `invented words of ${name} for tests`;

/** Runs a command as one person: with that one's passphrase, and the key file where `signs` says so. */
function on(name: string, args: readonly string[], input?: string): Promise<Ran> {
  const environment = {
    CASEREF_DATA: node.directory,
    INIT_CWD: node.directory,
    CASEREF_OPERATOR_PASSPHRASE: passphraseOf(name),
  };
  return run(args, { environment, ...(input !== undefined && { input }) });
}
const signing = (name: string, args: readonly string[]) => on(name, [...args, '--operator', `${name}.operator.key`]);
const confirmation = () => [
  'partner',
  'confirm',
  partner.issuer,
  '--fingerprint',
  spokenFingerprint(partner.identity.kid),
];
const set = () => ['policy', 'set', partner.issuer, 'policy.json'];

test('without an operator the act is done, and what that is worth stands beside it', async () => {
  const listed = await on('ada', ['operator', 'list']);
  expect([listed.code, listed.out]).toEqual([0, '']);
  expect(listed.err).toContain('fewer than two operators');
  const doctor = await on('ada', ['doctor']);
  expect(doctor.out).toMatch(/^note +No operator is registered: .*\n +next: caseref operator add NAME$/m);
});

test('the first operator is added with a key file that only its owner can read', async () => {
  const { code, out, err } = await on('ada', ['operator', 'add', 'ada']);
  expect(code, err).toBe(0);
  expect(out).toMatch(/^operator +ada\nkid +[\w-]{43}\nstate +active$/m);
  const file = join(node.directory, 'ada.operator.key');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const text = await readFile(file, 'utf8');
  expect(text).not.toContain(passphraseOf('ada'));
  expect(text).not.toContain('"d"');
});

test('the second one makes its key elsewhere and hands over the public part', async () => {
  const made = await on('ben', ['operator', 'key', 'ben']);
  expect(made.code, made.err).toBe(0);
  const printed = JSON.parse(made.out) as { jwk: object };
  expect(Object.keys(printed.jwk).sort()).toEqual(['crv', 'kty', 'x']);
  await writeFile(join(node.directory, 'ben.public.json'), made.out);
  const wrong = await on('ada', ['operator', 'add', 'eve', '--public', 'ben.public.json']);
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('is not the key of eve')]);
  const added = await on('ada', ['operator', 'add', 'ben', '--public', 'ben.public.json']);
  expect(added.code, added.err).toBe(0);
  expect((await on('ada', ['operator', 'list'])).out).toMatch(/^ben +active +/m);
});

test('from here an act without a key is refused with the next step', async () => {
  const { code, err } = await on('ada', confirmation());
  expect([code, err]).toEqual([1, expect.stringMatching(/operator-required.*\n +next: .*--operator FILE/)]);
});

test('a wrong passphrase signs nothing', async () => {
  const { code, err } = await on('ben', [...confirmation(), '--operator', 'ada.operator.key']);
  expect([code, err]).toEqual([1, expect.stringContaining('passphrase-wrong')]);
  const missing = await on('ada', [...confirmation(), '--operator', 'nobody.key']);
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('nobody.key is missing')]);
});

test('a partner is confirmed by two persons who both heard the fingerprint', async () => {
  const first = await signing('ada', confirmation());
  expect(first.code, first.err).toBe(0);
  expect(first.out).toMatch(/^state +pending$/m);
  expect(first.out).toMatch(/^author +ada$/m);
  expect(first.err).toContain(
    `caseref partner confirm ${partner.issuer} --fingerprint 'WHAT YOU HEARD' --as law-enforcement --jurisdiction`,
  );
  expect(first.err).toMatch(/--operator FILE$/m);
  const again = await signing('ada', confirmation());
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('approval-own')]);
  const other = await signing('ben', [...confirmation(), '--as', 'regulator']);
  expect([other.code, other.err]).toEqual([1, expect.stringContaining('--as: law-enforcement, and you regulator')]);
  const second = await signing('ben', confirmation());
  expect(second.code, second.err).toBe(0);
  expect(second.out).toMatch(/^state +active$/m);
  expect(second.out).toMatch(/^approver +ben$/m);
});

test('a policy waits, is shown with its author, and is approved by the other', async () => {
  const made = await signing('ada', set());
  expect(made.code, made.err).toBe(0);
  expect(made.out).toMatch(/^version +1\nstate +pending$/m);
  expect(made.err).toContain(`caseref policy approve ${partner.issuer} 1 --operator FILE`);
  const none = await on('ben', ['policy', 'show', partner.issuer]);
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('--version 1')]);
  const pending = await on('ben', ['operator', 'pending']);
  expect(pending.out).toMatch(new RegExp(`^policy +${partner.issuer}$`, 'm'));
  expect(pending.err).toContain(`caseref policy approve ${partner.issuer} 1 --operator FILE`);
  expect((await on('ben', ['doctor'])).out).toMatch(/^warn +policy of .* waits for a second operator: signed by ada/m);
  const own = await signing('ada', ['policy', 'approve', partner.issuer, '1']);
  expect([own.code, own.err]).toEqual([1, expect.stringContaining('approval-own')]);
  const approved = await signing('ben', ['policy', 'approve', partner.issuer, '1']);
  expect(approved.code, approved.err).toBe(0);
  const shown = await on('ada', ['policy', 'show', partner.issuer]);
  expect(shown.err).toMatch(/^active: set \S+Z by ada, in force from \S+Z \(approved by ben\), S256:/m);
});

test('a deny is added and removed by two', async () => {
  const args = ['--ground', 'legal', '--category', 'grooming', '--json'];
  const added = await signing('ada', ['policy', 'deny', 'add', ...args]);
  expect(added.code, added.err).toBe(0);
  const { id, state } = JSON.parse(added.out) as { id: string; state: string };
  expect(state).toBe('pending');
  expect((await on('ada', ['policy', 'deny', 'list'])).err).toContain('There is no deny.');
  expect((await signing('ben', ['policy', 'deny', 'approve', id])).err).toContain(`The deny ${id} is in force.`);
  expect((await signing('ben', ['policy', 'deny', 'remove', id])).err).toContain('It denies as before.');
  expect((await signing('ada', ['policy', 'deny', 'approve', id])).err).toContain(`The deny ${id} is removed.`);
});

test('removing an operator wants --yes and the other person', async () => {
  const unsure = await signing('ada', ['operator', 'remove', 'ben']);
  expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining('--yes')]);
  const first = await signing('ada', ['operator', 'remove', 'ben', '--yes']);
  expect([first.code, first.out]).toEqual([0, expect.stringMatching(/^state +pending$/m)]);
  const second = await signing('ben', ['operator', 'approve', 'ben']);
  expect([second.code, second.out]).toEqual([0, expect.stringMatching(/^state +removed$/m)]);
  const late = await signing('ben', set());
  expect([late.code, late.err]).toEqual([1, expect.stringContaining('operator-unknown')]);
  const alone = await on('ada', set());
  expect([alone.code, alone.out]).toEqual([0, expect.stringMatching(/^state +active$/m)]);
  expect(alone.err).toContain('a second person is not enforced');
});
