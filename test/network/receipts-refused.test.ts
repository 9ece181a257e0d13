import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Arrived, type ForeignPartner, foreignPartner, freshJti, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';

// Receipts that prove nothing: each is named for what is wrong with it, settles nothing and raises an alert.

let node: TestNode;
let partner: ForeignPartner;
let other: ForeignPartner;
/** Answers what was never sent to it: we may have lost our state, and stop sending to it as soon as somebody looks. */
let astray: ForeignPartner;
let count = 0;

beforeAll(async () => {
  node = await testNode();
  [partner, other, astray] = await Promise.all([foreignPartner(), foreignPartner(), foreignPartner()]);
  for (const one of [partner, other, astray]) await one.meet(node);
});
afterAll(async () => {
  await Promise.all([partner.close(), other.close(), astray.close()]);
  await node.remove();
});

const digestOf = ({ compact }: Pick<Arrived, 'compact'>): string => {
  const input = compact.slice(0, compact.lastIndexOf('.'));
  return `S256:${createHash('sha256').update(input).digest('base64url')}`;
};
const submissionOf = (who: ForeignPartner, id: string) =>
  who.arrived.find(({ claims }) => (claims.sub_id as Json).sub === id);
const stateOf = async (jti: unknown) =>
  (await node.ask('delivery.list', { limit: 500 })).items.find((one) => one.jti === jti)?.state;

/** A submission that both partners took and nobody has answered for. */
async function submitted(): Promise<{ readonly mine: Arrived; readonly others: Arrived }> {
  count += 1;
  const { reference } = await node.ask('reference.submit', { reference: inventedReference(count) });
  const [mine, others] = await eventually('both have it', async () => {
    const both = [submissionOf(partner, reference.id), submissionOf(other, reference.id)] as const;
    return both[0] && both[1] ? ([both[0], both[1]] as const) : undefined;
  });
  await eventually('it is sent', async () => (await stateOf(mine.claims.jti)) === 'sent');
  return { mine, others };
}

const receiptFor = (message: Arrived, changes: Json = {}): Json => ({
  'urn:caseref:event:1:receipt': {
    for: { jti: message.claims.jti },
    digest: digestOf(message),
    receivedAt: '2026-11-21T10:00:00Z',
    outcome: 'accepted',
    ...changes,
  },
});

/** Pushes it as this partner and gives what the feed says of it. */
async function refusedAs(who: ForeignPartner, sub_id: unknown, events: Json): Promise<string | undefined> {
  const jti = freshJti();
  const answer = await who.push(node, who.token(node, { jti, sub_id, events }));
  expect(answer.status).toBe(202);
  const event = await eventually('an entry', async () => {
    const { items } = await node.ask('events', { limit: 500 });
    return items.find((one) => one.type === 'receipt.mismatched' && one.jti === jti);
  });
  expect(event.partner).toBe(who.issuer);
  return event.code;
}

