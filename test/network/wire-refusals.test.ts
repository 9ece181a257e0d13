import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ForeignPartner, foreignPartner, freshJti, wireReference } from '../support/foreign-partner.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { type Outbound, type Trap, trap, watchOutbound } from '../support/outbound.ts';
import { honestHeader, type Json, testKey } from '../support/tokens.ts';

// What a foreign peer sends properly signed and the gates refuse: a signed receipt says so, and nothing of it is kept.

let node: TestNode;
let partner: ForeignPartner;
let outbound: Outbound;
let elsewhere: Trap;

beforeAll(async () => {
  node = await testNode();
  partner = await foreignPartner();
  await partner.meet(node);
  elsewhere = await trap();
  outbound = watchOutbound([node.issuer, partner.issuer].map((issuer) => Number(new URL(issuer).port)));
});
afterAll(async () => {
  outbound.stop();
  await elsewhere.close();
  await node.remove();
  await partner.close();
});

async function receiptFor(events: Json, changes: Json = {}): Promise<Json> {
  const jti = freshJti();
  const answer = await partner.push(node, partner.token(node, { jti, events, ...changes }));
  expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 202, body: '' });
  return eventually('a receipt', async () => partner.receiptsFor(jti)[0]);
}

/** A row that says that it was refused and nothing of what it said; no reference, no decision, no connection. */
async function expectNothingTaken(jti: string): Promise<void> {
  const { db } = node.running.exchange.store;
  const rows = await db.selectFrom('message').selectAll().where('jti', '=', jti).execute();
  const nothing = { body: null, plain: null, originator: null, reference_id: null };
  expect(rows).toMatchObject([{ outcome: 'refused', ...nothing }]);
  for (const table of ['reference', 'reference_key', 'decision'] as const)
    expect(await db.selectFrom(table).selectAll().execute()).toEqual([]);
  expect(outbound.begun()).toEqual([]);
}

const CANARY = 'canary-7c1e';
const digest = 'd41d8cd98f00b204e9800998ecf8427e';
const submitted = (changes: Json) => ({
  'urn:caseref:event:1:submitted': wireReference({ url: `https://${CANARY}.example/path`, ...changes }),
});

const refused: Record<string, [Json, string, string]> = {
  'an unknown member': [submitted({ note: 'words' }), 'schema-invalid', '/note'],
  'a thumbnail': [submitted({ thumbnail: 'AAAA' }), 'media-refused', '/thumbnail'],
  'a digest as a member name': [submitted({ md5: digest }), 'fingerprint-refused', '/md5'],
  'a digest in a handle': [
    submitted({ handles: [{ system: 'own', id: digest }] }),
    'fingerprint-refused',
    '/handles/0/id',
  ],
  'a data: URL': [submitted({ url: 'data:image/png;base64,AAAA' }), 'media-refused', '/url'],
  'a magnet: URL': [submitted({ url: 'magnet:?xt=x' }), 'url-scheme-refused', '/url'],
  'an address with user information': [submitted({ url: 'https://u:p@host.example/' }), 'url-quarantined', '/url'],
  'a host that is not in canonical form': [submitted({ url: 'https://HOST.example/' }), 'url-quarantined', '/url'],
  'uk for GB': [submitted({ jurisdiction: { hosting: 'uk' } }), 'jurisdiction-invalid', '/jurisdiction/hosting'],
  'a marking that is no TLP 2.0 label': [submitted({ marking: { tlp: 'WHITE' } }), 'marking-invalid', '/marking/tlp'],
  'an event type of the future': [{ 'urn:caseref:event:1:tomorrow': { a: 1 } }, 'unsupported-event', ''],
  'an event type of another family': [{ 'urn:example:event:1:submitted': { a: 1 } }, 'unsupported-event', ''],
};

