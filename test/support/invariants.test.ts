import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { purgeDue } from '../../src/exchange/purge.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import type { Database } from '../../src/store/open.ts';
import type { Judging } from './invariant-line.ts';
import { judge, outstanding } from './invariants.ts';
import { inventedReference } from './invented.ts';
import { befriendNode, eventually, type TestNode, testNode } from './node.ts';
import { factsWithin, readFacts } from './stored-facts.ts';

// The judge is proven on two real nodes that really exchanged: one row of a store is damaged, the breach must be named, and
// the damage is rolled back.

let hotline: TestNode;
let police: TestNode;
/** A reference of each kind: revised and accepted, withdrawn and sealed, withdrawn and purged. */
const ids = { revised: '', sealed: '', purged: '' };
const kind = (event: string) => `urn:caseref:event:1:${event}`;

const db = (node: TestNode): Database => node.running.exchange.store.db;
const watched = () => [hotline, police].map((node) => ({ issuer: node.issuer, db: db(node) }));
const facts = () => Promise.all(watched().map(readFacts));

async function rested(): Promise<void> {
  let left: string[] = [];
  await eventually('nothing is under way', async () => {
    left = outstanding(await facts());
    return left.length === 0;
  }).catch((failure: unknown) => {
    throw new Error(`${String(failure)}: ${left.join('; ')}`);
  });
}

beforeAll(async () => {
  [hotline, police] = await Promise.all([
    testNode({ name: 'Hotline A' }),
    testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] }),
  ]);
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
  for (const name of ['revised', 'sealed', 'purged'] as const) {
    const { reference } = await hotline.ask('reference.submit', { reference: inventedReference(name.length) });
    ids[name] = reference.id;
  }
  await police.ask('reference.submit', { reference: inventedReference(40) });
  await rested();
  const again = { ...inventedReference('revised'.length), observedAt: '2026-11-20T11:00:00Z' };
  await createRevise(hotline.running.exchange)(ids.revised, 1, again);
  await hotline.ask('reference.withdraw', { id: ids.sealed, reason: 'sent-in-error', purge: true });
  await hotline.ask('reference.withdraw', { id: ids.purged, reason: 'legal', purge: true });
  await rested();
  await purgeDue(police.running.exchange);
  await rested();
});
afterAll(async () => {
  await hotline?.remove();
  await police?.remove();
});

class Undone extends Error {}

/** What the judge says with one store damaged; the damage is undone. */
async function damaged(node: TestNode, damage: (trx: Database) => Promise<unknown>, judging: Judging = {}) {
  let says: string[] = [];
  const other = node === hotline ? police : hotline;
  const whole = await readFacts({ issuer: other.issuer, db: db(other) });
  await db(node)
    .transaction()
    .execute(async (trx) => {
      await damage(trx);
      says = judge([await factsWithin(node.issuer, trx), whole], { atRest: true, ...judging });
      throw new Undone();
    })
    .catch((failure: unknown) => {
      if (!(failure instanceof Undone)) throw failure;
    });
  return says;
}

test('two nodes that exchanged, revised, withdrew and purged keep every invariant', async () => {
  const all = await facts();
  expect(judge(all, { atRest: true, answered: new Map([[hotline.issuer, Object.values(ids)]]) })).toEqual([]);
  expect(all.map(({ messages }) => messages.length)).toEqual([8, 7]);
  expect(outstanding(all)).toEqual([]);
});

test('a reference that was answered and is gone is named', async () => {
  const answered = new Map([[hotline.issuer, ['00000000-0000-4000-8000-000000000000']]]);
  expect(judge(await facts(), { answered })).toEqual([
    `${hotline.issuer} lost 00000000-0000-4000-8000-000000000000, which it had answered`,
  ]);
});

type Side = 'hotline' | 'police';
type Planted = readonly [name: string, where: Side, damage: () => string, says: RegExp];

const all = (trx: Database, text: string) => sql.raw(text).execute(trx);

