// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { isRefusal } from '../../../src/domain/refusal.ts';
import { MOST_STATEMENTS } from '../../../src/exchange/case/log.ts';
import { settleDue } from '../../../src/exchange/case/round.ts';
import { recordStatement } from '../../../src/exchange/case/say.ts';
import { showCase } from '../../../src/exchange/case/show.ts';
import { setPolicy } from '../../../src/exchange/policies.ts';
import { createReceive } from '../../../src/exchange/receive.ts';
import { createShare } from '../../../src/exchange/share.ts';
import { freshJti } from '../../support/foreign-partner.ts';
import { inventedReference } from '../../support/invented.ts';
import { type FreshDatabase, freshDatabase } from '../../support/postgres.ts';
import { type Json, self, sender } from '../../support/tokens.ts';
import { type LostKeyBench, lostKeyBench } from '../lost-key.ts';

// What a partner says about references and is refused for, each code once, beside those of receive.test.ts; on PostgreSQL.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let database: FreshDatabase;
let bench: LostKeyBench;
beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  const store = { kind: 'postgres', url: database.url, schema: 'caseref', connections: 4 } as const;
  bench = await lostKeyBench({ store });
  await allow(bench);
});
afterAll(async () => {
  await bench?.node.close();
  await database?.drop();
});

/** Everything is sent to the partner and taken from it, holds too. */
async function allow({ node }: LostKeyBench) {
  const rules = { id: 'all', when: { category: ['*'] } };
  const document = {
    ...{ partner: sender, legal: { basis: 'Invented act', transfer: 'none' } },
    ...{
      send: { rules: [{ ...rules, then: 'send' }] },
      receive: { rules: [{ ...rules, then: 'accept' }], mayHold: true },
    },
  };
  expect(await setPolicy(node.exchange, sender, document)).not.toHaveProperty('refused');
}

