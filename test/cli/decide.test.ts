// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foreignPartner } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { openPolicy, passphrase, type TestNode, testNode } from '../support/node.ts';
import { run } from './run.ts';

let hotline: TestNode;
let partner: Awaited<ReturnType<typeof foreignPartner>>;
let id: string;

beforeAll(async () => {
  hotline = await testNode();
  partner = await foreignPartner();
  const rules = [{ id: 'by-hand', when: { category: ['*'] }, then: 'hold' }];
  await partner.meet(hotline, { ...openPolicy(partner.issuer), send: { rules } });
  id = (await hotline.ask('reference.submit', { reference: inventedReference(0) })).reference.id;
  await hotline.ask('partner.suspend', { issuer: partner.issuer, reason: 'examined' });
}, 60_000);
afterAll(async () => {
  await hotline.remove();
  await partner.close();
});

function decide(...more: string[]) {
  const environment = { CASEREF_DATA: hotline.directory, CASEREF_PASSPHRASE: passphrase.reveal() };
  return run(['reference', 'decide', id, '--partner', partner.issuer, '--then', 'send', ...more], { environment });
}

test('a decision that decides nothing is no success, and names what stands in the way now', async () => {
  const { code, out, err } = await decide();
  expect([code, out + err]).toEqual([1, expect.stringMatching(/0 decided[\s\S]*partner-state stands in the way/)]);
});

test('the same as JSON ends with the same code', async () => {
  const { code, out } = await decide('--json');
  expect([code, JSON.parse(out)]).toMatchObject([1, { decided: 0, kept: [{ id, rule: 'partner-state' }] }]);
});
