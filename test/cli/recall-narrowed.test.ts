// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askYes } from '../../src/cli/prompt.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { readEnvironment } from '../../src/config.ts';
import { type ForeignPartner, foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { type Ran, run } from './run.ts';

// A policy that narrows, as an operator meets it: told at once, looked at, asked about, taken back, and the queue of a person.

let node: TestNode;
let partner: ForeignPartner;

beforeAll(async () => {
  [node, partner] = await Promise.all([testNode(), foreignPartner()]);
  await partner.meet(node);
});
afterAll(async () => {
  await partner.close();
  await node.remove();
});

function on(...args: string[]): Promise<Ran> {
  return run(args, { environment: { CASEREF_DATA: node.directory, INIT_CWD: node.directory } });
}

async function submit(n: number, category: string): Promise<string> {
  const reference = { ...inventedReference(n), category };
  return (await node.ask('reference.submit', { reference })).reference.id;
}

async function policyFile(grooming: 'send' | 'hold' | 'withhold'): Promise<string> {
  const rules = [
    { id: 'chats', when: { category: ['grooming'] }, then: grooming },
    { id: 'rest', when: { category: ['*'] }, then: 'send' },
  ];
  const file = join(node.directory, 'policy.json');
  await writeFile(file, JSON.stringify(policyFor(partner.issuer, { send: { rules } })));
  return file;
}

const withdrawal = () =>
  ['reference', 'withdraw', '--partner', partner.issuer, '--no-longer-allowed', '--reason', 'legal'] as const;

let chats: string[];

test('a deny says how much a partner holds that it would not be sent now, and the command that takes it back', async () => {
  chats = (await Promise.all([submit(1, 'grooming'), submit(2, 'grooming')])).sort();
  await submit(3, 'csam');
  await eventually('the partner has all three', async () => partner.arrived.length >= 3);
  const { code, err } = await on(
    'policy',
    'deny',
    'add',
    '--category',
    'grooming',
    '--ground',
    'legal',
    '--id',
    'chats',
  );
  expect(code, err).toBe(0);
  expect(err).toContain(`${partner.issuer} holds 2 references that it would not be sent now.`);
  expect(err).toContain(`caseref reference withdraw --partner ${partner.issuer} --no-longer-allowed --reason CODE`);
});

test('without --yes and without a terminal it shows what it would do, does nothing and ends with 2', async () => {
  const { code, out, err } = await on(...withdrawal());
  expect(code).toBe(2);
  expect(err).toContain(`${partner.issuer} holds 3 of our references; 2 would not be sent now:`);
  expect(out).toMatch(/^deny:chats +withhold +2$/m);
  expect(err).toContain(`First: ${chats.join(', ')}`);
  expect(err).toContain('2 references would be withdrawn');
  expect(err).toContain('Nothing was done.');
  const { deliveries } = await node.ask('reference.show', { id: chats[0] ?? '' });
  expect(deliveries.map(({ event }) => event)).toEqual(['submitted']);
});

test('with --yes it withdraws them as one batch, and a second time there is nothing left', async () => {
  const { code, out, err } = await on(...withdrawal(), '--purge', '--yes', '--json');
  expect(code, err).toBe(0);
  const done = JSON.parse(out) as { batch: string };
  expect(done).toMatchObject({ partner: partner.issuer, looked: 3, withdrawn: 2 });
  const asked = await eventually('both withdrawals arrive', async () => {
    const events = partner.arrived.map(
      ({ claims }) => (claims.events as Record<string, object>)['urn:caseref:event:1:withdrawn'],
    );
    const found = events.filter((one) => one !== undefined);
    return found.length === 2 && found;
  });
  for (const one of asked) expect(one).toEqual({ reason: 'legal', purge: true, batch: done.batch });
  const again = await on(...withdrawal());
  expect([again.code, again.err]).toEqual([0, expect.stringContaining('holds nothing that it would not be sent now')]);
});

test('a suspension says what the partner holds, and what it holds can be taken back meanwhile', async () => {
  const suspended = await on('partner', 'suspend', partner.issuer, '--reason', 'examined');
  expect(suspended.code).toBe(0);
  expect(suspended.err).toContain(`${partner.issuer} holds 1 reference that it would not be sent now.`);
  const { code, out } = await on(...withdrawal(), '--yes', '--json');
  expect([code, JSON.parse(out).withdrawn]).toEqual([0, 1]);
  const resumed = await on('partner', 'resume', partner.issuer);
  expect(resumed.err).toContain('decided again by itself');
});

test.each([
  ['no choice at all', ['--reason', 'legal'], 'What is to be taken back is not clear.'],
  [
    'two choices',
    ['0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70', '--no-longer-allowed', '--partner', 'x', '--reason', 'legal'],
    'not clear',
  ],
  ['no partner', ['--no-longer-allowed', '--reason', 'legal'], 'The partner is missing.'],
  [
    'a partner beside an id',
    ['0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70', '--partner', 'x', '--reason', 'legal'],
    'from everybody',
  ],
])('%s is a usage error', async (_, args, said) => {
  const { code, err } = await on('reference', 'withdraw', ...args);
  expect([code, err]).toEqual([2, expect.stringContaining(said)]);
});

test('an organisation that is no partner is refused', async () => {
  const args = ['--partner', 'https://node.nobody.example', '--no-longer-allowed', '--reason', 'legal', '--yes'];
  const { code, err } = await on('reference', 'withdraw', ...args);
  expect([code, err]).toEqual([1, expect.stringContaining('partner-unknown')]);
});

test('the queue shows the rule and the age, and marks an emergency', async () => {
  await on('policy', 'deny', 'remove', 'chats');
  await on('policy', 'set', partner.issuer, await policyFile('hold'));
  const reference = {
    ...inventedReference(9),
    category: 'grooming',
    urgency: { level: 'emergency', code: 'live-now' },
  };
  const { id } = (await node.ask('reference.submit', { reference })).reference;
  const { out, code } = await on('reference', 'held', '--partner', partner.issuer);
  expect(code).toBe(0);
  expect(out).toMatch(/^since +age +id +way +partner +held by/);
  const row = out.split('\n').find((line) => line.includes(id));
  expect(row).toMatch(/ 0 h .* to .* chats +emergency, overdue$/);
});

function asking(typed: string, isTTY = true) {
  const keyboard = Object.assign(new PassThrough(), { isTTY });
  const screen = { isTTY, write: () => true };
  const terminal = createTerminal({ stdout: screen, stderr: screen });
  const stdin = keyboard as unknown as NodeJS.ReadStream;
  const asked = askYes({ terminal, stdin, environment: readEnvironment({}), end: () => {} }, 'Withdraw 2?');
  keyboard.write(typed);
  return asked;
}

test('only the word yes, typed on a terminal, is a yes', async () => {
  expect(await asking('yes\n')).toBe(true);
  expect(await asking('y\n')).toBe(false);
  expect(await asking('\n')).toBe(false);
  expect(await asking('yes\n', false)).toBeUndefined();
});
