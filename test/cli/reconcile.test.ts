import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, passphrase, type TestNode, testNode } from '../support/node.ts';
import { run } from './run.ts';

// What an operator reads when state was lost, beside a partner that is there and one that is away.

let node: TestNode;
let partner: TestNode;

beforeAll(async () => {
  node = await testNode();
  partner = await testNode({ name: 'Hotline B' });
  await befriendNode(node, partner);
  await befriendNode(partner, node);
  await partner.ask('reference.submit', { reference: { ...inventedReference(1), category: 'csam' } });
  await eventually('it came', async () => (await node.ask('reference.list', {})).items.length === 1);
}, 60_000);
afterAll(async () => {
  await node.remove();
  await partner.remove();
});

function reconcile(...args: string[]) {
  const environment = { CASEREF_DATA: node.directory, CASEREF_PASSPHRASE: passphrase.reveal() };
  return run(['reconcile', ...args], { environment });
}

describe('a call that is not clear is refused before anything is asked', () => {
  test.each([
    ['no partner', []],
    ['all without --restored', ['--all']],
    ['all and a partner', ['--all', '--restored', 'https://node.hotline-b.example']],
    ['two wishes', ['--open', '--resume', 'https://node.hotline-b.example']],
    ['a look and a wish', ['--look', '--open', 'https://node.hotline-b.example']],
  ])('%s', async (_, args) => {
    const { code, out, err } = await reconcile(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('usage-invalid');
  });

  test.each(['--restored', '--open', '--resume', '--lift'])('%s without --yes says what it would do', async (wish) => {
    const { code, err } = await reconcile(partner.issuer, wish);
    expect(code).toBe(2);
    expect(err).toContain('Nothing was done.');
    expect(await node.ask('alert.list', {})).toMatchObject({ items: [] });
  });
});

test('where nothing differs it says so, and what was tried', async () => {
  const { code, out } = await reconcile(partner.issuer);
  expect(code).toBe(0);
  expect(out).toMatch(/^EVEN\s+Nothing differs, as of the round trip at \d{4}-\S+Z\./);
  expect(out).toContain('a round trip was begun');
  expect(out).toMatch(/our numbers\s+up to \d+ in epoch/);
  expect(out).not.toContain('See what came of it');
});

test('an organisation that is no partner is refused', async () => {
  const { code, err } = await reconcile('https://nobody.example');
  expect(code).toBe(1);
  expect(err).toContain('partner-unknown');
});

test('after a loss it says what is stopped, what is closed and what it waits for; the operator opens and resumes', async () => {
  await partner.stop();
  const begun = await reconcile('--all', '--restored', '--yes');
  expect(begun.code).toBe(0);
  expect(begun.err).toContain(`caseref reconcile ${partner.issuer}`);
  const tried = () =>
    eventually('the round trip was tried', async () => {
      const { tasks } = await node.ask('reconcile', { issuer: partner.issuer, look: true });
      return tasks.length > 0;
    });
  await tried();
  const listed = await run(['reference', 'list'], {
    environment: { CASEREF_DATA: node.directory, CASEREF_PASSPHRASE: passphrase.reveal() },
  });
  expect(listed.out).not.toContain(partner.issuer);
  expect(listed.err).toContain(`1 reference of ${partner.issuer} are closed`.replace('are', 'is'));
  expect(listed.err).toContain(`caseref reconcile ${partner.issuer}`);
  const { code, out } = await reconcile(partner.issuer, '--look');
  expect(code).toBe(1);
  expect(out).toMatch(/^LOOK\s+1 to see to by hand\./);
  expect(out).toContain('the operator said that the store was put back');
  expect(out).toMatch(/references to it\s+stopped/);
  expect(out).toMatch(/references of it\s+closed \(1\)/);
  expect(out).toMatch(/waits for\s+the answer to a round trip/);
  expect(out).toContain(`caseref reconcile ${partner.issuer} --open --yes`);
  const asJson = JSON.parse((await reconcile(partner.issuer, '--look', '--json')).out) as Record<string, unknown>;
  expect(asJson).toMatchObject({ partner: partner.issuer, even: false, veiled: 1, recovery: { sending: 'stopped' } });

  await node.ask('reference.submit', { reference: { ...inventedReference(2), category: 'csam' } });
  const named = ['--data', node.directory];
  const environment = { CASEREF_PASSPHRASE: passphrase.reveal() };
  const queued = await run(['delivery', 'list', '--state', 'queued', ...named], { environment });
  expect(queued.out).toMatch(/ submitted +queued .* stopped: state lost /);
  const report = await run(['doctor', ...named], { environment });
  expect(report.out).toMatch(
    /^warn .*: state was lost here \(\S+Z\); its references are closed and references to it wait until the answer to a round trip has come\.$/m,
  );
  expect(report.out).toContain(`caseref reconcile ${partner.issuer} --data ${node.directory}\n`);

  expect((await reconcile(partner.issuer, '--open', '--yes')).err).toContain('1 references');
  expect((await reconcile(partner.issuer, '--resume', '--yes')).code).toBe(0);
  expect((await node.ask('reference.list', { direction: 'in' })).items).toHaveLength(1);
  expect((await reconcile(partner.issuer, '--resume', '--yes')).err).toContain('state-conflict');
}, 60_000);