const planted: readonly Planted[] = [
  [
    'a message that its sender never queued',
    'hotline',
    () => `delete from delivery where event = 'revised'`,
    /has revised \S+, which \S+ never sent/,
  ],
  [
    'a message that was answered 202 and is not there',
    'police',
    () => `delete from message where event = '${kind('revised')}'`,
    /does not have revised \S+, which is receipted at/,
  ],
  [
    'a message with other bytes than were stored',
    'police',
    () => `update message set digest = 'S256:x' where event = '${kind('revised')}'`,
    /came with bytes that were never stored/,
  ],
  [
    'a message under another number than its own',
    'police',
    () => `update message set n = 77 where event = '${kind('revised')}'`,
    /came as number 77 and was sent as number/,
  ],
  [
    'a message that came as another one than was sent',
    'police',
    () => `update message set event = '${kind('verify')}' where event = '${kind('revised')}'`,
    /verify \S+ from \S+ to \S+ was sent as revised/,
  ],
  [
    'a message that still waits when all should be over',
    'hotline',
    () => `update delivery set state = 'queued' where event = 'revised'`,
    /still keeps revised/,
  ],
  [
    'two payloads under one id',
    'police',
    () =>
      `insert into event (position, type, at, partner, jti) select -1, 'message.conflict', now(), issuer, jti from message limit 1`,
    /two payloads under/,
  ],
  [
    'a number that was given twice',
    'hotline',
    () => `update delivery set n = 1 where event = 'revised'`,
    /number 1 was given twice/,
  ],
  [
    'a number that was given to nothing',
    'hotline',
    () => 'update partner_stream set n = n + 1',
    /number \d+ was given to nothing/,
  ],
  [
    'a dropped number that nothing voids',
    'hotline',
    () => `update delivery set state = 'dropped' where event = 'revised'`,
    /was dropped and never voided/,
  ],
  [
    'a number that the recipient waits for in vain',
    'police',
    () => `delete from message where event = '${kind('revised')}'`,
    /waits for number \d+ of/,
  ],
  [
    'a message to a suspended partner',
    'hotline',
    () =>
      `insert into event (position, type, at, partner) values (-1, 'partner.suspended', now() - interval '1 day', '${police.issuer}')`,
    /took submitted \S+ from \S+ although \S+ had suspended it/,
  ],
  [
    'a message from a suspended partner',
    'police',
    () =>
      `insert into event (position, type, at, partner) values (-1, 'partner.suspended', now() - interval '1 day', '${hotline.issuer}')`,
    /took submitted \S+ from \S+ although it had suspended/,
  ],
  [
    'a message without a receipt',
    'police',
    () =>
      `delete from delivery where event = 'receipt' and answers in (select jti from message where event = '${kind('revised')}')`,
    /has no receipt for it/,
  ],
  [
    'a second first receipt',
    'police',
    () => `insert into delivery (id, position, partner, jti, event, state, next_at, created_at, answers, payload, originator, reference_id)
          select gen_random_uuid(), 1000000 + position, partner, jti || 'x', event, 'sent', now(), now(), answers, payload, originator, reference_id
          from delivery where event = 'receipt' and answers in (select jti from message where event = '${kind('revised')}')`,
    /answered revised \S+ of \S+ more than once: accepted, accepted/,
  ],
  [
    'a receipt for a message that never came',
    'police',
    () =>
      `update delivery set answers = 'never' where event = 'receipt' and position = (select max(position) from delivery where event = 'receipt')`,
    /answers never, which never came from/,
  ],
  [
    'a receipt for a receipt',
    'police',
    () => `update delivery set answers = (select jti from message where event = '${kind('receipt')}' limit 1)
          where event = 'receipt' and position = (select max(position) from delivery where event = 'receipt')`,
    /gave a receipt for receipt/,
  ],
  [
    'a receipt that came with other bytes',
    'hotline',
    () => `update message set plain = plain || 'A' where event = '${kind('receipt')}'`,
    /has other bytes at/,
  ],
  [
    'a receipt that nobody could place',
    'hotline',
    () =>
      `insert into event (position, type, at, partner, jti, code) values (-1, 'receipt.mismatched', now(), '${police.issuer}', 'x', 'message-unknown')`,
    /could not place receipt x/,
  ],
  [
    'a receipt that the sender does not believe',
    'hotline',
    () => `update delivery set outcome = 'held' where event = 'revised'`,
    /believes held of revised/,
  ],
  [
    'a message that is answered for there and not here',
    'hotline',
    () => `update delivery set outcome = null, state = 'sent' where event = 'revised'`,
    /has no receipt for revised/,
  ],
  [
    'a reference that arrived twice',
    'police',
    () => `insert into event (position, type, at, originator, reference_id, partner, jti)
          select -1, type, at, originator, reference_id, partner, 'other' from event where type = 'reference.received' and partner is not null limit 1`,
    /received \S+ of \S+ 2 times/,
  ],
  [
    'a message with two effects',
    'police',
    () => `insert into event (position, type, at, originator, reference_id, partner, jti)
          select -1, type, at, originator, reference_id, partner, jti from event where type = 'reference.revised' limit 1`,
    /was moved 2 times by/,
  ],
  [
    'a message that brought two revisions',
    'police',
    () =>
      `insert into reference_revision select originator, id, 99, body, jti, at from reference_revision where jti is not null limit 1`,
    /brought \S+ more than one revision/,
  ],
  [
    'a reference that was accepted and is not held',
    'police',
    () => `delete from reference where id = '${ids.revised}'`,
    /accepted \S+ and does not hold/,
  ],
  [
    'an acceptance without a decision to send',
    'hotline',
    () => `delete from decision where id = '${ids.revised}'`,
    /has no decision for/,
  ],
  [
    'a decision about an older revision only',
    'hotline',
    () => `update decision set revision = 1 where id = '${ids.revised}'`,
    /decided revision 1 only/,
  ],
  [
    'a decision to withhold that took nothing back',
    'hotline',
    () => `update decision set effect = 'withhold' where id = '${ids.revised}'`,
    /decided withhold for \S+, which \S+ accepted, and did not take it back/,
  ],
  [
    'a reference that nobody decided about for a partner',
    'hotline',
    () => `delete from decision where id = '${ids.revised}'`,
    /decided nothing about it for/,
  ],
  [
    'a decision to send that queued nothing',
    'hotline',
    () => `delete from delivery where reference_id = '${ids.revised}'`,
    /decided to send \S+ to \S+, and nothing is sent or waits/,
  ],
  [
    'an older revision than was taken',
    'police',
    () => `update reference set revision = 1 where id = '${ids.revised}'`,
    /holds revision 1 of \S+ and took revision 2/,
  ],
  [
    'a newer revision than was sent',
    'police',
    () => `update reference set revision = 9 where id = '${ids.revised}'`,
    /holds revision 9 of \S+, which \S+ never sent/,
  ],
  [
    'a withdrawn reference that still shows',
    'police',
    () => `update reference set state = 'open' where id = '${ids.sealed}'`,
    /still shows/,
  ],
  [
    'a purged reference without a tombstone',
    'police',
    () => `delete from reference where id = '${ids.purged}'`,
    /has no tombstone/,
  ],
  [
    'a purged reference that can still be opened',
    'police',
    () =>
      `insert into reference_key (originator, id, wrapped) select originator, id, 'x' from reference where id = '${ids.purged}'`,
    /can still open or find it/,
  ],
  [
    'a purged reference that is only sealed',
    'police',
    () => `update reference set state = 'sealed' where id = '${ids.purged}'`,
    /says purged of \S+ of \S+, withdrawn by \S+, which is sealed/,
  ],
  [
    'an erasure that was asked for and that nobody will make',
    'police',
    () => `update reference set purge_after = null where id = '${ids.sealed}'`,
    /asked for an erasure that nobody will make/,
  ],
  [
    'a withdrawal that died in silence',
    'hotline',
    () => `update delivery set state = 'dead' where event = 'withdrawn' and reference_id = '${ids.sealed}'`,
    /is dead and nobody was told/,
  ],
  [
    'a withdrawal that is held in silence',
    'hotline',
    () => `update delivery set outcome = 'held' where event = 'withdrawn' and reference_id = '${ids.sealed}'`,
    /is held and nobody was told/,
  ],
];

