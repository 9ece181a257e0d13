import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestNode, testNode } from '../support/node.ts';
import { type Ran, run } from './run.ts';

// Two persons with a key file each, and one officer: what is signed is what was typed.

let node: TestNode;
beforeAll(async () => {
  node = await testNode();
});
afterAll(() => node.remove());

function on(name: string, args: readonly string[]): Promise<Ran> {
  const environment = {
    CASEREF_DATA: node.directory,
    INIT_CWD: node.directory,
    CASEREF_OPERATOR_PASSPHRASE: `invented words of ${name} for tests`,
  };
  return run(args, { environment });
}
const signing = (name: string, args: readonly string[]) => on(name, [...args, '--operator', `${name}.operator.key`]);

const officer = (name: string) => [
  ...['liaison', 'invite', '--name', name, '--agency', 'Police B', '--unit', 'Child protection'],
  ...['--jurisdiction', 'NL,DE-BY', '--legal-basis', 'Invented agreement', '--trained', '2026-01-10'],
  // Within two years of whatever day this runs on.
  ...['--until', new Date(Date.now() + 200 * 86_400_000).toISOString().slice(0, 10)],
];

test('without operators the invitation is printed at once, as an address that works once', async () => {
  const { code, out, err } = await on('ada', officer('A. Officer'));
  expect(code, err).toBe(0);
  expect(out).toMatch(/^http:\/\/localhost:\d+\/invitation#[\w-]{43}$/m);
  expect(err).toContain('a second person is not enforced');
});

test('with two, what one types the other approves by its digest, and is told the address', async () => {
  for (const name of ['ada', 'ben']) expect((await on(name, ['operator', 'add', name])).code).toBe(0);
  const made = await signing('ada', [...officer('B. Officer'), '--json']);
  expect(made.code, made.err).toBe(0);
  const { id, digest, state, invitation } = JSON.parse(made.out);
  expect([state, invitation]).toEqual(['pending', undefined]);
  const blind = await signing('ben', ['liaison', 'approve', id, '--yes']);
  expect([blind.code, blind.err.includes('--digest')]).toEqual([2, true]);
  const approved = await signing('ben', ['liaison', 'approve', id, '--digest', digest, '--yes']);
  expect(approved.code, approved.err).toBe(0);
  expect(approved.err).toMatch(/name: B\. Officer[\s\S]*sees: DE-BY, NL/);
  expect(approved.out).toMatch(/^http:\/\/localhost:\d+\/invitation#[\w-]{43}$/m);
});

test('a renewal, a suspension and its end are signed alike, and the list says what is due', async () => {
  const { items } = await node.ask('liaison.list', {});
  const { id = '' } = items.find(({ name }) => name === 'B. Officer') ?? {};
  const renewed = await signing('ada', ['liaison', 'renew', id, '--jurisdiction', 'NL', '--invite', '--json']);
  expect(renewed.code, renewed.err).toBe(0);
  const { digest } = JSON.parse(renewed.out);
  const approved = await signing('ben', ['liaison', 'approve', id, '--digest', digest, '--yes', '--json']);
  expect(approved.code, approved.err).toBe(0);
  expect(JSON.parse(approved.out).invitation.address).toContain('/invitation#');
  expect(await node.ask('liaison.suspend', { id, reason: 'left the unit' })).toMatchObject({ name: 'B. Officer' });
  const due = await on('ada', ['liaison', 'list', '--due']);
  expect(due.out).toMatch(new RegExp(`${id}.*NL +suspended`));
  const one = await signing('ada', ['liaison', 'resume', id, '--json']);
  const two = await signing('ben', ['liaison', 'resume', id, '--json']);
  expect([JSON.parse(one.out).state, JSON.parse(two.out).state]).toEqual(['pending', 'active']);
});

test('a unit is spared its hints, and an originator is told numbers alone', async () => {
  const unit = ['--agency', 'Police B', '--unit', 'Child protection'];
  const off = await on('ada', ['liaison', 'care', ...unit, '--break-hint', 'off']);
  expect(off.code, off.err).toBe(0);
  expect(off.out).toMatch(/break hint +off\nexposure note +on/);
  const told = await on('ada', ['liaison', 'care', '--agency', 'Police B', '--unit', 'Fraud']);
  expect([told.code, told.err.includes('Nobody is accredited')]).toEqual([1, true]);
  const counts = await on('ada', ['liaison', 'counts', node.issuer, '--since', '2026-11-01']);
  expect([counts.code, counts.out + counts.err]).toEqual([0, expect.stringContaining('since 2026-11-01')]);
  expect((await on('ada', ['liaison', 'counts', 'https://nobody.example'])).code).toBe(1);
});
