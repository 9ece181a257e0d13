// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { settleDue } from '../../../src/exchange/case/round.ts';
import { recordStatement } from '../../../src/exchange/case/say.ts';
import { showCase, showWithCase } from '../../../src/exchange/case/show.ts';
import { setPolicy } from '../../../src/exchange/policies.ts';
import { createShare } from '../../../src/exchange/share.ts';
import { addUnit } from '../../../src/exchange/units.ts';
import { freshJti } from '../../support/foreign-partner.ts';
import { inventedReference } from '../../support/invented.ts';
import { type Json, self, sender } from '../../support/tokens.ts';
import { type LostKeyBench, lostKeyBench } from '../lost-key.ts';

// What faces are shown of a case, and what of it nobody is shown.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const another = 'https://node.hotline-c.example';
const contact = { desk: 'Duty desk', phone: '+49 30 5550100', emergencyPhone: '+49 30 5550112' };
let bench: LostKeyBench;
beforeAll(async () => {
  bench = await lostKeyBench();
  const all = { id: 'all', when: { category: ['*'] } };
  const document = {
    ...{ partner: sender, legal: { basis: 'Invented act', transfer: 'none' } },
    ...{ send: { rules: [{ ...all, then: 'send' }] }, receive: { rules: [{ ...all, then: 'accept' }], mayHold: true } },
  };
  expect(await setPolicy(bench.node.exchange, sender, document)).not.toHaveProperty('refused');
  await bench.db
    .updateTable('partner')
    .set({ contact: JSON.stringify(contact) })
    .where('issuer', '=', sender)
    .execute();
});
afterAll(() => bench.node.close());