describe('a receipt', () => {
  test('that is honest settles its message, so that the others here fail for what they are named for', async () => {
    const { mine } = await submitted();
    await partner.push(node, partner.token(node, { sub_id: mine.claims.sub_id, events: receiptFor(mine) }));
    await eventually('it is settled', async () => (await stateOf(mine.claims.jti)) === 'receipted');
    expect((await node.ask('alert.list', {})).items).toEqual([]);
  });

  test('forged: signed by a key that is not the partner’s, is taken by nobody', async () => {
    const { mine } = await submitted();
    const forged = partner.token(node, { sub_id: mine.claims.sub_id, events: receiptFor(mine) }).split('.');
    const token = other.token(node, { sub_id: mine.claims.sub_id, events: receiptFor(mine) }).split('.');
    const answer = await partner.push(node, [forged[0], forged[1], token[2]].join('.'));
    expect([answer.status, ((await answer.json()) as Json).err]).toEqual([400, 'authentication_failed']);
    expect(await stateOf(mine.claims.jti)).toBe('sent');
  });

  test('with the digest of another message', async () => {
    const { mine, others } = await submitted();
    const events = receiptFor(mine, { digest: digestOf(others) });
    expect(await refusedAs(partner, mine.claims.sub_id, events)).toBe('digest-mismatch');
    expect(await stateOf(mine.claims.jti)).toBe('sent');
  });

  test('from another partner than the one that the message went to', async () => {
    const { mine } = await submitted();
    expect(await refusedAs(astray, mine.claims.sub_id, receiptFor(mine))).toBe('message-unknown');
    expect(await stateOf(mine.claims.jti)).toBe('sent');
  });

  test('about another subject than its message', async () => {
    const { mine } = await submitted();
    const sub_id = { format: 'iss_sub', iss: node.issuer, sub: crypto.randomUUID() };
    expect(await refusedAs(partner, sub_id, receiptFor(mine))).toBe('subject-mismatch');
    expect(await stateOf(mine.claims.jti)).toBe('sent');
  });

  test('for a receipt of ours: two nodes would answer each other for ever', async () => {
    const jti = freshJti();
    await partner.push(node, partner.token(node, { jti }));
    const ours = await eventually('our receipt', async () =>
      partner.arrived.find(({ claims }) => {
        const receipt = (claims.events as Record<string, Json>)['urn:caseref:event:1:receipt'];
        return receipt !== undefined && (receipt.for as Json).jti === jti;
      }),
    );
    const before = partner.arrived.length;
    expect(await refusedAs(partner, ours.claims.sub_id, receiptFor(ours))).toBe('not-receiptable');
    expect(partner.arrived).toHaveLength(before);
  });

  test('for a voided of ours', async () => {
    const { db } = node.running.exchange.store;
    const { mine } = await submitted();
    // A number that never came is made up by hand: what is asked here is only what answers a voided.
    const row = await db
      .selectFrom('delivery')
      .selectAll()
      .where('jti', '=', mine.claims.jti as string)
      .executeTakeFirst();
    await db
      .updateTable('delivery')
      .set({ event: 'voided' })
      .where('id', '=', row?.id ?? '')
      .execute();
    expect(await refusedAs(partner, mine.claims.sub_id, receiptFor(mine))).toBe('not-receiptable');
    expect(await stateOf(mine.claims.jti)).toBe('sent');
  });

  test('is itself answered by none, whatever it says', async () => {
    const { mine } = await submitted();
    const jti = freshJti();
    await partner.push(node, partner.token(node, { jti, sub_id: mine.claims.sub_id, events: receiptFor(mine) }));
    await eventually('it is settled', async () => (await stateOf(mine.claims.jti)) === 'receipted');
    await submitted();
    expect(partner.receiptsFor(jti)).toEqual([]);
  });

  test('that fits nothing raises one alert for all of its kind', async () => {
    const open = (await node.ask('alert.list', {})).items.filter(({ code }) => code === 'receipt-mismatched');
    expect(open.map(({ partner: about }) => about).sort()).toEqual([partner.issuer, astray.issuer].sort());
  });

  test('for a message that was never sent settles nothing', async () => {
    const { mine } = await submitted();
    const unknown = { ...mine, claims: { ...mine.claims, jti: freshJti() } };
    expect(await refusedAs(astray, mine.claims.sub_id, receiptFor(unknown))).toBe('message-unknown');
    expect(await stateOf(mine.claims.jti)).toBe('sent');
  });
});

describe('a message of a partner', () => {
  test('has one first receipt, said again byte for byte for the first duplicate at once and then at most hourly', async () => {
    const jti = freshJti();
    const token = partner.token(node, { jti });
    const compacts = () =>
      partner.arrived
        .filter(({ claims }) => {
          const receipt = (claims.events as Record<string, Json>)['urn:caseref:event:1:receipt'];
          return receipt !== undefined && (receipt.for as Json).jti === jti;
        })
        .map(({ compact }) => compact);
    await partner.push(node, token);
    await eventually('the receipt', async () => compacts().length === 1);
    await eventually('it is noted as sent', async () => {
      const { db } = node.running.exchange.store;
      const row = await db.selectFrom('delivery').select('state').where('answers', '=', jti).executeTakeFirst();
      return row?.state === 'sent';
    });
    await partner.push(node, token);
    await eventually('it again', async () => compacts().length === 2);
    for (let n = 0; n < 5; n += 1) expect((await partner.push(node, token)).status).toBe(202);
    await submitted();
    expect(compacts()).toHaveLength(2);
    expect(new Set(compacts()).size).toBe(1);
  });
});

