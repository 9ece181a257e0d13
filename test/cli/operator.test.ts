import { once } from 'node:events';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentDigest } from '../../src/wire/approval.ts';
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
  expect(added.err).toContain('Register a third');
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
  const { id, state, digest } = JSON.parse(added.out) as { id: string; state: string; digest: string };
  expect(state).toBe('pending');
  const pending = await on('ben', ['operator', 'pending']);
  expect(pending.out).toMatch(/^ground +legal$/m);
  expect(pending.out).toMatch(/^when +category=grooming$/m);
  expect(pending.err).toContain(`caseref policy deny approve ${id} --digest ${digest} --operator FILE`);
  expect((await on('ada', ['policy', 'deny', 'list'])).err).toContain('There is no deny.');
  const approve = ['policy', 'deny', 'approve', id, '--digest'];
  const unseen = await signing('ben', [...approve, digest]);
  expect([unseen.code, unseen.err]).toEqual([2, expect.stringContaining('when: category=grooming')]);
  expect(unseen.err).toMatch(/Nothing was signed.*\n +next: .*--yes/);
  const other = await signing('ben', [...approve, 'S256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '--yes']);
  expect([other.code, other.err]).toEqual([1, expect.stringContaining('changed since')]);
  expect((await signing('ben', [...approve, digest, '--yes'])).err).toContain(`The deny ${id} is in force.`);
  const ended = await signing('ben', ['policy', 'deny', 'remove', id]);
  expect(ended.err).toContain('It denies as before.');
  const removal = /--digest (S256:\S{43})/.exec(ended.err)?.[1] ?? '';
  expect((await signing('ada', [...approve, removal, '--yes'])).err).toContain(`The deny ${id} is removed.`);
});

test('a suspension ends by two, and a partner is removed by two', async () => {
  const { issuer } = partner;
  expect((await on('ada', ['partner', 'suspend', issuer, '--reason', 'examined'])).code).toBe(0);
  const unsigned = await on('ada', ['partner', 'resume', issuer]);
  expect([unsigned.code, unsigned.err]).toEqual([1, expect.stringContaining('operator-required')]);
  const first = await signing('ada', ['partner', 'resume', issuer]);
  expect([first.code, first.err]).toEqual([0, expect.stringContaining('It is suspended as before.')]);
  const second = await signing('ben', ['partner', 'resume', issuer]);
  expect([second.code, second.err]).toEqual([0, expect.stringContaining(`${issuer} is active again`)]);
  expect(second.err).toMatch(/^Signed as approver by ben: partner.resume of /m);
  const removal = await signing('ada', ['partner', 'remove', issuer, '--yes']);
  expect([removal.code, removal.err]).toEqual([0, expect.stringContaining('It is a partner as before.')]);
  const waits = await on('ben', ['operator', 'pending']);
  expect(waits.err).toContain(`caseref partner remove ${issuer} --yes --operator FILE`);
});

test('what a colleague has signed is ended by naming it only', async () => {
  const made = await signing('ada', [...set(), '--json']);
  const { digest } = JSON.parse(made.out) as { digest: string };
  const unnamed = await signing('ben', set());
  expect([unnamed.code, unnamed.err]).toEqual([1, expect.stringContaining(`--instead-of ${digest}`)]);
  const named = await signing('ben', [...set(), '--instead-of', digest]);
  expect([named.code, named.err]).toEqual([0, expect.stringContaining('What ada had signed for it waits no more')]);
});

/** What a process of ada's beside the node's own socket answers, and the signatures that it was given. */
async function standBefore(sign: object): Promise<{ signatures: string[]; end(): Promise<void> }> {
  const signatures: string[] = [];
  const socket = join(node.directory, 'operator-1.sock');
  const fake = createServer(async (request, response) => {
    const args = JSON.parse(await text(request)) as { signature?: string };
    if (args.signature !== undefined) signatures.push(args.signature);
    const value = request.url === '/act.draft' ? { sign } : { id: 'no-chats', removed: false, state: 'pending' };
    response.end(JSON.stringify({ ok: true, value }));
  });
  fake.listen(socket);
  await once(fake, 'listening');
  await mkdir(join(node.directory, 'run'), { recursive: true });
  const file = join(node.directory, 'run', '1.json');
  await writeFile(file, JSON.stringify({ pid: 1, socket, startedAt: 'x', node: 'x' }));
  return {
    signatures,
    async end() {
      await rm(file);
      fake.close();
    },
  };
}

test('a socket that was planted beside the node gets no signature for anything else than was asked for', async () => {
  const made = await on('mallory', ['operator', 'key', 'mallory']);
  await writeFile(join(node.directory, 'mallory.public.json'), made.out);
  await signing('ada', ['operator', 'add', 'mallory', '--public', 'mallory.public.json']);
  const waiting = (await node.ask('operator.pending', {})).items.find(({ subject }) => subject === 'mallory');
  if (!waiting) throw new Error('nothing waits');
  const { document } = waiting;
  const deny = { id: 'no-chats', removed: true, deny: { id: 'no-chats', ground: 'legal' } };
  const honest = { draft: true, node: node.issuer, act: 'deny.remove', subject: 'no-chats', role: 'author' };
  const asked = { ...honest, digest: documentDigest(deny), document: deny };
  const drafts: readonly [object, string | undefined][] = [
    [{ ...asked, act: 'operator.add', subject: 'mallory', role: 'approver', digest: waiting.digest, document }, '/act'],
    [{ ...asked, subject: 'mallory' }, '/subject'],
    [{ ...asked, role: 'approver' }, '/role'],
    [{ ...asked, node: 'https://node.elsewhere.example' }, '/node'],
    [{ ...asked, digest: waiting.digest }, '/digest'],
    [{ ...asked, digest: waiting.digest, document }, '/digest'],
    [asked, undefined],
  ];
  for (const [sign, pointer] of drafts) {
    const planted = await standBefore(sign);
    const { code, err } = await signing('ben', ['policy', 'deny', 'remove', 'no-chats']);
    await planted.end();
    expect([pointer, code, planted.signatures.length], err).toEqual([pointer, pointer ? 1 : 0, pointer ? 0 : 1]);
    if (pointer) expect(err).toMatch(new RegExp(`approval-invalid.*${pointer}|${pointer}.*approval-invalid`));
  }
});

test('removing an operator wants --yes and the other person', async () => {
  const unsure = await signing('ada', ['operator', 'remove', 'ben']);
  expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining('--yes')]);
  const first = await signing('ada', ['operator', 'remove', 'ben', '--yes']);
  expect([first.code, first.out]).toEqual([0, expect.stringMatching(/^state +pending$/m)]);
  const kid = /^kid +(\S+)$/m.exec(first.out)?.[1] ?? '';
  expect(first.err).toContain(`caseref operator approve ben --removal --kid ${kid} --operator FILE`);
  const adds = await signing('ben', ['operator', 'approve', 'ben', '--kid', kid, '--yes']);
  expect([adds.code, adds.err]).toEqual([1, expect.stringContaining('not-found')]);
  const second = await signing('ben', ['operator', 'approve', 'ben', '--removal', '--kid', kid, '--yes']);
  expect([second.code, second.out]).toEqual([0, expect.stringMatching(/^state +removed$/m)]);
  const late = await signing('ben', set());
  expect([late.code, late.err]).toEqual([1, expect.stringContaining('operator-unknown')]);
  const alone = await on('ada', set());
  expect([alone.code, alone.out]).toEqual([0, expect.stringMatching(/^state +active$/m)]);
  expect(alone.err).toContain('a second person is not enforced');
});