test.each(planted)('%s is named (%s)', async (_name, where, damage, says) => {
  expect(await damaged(where === 'hotline' ? hotline : police, (trx) => all(trx, damage()))).toEqual(
    expect.arrayContaining([expect.stringMatching(says)]),
  );
});

test('what a restored node does not know of itself is no breach of it', async () => {
  const forget = (trx: Database) => all(trx, `delete from message where event = '${kind('revised')}'`);
  expect(await damaged(police, forget)).not.toEqual([]);
  const judging = { atRest: false, restored: new Set([police.issuer]) };
  expect(await damaged(police, forget, judging)).toEqual([]);
});

test('what a restored node forgot to have said is believed by the other side; what it remembers must agree', async () => {
  const judging = { restored: new Set([police.issuer]) };
  const heldAgain = (trx: Database) =>
    all(trx, `update message set outcome = 'held' where event = '${kind('revised')}'`);
  const forgot = async (trx: Database) => {
    await heldAgain(trx);
    // It holds the message as it did when its store was saved; its later receipt is unknown to it and stays at the sender.
    await all(
      trx,
      `update delivery set jti = 'before', payload = jsonb_set(payload, '{content,outcome}', '"held"')
       where event = 'receipt' and answers in (select jti from message where event = '${kind('revised')}')`,
    );
  };
  const believed = expect.stringMatching(/believes accepted of revised \S+ to \S+, which is held/);
  expect(await damaged(police, forgot)).toContainEqual(believed);
  expect(await damaged(police, heldAgain, judging)).toContainEqual(believed);
  expect(await damaged(police, forgot, judging)).not.toContainEqual(believed);
});
