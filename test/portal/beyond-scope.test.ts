import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetFinds } from '../../src/exchange/portal/find.ts';
import { statisticsFor } from '../../src/exchange/portal/overview.ts';
import { purgeDue } from '../../src/exchange/purge.ts';
import { ownerOf, revisionRow } from '../../src/exchange/record.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { createShare } from '../../src/exchange/share.ts';
import { en } from '../../src/portal/texts/en.ts';
import { insertAll } from '../../src/store/rows.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { caseOf, german, pathOf, type TestPortal, testPortal } from '../support/portal.ts';

// A liaison of France at the portal of a German hotline, who tries to learn of what is not for France.

let at: TestPortal;
beforeAll(async () => {
  at = await testPortal();
  at.viewers.set('french', { ...german, jurisdictions: ['FR'], session: 's-fr' });
});
afterAll(() => at.close());
const db = () => at.exchange.store.db;
const self = () => at.exchange.self;

/** Says an own reference, and gives its id. */
async function share(content: object): Promise<string> {
  const shared = await createShare(at.exchange)(content);
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code} ${shared[0]?.pointer}`);
  return shared.id;
}

async function revise(id: string, expected: number, content: object): Promise<void> {
  const revised = await createRevise(at.exchange)(id, expected, content);
  if (Array.isArray(revised)) throw new Error(`refused: ${revised[0]?.code} ${revised[0]?.pointer}`);
}

describe('what is for the own nation alone', () => {
  const jurisdiction = { hosting: 'FR-IDF' };
  beforeAll(() =>
    at.store(
      Array.from({ length: 60 }, () => ({
        reference: caseOf({ jurisdiction, marking: { tlp: 'AMBER', portal: 'national' } }),
      })),
    ),
  );

  test.each(['FR-IDF/national', 'FR/national', 'FR-', 'FR-IDF/'])(
    'no next page tells how many there are, whatever place is asked for: %s',
    async (place) => {
      const { body, statusCode } = await at.get(`/references?jurisdiction=${encodeURIComponent(place)}`, 'french');
      expect([statusCode, /rel="next"/.test(body), body.includes('<h3>')]).toEqual([200, false, false]);
    },
  );

  test('a place of the own nation is asked for as before', async () => {
    const [id = ''] = await at.store([{ reference: caseOf({ jurisdiction }) }]);
    expect((await at.get('/references?jurisdiction=FR-IDF', 'french')).body).toContain(id);
    const { countries } = await statisticsFor(at.exchange, { ...german, jurisdictions: ['FR'] });
    expect(countries).toEqual([{ code: 'FR', n: 1 }]);
  });
});

describe('a revision that was closed to this liaison', () => {
  const { revision: _, ...open } = caseOf({ handles: [{ system: 'own', id: 'R-SHOWN' }] });
  const hidden = [{ system: 'own', id: 'R-HIDDEN' }];
  test.each([
    ['by its marking', { marking: { tlp: 'RED' } }],
    ['by its places', { jurisdiction: { hosting: 'NL' } }],
  ])('%s stays so once a later one is open: nothing of what it said is on the page', async (_name, closed) => {
    const url = `https://revised.host.example/${crypto.randomUUID()}`;
    const id = await share({ ...open, url, handles: hidden, ...closed });
    expect((await at.get(pathOf(self(), id))).statusCode).toBe(404);
    await revise(id, 1, { ...open, url });
    await revise(id, 2, { ...open, url, features: ['self-generated'] });
    const { body, statusCode } = await at.get(pathOf(self(), id));
    expect([statusCode, body.includes('R-SHOWN'), body.includes('R-HIDDEN')]).toEqual([200, true, false]);
    expect(body).not.toContain('<td><bdi>RED</bdi></td>');
    expect(body.match(/Not shown here: /g)).toHaveLength(2);
    // What was open before and after is compared as ever.
    expect(body).toContain('<th scope="row"><bdi>Feature (1)</bdi></th>');
  });
});

test('others to the same address are not crowded out by those that the liaison may not see', async () => {
  const url = 'https://crowded.host.example/one';
  const [seen = '', id = ''] = await at.store([{ reference: caseOf({ url }) }, { reference: caseOf({ url }) }]);
  const elsewhere = { url, jurisdiction: { hosting: 'FR' } };
  await at.store(Array.from({ length: 25 }, () => ({ reference: caseOf(elsewhere), from: at.partner.issuer })));
  await at.get('/references');
  const { body } = await at.get(pathOf(self(), id));
  expect(body).toContain(seen);
  expect(body).toContain(en.case.known);
});

test('a sender that revises without end makes no page without end: the newest hundred are told, and that there were more', async () => {
  const from = at.partner.issuer;
  const reference = caseOf({ url: 'https://revised.host.example/without-end' });
  const [id = ''] = await at.store([{ reference, from }]);
  const name = { originator: from, id };
  const { vault } = at.exchange;
  const { wrapped } = await db()
    .selectFrom('reference_key')
    .select('wrapped')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const key = vault.unwrap(wrapped, ownerOf(name));
  const rows = Array.from({ length: 149 }, (_, index) => {
    const content = { ...reference, revision: index + 2, handles: [{ system: 'own', id: `R-${index + 2}` }] };
    return revisionRow(vault, key, name, content, { jti: null, at: new Date() });
  });
  await inTransaction(db(), (trx) => insertAll(trx, [{ table: 'reference_revision', rows }]));
  await sql`update reference set revision = 150 where id = ${id}::uuid`.execute(db());
  const { body } = await at.get(pathOf(from, id));
  const told = [...body.matchAll(/<h3>Revision (\d+),/g)].map(([, n]) => Number(n));
  expect([told.length, told[0], told.at(-1)]).toEqual([100, 150, 51]);
  expect(body).toContain('<bdi>R-50</bdi>');
  expect(body).not.toContain('R-49<');
  expect(body).toContain(en.case.olderRevisions);
  expect(body.match(/Changed \(revision \d+\)/g)).toHaveLength(100);
  expect((await at.get(pathOf(from, id, '/genuine'))).statusCode).toBe(200);
});