describe('a verified event that is refused', () => {
  test.each(Object.entries(refused))(
    'for %s has a signed receipt with code and pointer',
    async (_name, [events, code, pointer]) => {
      const receipt = await receiptFor(events);
      expect(receipt).toMatchObject({ outcome: 'refused', code });
      expect(receipt.pointer ?? '').toBe(pointer);
      await expectNothingTaken((receipt.for as Json).jti as string);
    },
  );

  test('for another’s reference is not-originator', async () => {
    const sub_id = { format: 'iss_sub', iss: 'http://127.0.0.1:1', sub: crypto.randomUUID() };
    expect(await receiptFor(submitted({}), { sub_id })).toMatchObject({ outcome: 'refused', code: 'not-originator' });
  });

  test('leaves a count, its jti and its digest, and nothing of its content in any table or log line', async () => {
    await receiptFor(submitted({ note: CANARY }));
    const { db } = node.running.exchange.store;
    const tables = await sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = 'public'`.execute(db);
    for (const { name } of tables.rows) {
      const { rows } = await sql`select * from ${sql.table(name)}`.execute(db);
      expect(JSON.stringify(rows)).not.toContain(CANARY);
      expect(JSON.stringify(rows)).not.toContain(digest);
    }
    expect(node.logged()).not.toContain(CANARY);
    const counted = await db.selectFrom('refusal_count').selectAll().where('door', '=', 'push').execute();
    expect(counted.map(({ code }) => code)).toEqual(expect.arrayContaining(['media-refused', 'schema-invalid']));
    expect((await node.ask('reference.list', {})).items).toEqual([]);
  });

  test('stands in the feed with its code', async () => {
    const { items } = await node.ask('events', { limit: 500 });
    const told = items.filter(({ type }) => type === 'message.refused').map(({ code }) => code);
    expect(told).toEqual(expect.arrayContaining(['fingerprint-refused', 'unsupported-event', 'not-originator']));
  });
});

describe('a header that points to keys elsewhere', () => {
  const { kid, jwk } = testKey();
  const pointers: Record<string, (url: string) => Json> = {
    jku: (url) => ({ jku: `${url}/jwks.json` }),
    x5u: (url) => ({ x5u: `${url}/chain.pem` }),
    'jku with a kid that is unknown': (url) => ({ jku: `${url}/jwks.json`, kid }),
    'a kid that is an address': (url) => ({ kid: `${url}/key.json` }),
    jwk: () => ({ jwk, kid }),
    'an iss elsewhere': () => ({}),
  };
  test.each(Object.entries(pointers))('%s is answered without asking there, then or later', async (name, header) => {
    const jti = freshJti();
    const changes = name === 'an iss elsewhere' ? { jti, iss: elsewhere.url } : { jti };
    const token = partner.token(node, changes, { ...honestHeader(partner.operational), ...header(elsewhere.url) });
    expect([400, 503]).toContain((await partner.push(node, token)).status);
    // Longer than the workers of the node wait between two looks.
    await pause(600);
    expect(elsewhere.called).toEqual([]);
    expect(outbound.begun()).toEqual([]);
    const { db } = node.running.exchange.store;
    expect(await db.selectFrom('message').select('jti').where('jti', '=', jti).execute()).toEqual([]);
  });
});

test('a category that this node does not know is kept as it came', async () => {
  expect(await receiptFor(submitted({ category: 'new-category' }))).toMatchObject({ outcome: 'accepted' });
  expect((await node.ask('reference.list', { category: 'new-category' })).items).toHaveLength(1);
});

test('verify is receipted like any other', async () => {
  const jti = freshJti();
  const sub_id = { format: 'opaque', id: jti };
  const token = partner.token(node, { jti, sub_id, events: { 'urn:caseref:event:1:verify': {} } });
  expect((await partner.push(node, token)).status).toBe(202);
  const receipt = await eventually('a receipt', async () => partner.receiptsFor(jti)[0]);
  expect(receipt).toMatchObject({ outcome: 'accepted' });
});
