// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messagePlace, openText, ownerOf } from '../../src/exchange/record.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';

// A hotline and a hosting provider, over real HTTP on loopback: what the provider gets, byte for byte.

const may = { tlp: 'AMBER', notifyHost: 'may' };

let hotline: TestNode;
let provider: TestNode;

beforeAll(async () => {
  hotline = await testNode({ name: 'Hotline A' });
  provider = await testNode({ name: 'Provider B', type: 'industry' });
  await befriendNode(hotline, provider);
  await befriendNode(provider, hotline);
  await instruct('remove');
});
afterAll(async () => {
  await hotline.remove();
  await provider.remove();
});

async function instruct(requested: string) {
  const document = openPolicy(provider.issuer);
  const send = {
    ...(document.send as object),
    disclose: {
      handles: 'always',
      url: true,
      assessments: true,
      site: true,
      access: true,
      hosting: true,
      report: true,
    },
    industry: { requested, legalBasis: 'notice-and-action' },
  };
  await hotline.ask('policy.set', { issuer: provider.issuer, document: { ...document, send } });
}

/** Says everything that a reference can say, so that whatever leaves too much would be seen. */
function fullReference(n: number, changes: Record<string, unknown> = {}) {
  return {
    ...inventedReference(n),
    marking: may,
    report: crypto.randomUUID(),
    related: [crypto.randomUUID()],
    features: ['self-generated'],
    access: { referrer: 'https://led-here.example/x', login: true },
    urgency: { level: 'priority', code: 'host-unreachable' },
    retainUntil: '2030-01-01',
    assignee: hotline.issuer,
    ...changes,
  };
}

const submit = async (reference: Record<string, unknown>) => hotline.ask('reference.submit', { reference });
const there = (id: string) =>
  provider.ask('reference.show', { id, originator: hotline.issuer, purpose: 'referral-review' });

function settled(id: string, event: string) {
  return eventually(`a receipt for ${event}`, async () => {
    const { deliveries } = await hotline.ask('reference.show', { id });
    return deliveries.find((one) => one.event === event && one.state === 'receipted');
  });
}

/** What was signed, as the provider has it: the payloads of the messages about a reference, in their order. */
async function signed(id: string): Promise<unknown[]> {
  const { store, vault } = provider.running.exchange;
  const { db } = store;
  const name = { originator: hotline.issuer, id };
  const { wrapped } = await db
    .selectFrom('reference_key')
    .select('wrapped')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const key = vault.unwrap(wrapped, ownerOf(name));
  const rows = await db.selectFrom('message').selectAll().where('reference_id', '=', id).orderBy('n').execute();
  return rows.map(({ jti, body, event }) => {
    const compact = openText(vault, key, messagePlace(hotline.issuer, jti), body as Buffer);
    const claims = JSON.parse(Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString()) as {
      events: Record<string, unknown>;
    };
    return claims.events[event];
  });
}

describe('an industry partner', () => {
  test('gets the reduced form and not one member more, in the signed bytes', async () => {
    const full = fullReference(1);
    const { reference } = await submit(full);
    expect((await settled(reference.id, 'submitted')).receipt).toMatchObject({ outcome: 'accepted' });
    const { url, category } = inventedReference(1);
    const instruction = { requested: 'remove', legalBasis: 'notice-and-action' };
    expect(await signed(reference.id)).toEqual([{ revision: 1, url, category, ...instruction, marking: may }]);
    const shown = await there(reference.id);
    expect(shown).toMatchObject({ state: 'open', requested: 'remove', legalBasis: 'notice-and-action' });
    for (const member of [
      'jurisdiction',
      'handles',
      'assessments',
      'report',
      'access',
      'urgency',
      'assignee',
      'related',
    ]) {
      expect(shown).not.toHaveProperty(member);
    }
  });

  test('gets its revision in the same form, and its withdrawal', async () => {
    const { reference } = await submit(fullReference(2));
    await settled(reference.id, 'submitted');
    await instruct('preserve');
    const revise = createRevise(hotline.running.exchange);
    await revise(reference.id, 1, fullReference(2, { category: 'csam' }));
    await settled(reference.id, 'revised');
    const [, revised] = await signed(reference.id);
    const digest = expect.stringMatching(/^S256:/);
    expect(Object.keys(revised as object).sort()).toEqual([
      'category',
      'legalBasis',
      'marking',
      'requested',
      'revision',
      'supersedes',
      'url',
    ]);
    expect(revised).toMatchObject({ revision: 2, category: 'csam', requested: 'preserve', supersedes: digest });
    expect(await there(reference.id)).toMatchObject({ revision: 2, requested: 'preserve' });
    await withdraw(hotline.running.exchange, reference.id, { reason: 'legal', purge: true });
    expect((await settled(reference.id, 'withdrawn')).receipt).toMatchObject({
      outcome: expect.stringMatching(/sealed|purged/),
    });
    expect(['sealed', 'purged']).toContain((await there(reference.id)).state);
    await instruct('remove');
  });

  test.each([
    ['absent', { tlp: 'AMBER' }, 'hold'],
    ['after-clearance', { tlp: 'AMBER', notifyHost: 'after-clearance' }, 'hold'],
    ['must-not', { tlp: 'AMBER', notifyHost: 'must-not' }, 'withhold'],
    ['of another list', { tlp: 'AMBER', notifyHost: 'unknown' }, 'withhold'],
  ])('gets nothing where notifyHost is %s', async (_said, marking, effect) => {
    const { reference, decisions } = await submit(fullReference(3, { marking }));
    expect(decisions).toMatchObject([{ partner: provider.issuer, effect, rule: 'notify-host' }]);
    expect((await hotline.ask('reference.show', { id: reference.id })).deliveries).toEqual([]);
  });

  test('is asked to give up what its host must not know any more', async () => {
    const { reference } = await submit(fullReference(4));
    await settled(reference.id, 'submitted');
    const revise = createRevise(hotline.running.exchange);
    await revise(reference.id, 1, fullReference(4, { marking: { tlp: 'AMBER', notifyHost: 'must-not' } }));
    await settled(reference.id, 'withdrawn');
    expect((await there(reference.id)).state).toBe('sealed');
  });

  test('gets nothing from a policy without an instruction', async () => {
    await hotline.ask('policy.set', { issuer: provider.issuer, document: openPolicy(provider.issuer) });
    const { decisions } = await submit(fullReference(5));
    expect(decisions).toMatchObject([{ effect: 'withhold', rule: 'industry-form' }]);
    await instruct('remove');
  });
});
