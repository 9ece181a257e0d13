import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Arrived, type ForeignPartner, foreignPartner, freshJti } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';

// Receipts that prove nothing: each is named for what is wrong with it, settles nothing and raises an alert.

let node: TestNode;
let partner: ForeignPartner;
let other: ForeignPartner;
let count = 0;

beforeAll(async () => {
  node = await testNode();
  [partner, other] = await Promise.all([foreignPartner(), foreignPartner()]);
  await partner.meet(node);
  await other.meet(node);
});
afterAll(async () => {
  await Promise.all([partner.close(), other.close()]);
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
    expect(await refusedAs(other, mine.claims.sub_id, receiptFor(mine))).toBe('message-unknown');
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
    expect(open.map(({ partner: about }) => about).sort()).toEqual([partner.issuer, other.issuer].sort());
  });

  test('for a message that was never sent settles nothing', async () => {
    const { mine } = await submitted();
    const unknown = { ...mine, claims: { ...mine.claims, jti: freshJti() } };
    expect(await refusedAs(partner, mine.claims.sub_id, receiptFor(unknown))).toBe('message-unknown');
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