test.each(['before it was placed', 'after'])('one row that is damaged, %s, closes nothing but itself', async (when) => {
  const [bad = ''] = await at.store([{ reference: caseOf({ urgency: { level: 'emergency' } }) }]);
  if (when === 'after') expect((await at.get('/references')).body).toContain(bad);
  await sql`update reference_revision set body = decode('00', 'hex') where id = ${bad}::uuid`.execute(db());
  const [good = ''] = await at.store([{ reference: caseOf({ urgency: { level: 'emergency' } }) }]);
  for (const path of ['/', '/references']) {
    const { body, statusCode } = await at.get(path);
    expect([path, statusCode, body.includes(good), body.includes(bad)]).toEqual([path, 200, true, false]);
  }
  expect((await at.get(pathOf(self(), good))).statusCode).toBe(200);
  expect((await at.get(pathOf(self(), bad))).statusCode).toBe(404);
});

test('a code that is the name of a member of every object is a code like any other', async () => {
  const named = { category: 'constructor', features: ['constructor'], role: 'constructor' };
  const id = await at.push({ ...caseOf(), ...named, urgency: { level: 'constructor', code: 'constructor' } });
  for (const path of [
    '/',
    '/references',
    '/statistics',
    '/references?category=constructor',
    pathOf(at.partner.issuer, id),
  ]) {
    const { body, statusCode } = await at.get(path);
    expect([path, statusCode, body.includes('native code')]).toEqual([path, 200, false]);
  }
  expect((await at.get(pathOf(at.partner.issuer, id))).body).toContain('constructor (code not known here)');
});

test.each([
  ['an address', { category: 'https://x.example/the/path' }],
  ['an address for a sender', { partner: 'https://x.example/the/path' }],
  ['a host', { jurisdiction: 'secret.x.example' }],
])('%s is saved with no search, whatever member it stands in', async (_name, filters) => {
  expect((await at.post('/account/saved', filters as Record<string, string>)).statusCode).toBe(422);
  expect(await db().selectFrom('portal_saved').selectAll().execute()).toEqual([]);
});

test('a search by a sender that is known is saved', async () => {
  const filters = { partner: at.partner.issuer, jurisdiction: 'DE-BY', assessment: 'uk-sentencing:A' };
  expect((await at.post('/account/saved', filters)).statusCode).toBe(200);
  expect(await db().selectFrom('portal_saved').select('filters').execute()).toEqual([{ filters }]);
});

test('the blind indexes of a search are forgotten when its session is over, whether or not anybody searches again', async () => {
  await at.post('/references/find', { kind: 'address', text: 'https://x.example/1' });
  const finds = () => db().selectFrom('portal_find').select('id').execute();
  await forgetFinds(at.exchange);
  expect(await finds()).toHaveLength(1);
  await sql`update portal_find set created_at = created_at - interval '8 hours'`.execute(db());
  await forgetFinds(at.exchange);
  expect(await finds()).toEqual([]);
});

test('a cursor does not say how many references this node has had', async () => {
  await at.store(Array.from({ length: 52 }, () => ({ reference: caseOf({ category: 'trafficking' }) })));
  const path = '/references?category=trafficking';
  const next = /href="([^"]+)" rel="next"/.exec((await at.get(path)).body)?.[1] ?? '';
  const cursor = new URL(next.replaceAll('&amp;', '&'), 'https://portal.example').searchParams.get('after') ?? '';
  const { rows } = await sql<{ position: string }>`
    select position::text as position from reference where category = 'trafficking'`.execute(db());
  const read = Buffer.from(cursor, 'base64url').toString('latin1');
  expect(rows.filter(({ position }) => read.includes(position))).toEqual([]);
  expect((await at.get(`${path}&after=${cursor}`)).body.match(/<h3>/g)).toHaveLength(2);
});

test('an erased case leaves no code and no case number in what is kept of who looked at it', async () => {
  const [id = ''] = await at.store([{ reference: caseOf() }]);
  const [other = ''] = await at.store([{ reference: caseOf() }]);
  for (const one of [id, other])
    await at.post(pathOf(self(), one, '/purpose'), { purpose: 'investigation', ownReference: 'POL-1' });
  await sql`update reference set purge_after = now() - interval '1 second', state = 'sealed' where id = ${id}::uuid`.execute(
    db(),
  );
  expect(await purgeDue(at.exchange)).toBe(1);
  const kept = async (one: string) => {
    const [decided] = await db().selectFrom('portal_decision').selectAll().where('reference_id', '=', one).execute();
    const looks = await db().selectFrom('portal_view').selectAll().where('reference_id', '=', one).execute();
    return [decided?.trace.length, looks.map(({ kind, own_reference: own }) => [kind, own !== null])];
  };
  expect(await kept(id)).toEqual([0, [['purpose', false]]]);
  expect(await kept(other)).toEqual([6, [['purpose', true]]]);
  for (const table of ['portal_place', 'portal_pending'] as const)
    expect(await db().selectFrom(table).select('id').where('id', '=', id).execute()).toEqual([]);
  // Who asks for it afterwards is told nothing, and no code of it comes back.
  expect((await at.get(pathOf(self(), id))).statusCode).toBe(404);
});