const instant = (ms = bench.now()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** What is recorded of the partner, which is police at first. */
async function partnerIs(type: 'hotline' | 'law-enforcement') {
  await bench.db.updateTable('partner').set({ type }).where('issuer', '=', sender).execute();
  await bench.directoryMoved();
}

/** An own reference, hosted where the partner is competent, that it was sent. */
async function ours(): Promise<string> {
  const made = { ...inventedReference(1), url: `https://host.example/${crypto.randomUUID()}` };
  const shared = await createShare(bench.node.exchange)({ ...made, jurisdiction: { hosting: 'DE' } });
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code}`);
  return shared.id;
}
const theirs = async () => (await bench.submit()).id;

async function hear(event: string, payload: Json, id: string, originator = self, jti = freshJti()) {
  bench.later(2000);
  await bench.push(event, payload, { id, jti }, { sub_id: { format: 'iss_sub', iss: originator, sub: id } });
  const { outcome, code, pointer } = await bench.message(jti);
  return { outcome, code, pointer, jti };
}

async function say(
  event: Parameters<typeof recordStatement>[1]['event'],
  payload: Json,
  id: string,
  originator = self,
) {
  bench.later(2000);
  const said = await recordStatement(bench.node.exchange, { originator, id, event, payload });
  expect(Array.isArray(said) ? said.filter((one) => isRefusal(one)) : []).toEqual([]);
}

const acted = (changes: Json = {}) => ({ action: 'removed', at: instant(), standing: 'final', ...changes });
const hold = (ms = 24 * HOUR) => ({
  ...{ step: 'placed', until: instant(bench.now() + ms), ground: 'investigation', authority: 'police' },
});
/** The message that carried our own words to the partner. */
async function jtiOf(event: string, id: string): Promise<string> {
  const query = bench.db.selectFrom('delivery').select('jti').where('reference_id', '=', id);
  return (await query.where('event', '=', event).executeTakeFirstOrThrow()).jti;
}

test('handover-pending: an outcome of who has accepted the pen waits for the confirmation', async () => {
  const id = await ours();
  await say('handover', { step: 'offered', to: sender }, id);
  await hear('handover', { step: 'accepted', accepts: await jtiOf('handover', id) }, id);
  const early = await hear('acted', acted(), id);
  expect(early).toMatchObject({ outcome: 'held', code: 'handover-pending' });
  const shown = await showCase(bench.node.exchange, { originator: self, id });
  expect(shown?.timeline.find(({ status }) => status === 'waiting')).toMatchObject({
    event: 'acted',
    by: sender,
    status: 'waiting',
    code: 'handover-pending',
  });
  await say('handover', { step: 'confirmed' }, id);
  expect(await bench.message(early.jti)).toMatchObject({ outcome: 'accepted', code: null });
});

test('state-conflict: an offer that is answered a second time', async () => {
  const id = await ours();
  await say('handover', { step: 'offered', to: sender }, id);
  const accepts = await jtiOf('handover', id);
  expect(await hear('handover', { step: 'declined', accepts, code: 'no-capacity' }, id)).toMatchObject({
    outcome: 'accepted',
  });
  expect(await hear('handover', { step: 'accepted', accepts }, id)).toMatchObject({
    ...{ outcome: 'refused', code: 'state-conflict', pointer: '/step' },
  });
});

describe('schema-invalid: a hold', () => {
  test.each([
    ['that reaches beyond 30 days', 31 * DAY],
    ['that has ended before it began', -HOUR],
  ])('%s', async (_, ms) => {
    expect(await hear('hold', hold(ms), await ours())).toMatchObject({
      ...{ outcome: 'refused', code: 'schema-invalid', pointer: '/until' },
    });
  });
});

test('hold-active: telling the host is proposed under a hold; that it was told is a fact, and taken', async () => {
  const id = await ours();
  expect(await hear('hold', hold(), id)).toMatchObject({ outcome: 'accepted' });
  expect(await hear('acted', acted({ action: 'reported-to-isp', standing: 'proposed' }), id)).toMatchObject({
    ...{ outcome: 'refused', code: 'hold-active', pointer: '/action' },
  });
  expect(await hear('acted', acted({ action: 'reported-to-isp', standing: 'observed' }), id)).toMatchObject({
    outcome: 'accepted',
  });
});

describe('from a hotline', () => {
  beforeAll(() => partnerIs('hotline'));
  afterAll(() => partnerIs('law-enforcement'));

  test.each([
    ['clearance', { step: 'granted' }, '/step'],
    ['feedback', { code: 'victim-safeguarded' }, '/code'],
  ])('not-competent: %s', async (event, payload, pointer) => {
    expect(await hear(event, payload, await ours())).toMatchObject({
      ...{ outcome: 'refused', code: 'not-competent', pointer },
    });
  });

  test('hold-not-competent: a hold, trusted with holds or not', async () => {
    expect(await hear('hold', hold(), await ours())).toMatchObject({ outcome: 'refused', code: 'hold-not-competent' });
  });

  test('handle-invalid: a number of a police system', async () => {
    const note = { at: instant(), ownReference: { system: 'siena', id: '4711' } };
    expect(await hear('acknowledged', note, await ours())).toMatchObject({
      ...{ outcome: 'refused', code: 'handle-invalid', pointer: '/ownReference/system' },
    });
  });
});

test('not-competent: the originator has no answer to itself', async () => {
  expect(await hear('feedback', { code: 'useful' }, await theirs(), sender)).toMatchObject({
    ...{ outcome: 'refused', code: 'not-competent' },
  });
});

describe('what is relayed', () => {
  const relayed = (by: string) => ({
    ...{ by, event: 'feedback', jti: freshJti(), digest: `S256:${'A'.repeat(43)}`, body: { code: 'useful' } },
  });

  test('not-originator: by anybody but the originator', async () => {
    const payload = relayed('https://node.hotline-c.example');
    expect(await hear('relayed', payload, await ours())).toMatchObject({ outcome: 'refused', code: 'not-originator' });
  });

  test.each([
    ['our own', self],
    ['its sender’s own', sender],
  ])('schema-invalid: %s words', async (_, by) => {
    expect(await hear('relayed', relayed(by), await theirs(), sender)).toMatchObject({
      ...{ outcome: 'refused', code: 'schema-invalid', pointer: '/by' },
    });
  });
});

test.each([
  ['fingerprint-refused', { code: 'd41d8cd98f00b204e9800998ecf8427e' }],
  ['jurisdiction-invalid', { code: 'forwarded', country: 'UK' }],
  ['schema-invalid', { code: 'useful', at: '2026-11-20T10:00:00Z' }],
])('%s: at the door', async (code, payload) => {
  expect(await hear('feedback', payload, await ours())).toMatchObject({ outcome: 'refused', code });
});

test('schema-invalid: what has not happened yet, or is said in another’s name', async () => {
  const id = await ours();
  const ahead = acted({ at: instant(bench.now() + HOUR), standing: 'observed' });
  expect(await hear('acted', ahead, id)).toMatchObject({ outcome: 'refused', code: 'schema-invalid', pointer: '/at' });
  const claim = { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: instant() };
  expect(await hear('assessed', { ...claim, by: self }, id)).toMatchObject({
    ...{ outcome: 'refused', code: 'schema-invalid', pointer: '/by' },
  });
});

test('too-large: a log that is full', async () => {
  const id = await ours();
  await hear('feedback', { code: 'useful' }, id);
  const [row] = await bench.db.selectFrom('case_statement').selectAll().where('reference_id', '=', id).execute();
  if (!row) throw new Error('nothing was taken');
  const { position: _, ...kept } = row;
  const full = Array.from({ length: MOST_STATEMENTS - 1 }, () => ({
    ...{ ...kept, id: crypto.randomUUID(), carrier: freshJti(), state: 'refused' as const, payload: null },
  }));
  await bench.db.insertInto('case_statement').values(full).execute();
  expect(await hear('feedback', { code: 'forwarded' }, id)).toMatchObject({ outcome: 'refused', code: 'too-large' });
});

test('unsupported-event: a provider hears nothing of a case', async () => {
  const { exchange } = bench.node;
  const receive = createReceive({ ...exchange, settings: { ...exchange.settings, type: 'industry' } });
  const [id, jti] = [await ours(), freshJti()];
  const more = { sub_id: { format: 'iss_sub', iss: self, sub: id } };
  expect(await receive(bench.record('feedback', { code: 'useful' }, { id, jti }, more))).toEqual({ status: 'taken' });
  expect(await bench.message(jti)).toMatchObject({ outcome: 'refused', code: 'unsupported-event' });
});

test('a code that no list here has is kept as it came and shown as unknown, never refused', async () => {
  const id = await ours();
  expect(await hear('feedback', { code: 'of-tomorrow' }, id)).toMatchObject({ outcome: 'accepted' });
  const shown = await showCase(bench.node.exchange, { originator: self, id });
  expect(shown?.feedback).toMatchObject([{ by: sender, code: 'of-tomorrow', unknown: ['/code'] }]);
});

describe('much later', () => {
  test('schema-invalid: a hold that takes its desk beyond 90 days in sum', async () => {
    const mine = bench;
    bench = await lostKeyBench();
    try {
      await allow(bench);
      // The partner's keys outlive it all.
      const exp = Math.floor(bench.now() / 1000) + 365 * 86_400;
      await bench.db.updateTable('partner').set({ key_set_exp: exp }).where('issuer', '=', sender).execute();
      await bench.db.updateTable('partner_key').set({ exp }).where('issuer', '=', sender).execute();
      await bench.directoryMoved();
      const id = await ours();
      const placed = [];
      for (let nth = 0; nth < 4; nth += 1) {
        placed.push(await hear('hold', hold(29 * DAY), id));
        bench.later(29 * DAY);
      }
      expect(placed).toMatchObject([
        ...Array.from({ length: 3 }, () => ({ outcome: 'accepted' })),
        { outcome: 'refused', code: 'schema-invalid', pointer: '/until' },
      ]);
    } finally {
      await bench.node.close();
      bench = mine;
    }
  });

  // The last of the file: the key that everything above was signed by is lost here.
  test('key-suspect: what waited when the key that had signed it was lost, once its time is over', async () => {
    const id = await ours();
    await say('handover', { step: 'offered', to: sender }, id);
    const since = bench.now();
    await hear('handover', { step: 'accepted', accepts: await jtiOf('handover', id) }, id);
    const early = await hear('acted', acted(), id);
    expect(early).toMatchObject({ outcome: 'held', code: 'handover-pending' });
    await bench.lose(since);
    await settleDue(bench.node.exchange);
    expect(await bench.message(early.jti)).toMatchObject({ outcome: 'held' });
    bench.later(15 * DAY);
    await settleDue(bench.node.exchange);
    expect(await bench.message(early.jti)).toMatchObject({ outcome: 'refused', code: 'key-suspect' });
  });
});