describe('a partner that was put back to an older state and says another thing of the same message', () => {
  const says = (message: Arrived, outcome: string, changes: Json = {}) => {
    const events = receiptFor(message, {
      outcome,
      ...(outcome === 'refused' && { code: 'policy-refused' }),
      ...changes,
    });
    return partner.push(node, partner.token(node, { sub_id: message.claims.sub_id, events }));
  };
  const receiptOf = async ({ claims }: Arrived) =>
    (await node.ask('delivery.list', { limit: 500 })).items.find(({ jti }) => jti === claims.jti)?.receipt?.outcome;
  const contradiction = async () =>
    (await node.ask('alert.list', {})).items.find(({ code }) => code === 'receipts-contradict');
  const idOf = ({ claims }: Arrived) => (claims.sub_id as Json).sub as string;
  const withdrawnOf = (id: string) =>
    partner.arrived.filter(
      ({ claims }) => (claims.sub_id as Json).sub === id && 'urn:caseref:event:1:withdrawn' in (claims.events as Json),
    );
  /** What it has and policy would not send now, once policy withholds everything; it is as before afterwards. */
  async function exposed<Answer>(then: () => Promise<Answer>): Promise<Answer> {
    const document = policyFor(partner.issuer) as { send: { rules: Json[] } };
    const rules = document.send.rules.map((rule) => ({ ...rule, then: 'withhold' }));
    await node.ask('policy.set', {
      issuer: partner.issuer,
      document: { ...document, send: { ...document.send, rules } },
    });
    const answer = await then();
    await node.ask('policy.set', { issuer: partner.issuer, document });
    return answer;
  }
  const exposedIds = () =>
    exposed(async () =>
      (await node.ask('reference.no-longer-allowed', { partner: partner.issuer })).items.map(({ id }) => id),
    );
  /** How many references of ours it has, as whoever removes it is told first. */
  const holds = async () => {
    const unconfirmed = await node.running.operations['partner.remove']({ issuer: partner.issuer } as never);
    return Number(/holds (\d+) of our references/.exec(JSON.stringify(unconfirmed))?.[1]);
  };
  const settledAs = (message: Arrived, outcome: string) =>
    eventually(`it is ${outcome}`, async () => (await receiptOf(message)) === outcome);

  test('is not asked for what it refused, as long as it says nothing else', async () => {
    const { mine } = await submitted();
    await says(mine, 'refused');
    await settledAs(mine, 'refused');
    expect(await exposedIds()).not.toContain(idOf(mine));
    expect(await contradiction()).toBeUndefined();
  });

  test.each([
    ['refused', 'accepted'],
    ['refused', 'held'],
    ['accepted', 'refused'],
  ])('%s and then %s: counts as one that has it, and is asked to give it up', async (first, second) => {
    const { mine } = await submitted();
    await says(mine, first);
    await settledAs(mine, first);
    await says(mine, second);
    expect(await receiptOf(mine)).toBe(first);
    expect(await exposedIds()).toContain(idOf(mine));
    const args = { partner: partner.issuer, reason: 'sent-in-error', purge: true };
    await exposed(() => node.ask('reference.withdraw.no-longer-allowed', args));
    await eventually('it is asked', async () => withdrawnOf(idOf(mine)).length === 1);
    expect(await exposedIds()).not.toContain(idOf(mine));
  });

  test('is told of to a person, with the reference', async () => {
    const open = await eventually('an alert', contradiction);
    expect(open).toMatchObject({ partner: partner.issuer, code: 'receipts-contradict' });
    expect(partner.arrived.map(idOf)).toContain(open.subject);
  });

  test('is asked anew where it erased a withdrawn reference and then refused the withdrawal', async () => {
    const { mine } = await submitted();
    await says(mine, 'accepted');
    const args = { id: idOf(mine), reason: 'sent-in-error', purge: true };
    await node.ask('reference.withdraw', args);
    const asked = await eventually('it is asked', async () => withdrawnOf(idOf(mine))[0]);
    await says(asked, 'purged', { backupsUntil: '2026-12-30T00:00:00Z' });
    await settledAs(asked, 'purged');
    const again = async () => (await node.ask('reference.withdraw', args)).recipients;
    expect(await again()).toContainEqual({ partner: partner.issuer, state: 'asked-before' });
    const before = await holds();
    await says(asked, 'refused');
    expect(await holds()).toBe(before + 1);
    const { ours } = await node.ask('reconcile', { issuer: partner.issuer, look: true });
    expect(ours.withdrawals).toContainEqual(expect.objectContaining({ id: idOf(mine), outcome: 'refused' }));
    expect(await again()).toContainEqual(expect.objectContaining({ partner: partner.issuer, state: 'asked' }));
    expect(await again()).toContainEqual({ partner: partner.issuer, state: 'asked-before' });
  });
});