const instant = (ms = bench.now()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

async function ours(): Promise<string> {
  const made = { ...inventedReference(1), url: `https://host.example/${crypto.randomUUID()}` };
  const shared = await createShare(bench.node.exchange)({ ...made, jurisdiction: { hosting: 'DE' } });
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code}`);
  return shared.id;
}

async function hear(event: string, payload: Json, id: string, originator = self, key = bench.successor) {
  bench.later(2000);
  const jti = freshJti();
  await bench.push(event, payload, { id, jti, key }, { sub_id: { format: 'iss_sub', iss: originator, sub: id } });
  expect(await bench.message(jti)).toMatchObject({ outcome: 'accepted' });
}
async function say(event: Parameters<typeof recordStatement>[1]['event'], payload: Json, id: string) {
  bench.later(2000);
  const said = await recordStatement(bench.node.exchange, { originator: self, id, event, payload });
  expect(said).toHaveProperty('told');
}
async function shown(id: string, originator = self, at?: Date) {
  const found = await showCase(bench.node.exchange, { originator, id }, at);
  if (!found) throw new Error('no case is shown');
  return found;
}

const assessed = (changes: Json = {}) => ({
  ...{ scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: instant() },
  ...changes,
});
const hold = (ms = 2 * DAY) => ({
  ...{ step: 'placed', until: instant(bench.now() + ms), ground: 'investigation', authority: 'prosecutor' },
});

describe('who says it', () => {
  test('is the organisation itself, or the originator that relays it', async () => {
    const { id } = await bench.submit({ key: bench.successor });
    const digest = `S256:${'A'.repeat(43)}`;
    await hear('assessed', assessed(), id, sender);
    await hear('relayed', { by: another, event: 'assessed', jti: freshJti(), digest, body: assessed() }, id, sender);
    const { assessments } = await shown(id, sender);
    expect(assessments.map(({ by, via }) => [by, via])).toEqual([
      [sender, undefined],
      [another, sender],
    ]);
  });

  test('is a unit without a node, through the one that recorded it', async () => {
    const id = await ours();
    const unit = { name: 'Unit 7 of the tests', jurisdiction: 'DE' };
    expect(await addUnit(bench.node.exchange, unit)).not.toHaveProperty('refused');
    const toldBy = { channel: 'phone', unit: unit.name };
    await say('hold', { ...hold(), toldBy }, id);
    const { holds, timeline } = await shown(id);
    expect(holds).toMatchObject([{ desk: { by: self, unit: unit.name }, inForce: true }]);
    expect(timeline.find(({ event }) => event === 'hold')).toMatchObject({ by: self, toldBy });
  });

  test('of the reference’s own claims is its originator, or who is named there', async () => {
    const claims = [assessed({ by: another }), assessed({ code: 'national', scheme: 'of-tomorrow' })];
    const { id } = await bench.submit({ key: bench.successor }, { assessments: claims });
    expect((await shown(id, sender)).assessments).toMatchObject([
      { by: another, via: sender, code: 'baseline' },
      { by: sender, code: 'national', unknown: ['/scheme'] },
    ]);
  });
});

test('a hold names the desk to call and who knows of it, and ends by itself at its instant', async () => {
  const id = await ours();
  await hear('hold', hold(), id);
  const before = await shown(id);
  expect(before).toMatchObject({
    holds: [
      {
        ...{ desk: { by: sender, contact }, binding: true, inForce: true, lateRefusal: false },
        ...{ ground: 'investigation', authority: 'prosecutor', audience: [sender, self].sort() },
      },
    ],
    host: { notice: 'must-not', reason: 'hold' },
  });
  const after = await shown(id, self, new Date(bench.now() + 3 * DAY));
  expect(after.holds).toMatchObject([{ inForce: false }]);
  expect(after.timeline.at(-1)).toMatchObject({ event: 'hold-ended', by: sender, at: before.holds[0]?.until });
  expect(after.host.reason).not.toBe('hold');
});

test('a request that nobody answers has timed out; refused too late it acts as a hold', async () => {
  const id = await ours();
  await say('clearance', { step: 'requested', deadline: instant(bench.now() + HOUR) }, id);
  bench.later(2 * HOUR);
  await settleDue(bench.node.exchange);
  const lapsed = await shown(id);
  expect(lapsed).toMatchObject({
    clearance: { status: 'timed-out' },
    host: { notice: 'after-clearance', reason: 'clearance-timed-out' },
  });
  const end = lapsed.timeline.find(({ event }) => event === 'clearance-timed-out');
  expect(end).toMatchObject({ at: lapsed.clearance.deadline });
  await hear('clearance', { step: 'refused' }, id);
  expect(await shown(id)).toMatchObject({
    holds: [{ desk: { by: sender, contact }, lateRefusal: true, inForce: true }],
    host: { notice: 'must-not', reason: 'hold' },
  });
});

test('of a partner’s emergency it is seen whom to call, and for how long a person has not acknowledged it', async () => {
  const urgency = { level: 'emergency', code: 'imminent-danger' };
  const { id } = await bench.submit({ key: bench.successor }, { urgency });
  expect((await shown(id, sender)).urgency).toMatchObject({
    ...urgency,
    acknowledgement: [{ recipient: self, state: 'waiting', contact }],
  });
  const late = new Date(bench.now() + 2 * HOUR);
  expect((await shown(id, sender, late)).urgency.acknowledgement).toMatchObject([{ state: 'overdue' }]);
});

test('what a lost key said is shown as suspect and counts for nothing', async () => {
  const { id } = await bench.submit({ key: bench.successor });
  bench.later(10_000);
  const since = bench.now();
  bench.later(1000);
  await bench.push('assessed', assessed(), { id });
  await bench.lose(since);
  const { assessments, timeline } = await shown(id, sender);
  expect(assessments).toEqual([]);
  expect(timeline.filter(({ event }) => event === 'assessed')).toMatchObject([{ status: 'suspect', by: sender }]);
});

test('no address stands in it, whoever asks', async () => {
  const { id } = await bench.submit({ key: bench.successor }, { access: { referrer: 'https://host.example/from' } });
  await hear('assessed', assessed(), id, sender);
  expect(JSON.stringify(await shown(id, sender))).not.toContain('host.example');
  const masked = await showWithCase(bench.node.exchange, { originator: sender, id }, 'masked');
  expect(JSON.stringify(masked)).not.toContain('host.example/');
  expect(masked).toMatchObject({
    url: expect.stringMatching(/^hxxps:/),
    history: { assessments: [{}] },
    case: { pen: {} },
  });
});

describe('nothing is shown', () => {
  const nothing = async (id: string, originator = sender) => {
    expect(await showCase(bench.node.exchange, { originator, id })).toBeUndefined();
  };

  test('of a reference that is not here', () => nothing(crypto.randomUUID()));

  test('of one that was taken back', async () => {
    const { id } = await bench.submit({ key: bench.successor });
    await hear('assessed', assessed(), id, sender);
    await shown(id, sender);
    await bench.push('withdrawn', { reason: 'legal', purge: false }, { id, key: bench.successor });
    await nothing(id);
    const left = await showWithCase(bench.node.exchange, { originator: sender, id }, 'whole');
    expect(left).toMatchObject({ state: 'sealed', history: { revisions: [{}] } });
    expect(left).not.toHaveProperty('case');
    expect(JSON.stringify(left)).not.toContain('iccam');
  });

  test.each(['restricted', 'purged', 'expired'])('of one that is %s', async (state) => {
    const { id } = await bench.submit({ key: bench.successor });
    await bench.db.updateTable('reference').set({ state }).where('id', '=', id).execute();
    await nothing(id);
  });

  test('behind a veil, until it is lifted', async () => {
    const { id } = await bench.submit({ key: bench.successor });
    await bench.db
      .updateTable('reference')
      .set({ state: 'sealed', veiled_state: 'open' })
      .where('id', '=', id)
      .execute();
    await nothing(id);
    await bench.db.updateTable('reference').set({ state: 'open', veiled_state: null }).where('id', '=', id).execute();
    await shown(id, sender);
  });
});
