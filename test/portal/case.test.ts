import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { type OwnStatement, recordStatement } from '../../src/exchange/case/say.ts';
import { showCase } from '../../src/exchange/case/show.ts';
import { careForUnit, countLooks } from '../../src/exchange/liaison/care.ts';
import { showCase as showCaseTo } from '../../src/exchange/portal/case.ts';
import { dueFor } from '../../src/exchange/portal/due.ts';
import { placeBeforeReading } from '../../src/exchange/portal/undecided.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { createShare } from '../../src/exchange/share.ts';
import { en } from '../../src/portal/texts/en.ts';
import { turnVeil } from '../../src/store/recovery.ts';
import { insertRows } from '../../src/store/rows.ts';
import { readOnly } from '../../src/store/simulate.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { type ForeignPartner, foreignPartner } from '../support/foreign-partner.ts';
import { accredited } from '../support/liaisons.ts';
import { befriendNode, eventually, openPolicy, type TestNode, testNode } from '../support/node.ts';
import { caseOf, german, type OpenPortal, openPortal, pathOf } from '../support/portal.ts';

// A hotline and a police node, whole and over real HTTP, each with a portal: what was said about a case is on the pages of both.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let ahead = 0;
const clock = () => Date.now() + ahead;
const instant = (ms = clock()) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

let hotline: TestNode;
let police: TestNode;
let foreign: ForeignPartner;
let portals: readonly (readonly [TestNode, OpenPortal])[];
const atHotline = () => (portals[0] as (typeof portals)[number])[1];

beforeAll(async () => {
  hotline = await testNode({ name: 'Hotline A', jurisdictions: ['DE'], clock });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'], clock });
  foreign = await foreignPartner();
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
  const open = openPolicy(police.issuer) as { send: object; receive: object };
  const send = { ...open.send, disclose: { handles: 'always', assessments: true } };
  const document = { ...open, send, receive: { ...open.receive, mayHold: true } };
  await hotline.ask('policy.set', { issuer: police.issuer, document });
  await foreign.meet(hotline);
  const dutch = { ...german, agency: 'Police of another place', jurisdictions: ['NL'], session: 's-nl' };
  const swede = { ...german, jurisdictions: ['SE'], session: 's-se' };
  portals = await Promise.all(
    [hotline, police].map(async (node) => {
      const portal = await openPortal(node.running.exchange);
      portal.viewers.set('dutch', dutch).set('swede', swede);
      return [node, portal] as const;
    }),
  );
}, 60_000);
afterAll(async () => {
  await Promise.all((portals ?? []).map(([, { app }]) => app.close()));
  await foreign?.close();
  await Promise.all([hotline, police].map((node) => node?.remove()));
});

async function submit(): Promise<string> {
  const { revision: _, ...content } = caseOf({ jurisdiction: { hosting: 'NL' }, urgency: undefined });
  const assessments = [
    { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: '2026-11-20T10:00:00Z' },
  ];
  const marking = { tlp: 'AMBER', portal: 'concerned', notifyHost: 'after-clearance' };
  const { urgency: __, ...given } = { ...content, assessments, marking, receivedAt: instant(clock() - HOUR) };
  const shared = await createShare(hotline.running.exchange)(given);
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code} ${shared[0]?.pointer}`);
  const { db } = police.running.exchange.store;
  await eventually('the submission', () =>
    db.selectFrom('reference').select('id').where('id', '=', shared.id).executeTakeFirst(),
  );
  return shared.id;
}

/** Says something and waits until the other node counts it too. */
async function say(node: TestNode, id: string, event: OwnStatement['event'], payload: object) {
  ahead += 2000;
  const said = await recordStatement(node.running.exchange, { originator: hotline.issuer, id, event, payload });
  if (Array.isArray(said)) throw new Error(`refused: ${said.map((one) => (isRefusal(one) ? one.code : '')).join()}`);
  const counted = async ({ running }: TestNode) =>
    (
      await running.exchange.store.db
        .selectFrom('case_statement')
        .select('id')
        .where('reference_id', '=', id)
        .where('event', '=', event)
        .where('state', '=', 'taken')
        .execute()
    ).length;
  const wanted = await counted(node);
  const other = node === hotline ? police : hotline;
  await eventually(`${event} at the other`, async () => (await counted(other)) === wanted);
}

const page = async (portal: OpenPortal, id: string, as = 'dutch') =>
  (await portal.get(pathOf(hotline.issuer, id), as)).body;

describe('what was said about a case', () => {
  let id: string;
  let until: string;
  beforeAll(async () => {
    id = await submit();
    await say(police, id, 'assessed', {
      ...{ scheme: 'iccam', version: '3', code: 'national', law: 'NL', method: 'viewed', at: instant() },
    });
    await say(hotline, id, 'clearance', { step: 'requested', deadline: instant(clock() + 4 * HOUR) });
    until = instant(clock() + 2 * DAY);
    await say(police, id, 'hold', { step: 'placed', until, ground: 'victim-safety', authority: 'prosecutor' });
    await say(hotline, id, 'acted', { action: 'online', at: instant(), standing: 'observed' });
  });

  test('stands on the page of each node: both laws, who asked, who holds and whom to call, what was done', async () => {
    for (const [, portal] of portals) {
      const body = await page(portal, id);
      expect(body).toContain('Assessed by Hotline A under the law of Germany (DE) on 20 November 2026');
      expect(body).toContain('Assessed by Police B under the law of Netherlands (NL)');
      expect(body).toContain('Hold by Police B');
      expect(body).toContain(`datetime="${new Date(until).toISOString()}"`);
      expect(body).toContain('Clearance is waited for');
      expect(body).toContain('Seen online');
    }
  });

  test('what a hold is for and who ordered it is on no page: that is asked of the desk', async () => {
    for (const [, portal] of portals) expect(await page(portal, id)).not.toMatch(/victim.safety|prosecutor/i);
  });

  test('who may not see the case sees nothing of it, in the overview neither', async () => {
    for (const [{ running }, portal] of portals) {
      expect((await portal.get(pathOf(hotline.issuer, id), 'swede')).statusCode).toBe(404);
      const swede = portal.viewers.get('swede') ?? german;
      expect(await dueFor(running.exchange, swede)).toEqual([]);
      expect((await portal.get('/', 'swede')).body).not.toContain(id);
    }
  });

  test('the overview has the clearance that waits before the hold that ends, each with its case', async () => {
    for (const [{ running }, portal] of portals) {
      const viewer = portal.viewers.get('dutch') ?? german;
      const due = await dueFor(running.exchange, viewer);
      expect(due.map(({ what, line }) => [what, line.id])).toEqual([
        ['clearance', id],
        ['hold', id],
      ]);
      expect(due[1]?.at).toEqual(new Date(until));
      expect((await portal.get('/', 'dutch')).body).toContain(id);
    }
  });

  test('a claim that was said since is found by the search, as those of the reference are', async () => {
    const other = await submit();
    const found = async (portal: OpenPortal, code: string) => {
      const { body } = await portal.get(`/references?assessment=${encodeURIComponent(code)}`, 'dutch');
      return [body.includes(id), body.includes(other)];
    };
    for (const [, portal] of portals) {
      expect(await found(portal, 'iccam:baseline')).toEqual([true, true]);
      expect(await found(portal, 'iccam:national')).toEqual([true, false]);
      expect(await found(portal, 'iccam:undetermined')).toEqual([false, false]);
    }
    // Nothing of the reference itself changes by it.
    const claim = { scheme: 'iccam', version: '3', code: 'undetermined', law: 'NL', method: 'viewed', at: instant() };
    await say(police, other, 'assessed', claim);
    for (const [, portal] of portals) expect(await found(portal, 'iccam:undetermined')).toEqual([false, true]);
  });

  test('a hold that ends later than in three days is not near its end', async () => {
    const late = await submit();
    const end = instant(clock() + 20 * DAY);
    await say(police, late, 'hold', { step: 'placed', until: end, ground: 'investigation', authority: 'police' });
    const viewer = atHotline().viewers.get('dutch') ?? german;
    const due = await dueFor(hotline.running.exchange, viewer);
    expect(due.map(({ line }) => line.id)).not.toContain(late);
    expect(await page(atHotline(), late)).toContain('Hold by Police B');
  });

  test('sealed, it is 404 with all that was said, and no longer due', async () => {
    const gone = await submit();
    await say(hotline, gone, 'clearance', { step: 'requested', deadline: instant(clock() + HOUR) });
    const { exchange } = hotline.running;
    const viewer = atHotline().viewers.get('dutch') ?? german;
    const isDue = async () => {
      await placeBeforeReading(exchange);
      return (await dueFor(exchange, viewer)).some(({ line }) => line.id === gone);
    };
    expect(await isDue()).toBe(true);
    for (const state of ['sealed', 'restricted']) {
      await sql`update reference set state = ${state} where id = ${gone}::uuid`.execute(exchange.store.db);
      expect((await atHotline().get(pathOf(hotline.issuer, gone), 'dutch')).statusCode).toBe(404);
      expect(await isDue()).toBe(false);
    }
  });
});

test('behind a veil it is 404 and on no list, and there again with all that was said once the veil is lifted', async () => {
  const id = await submit();
  await say(police, id, 'hold', {
    step: 'placed',
    until: instant(clock() + DAY),
    ground: 'investigation',
    authority: 'police',
  });
  const { exchange } = police.running;
  const { db } = exchange.store;
  const portal = (portals[1] as (typeof portals)[number])[1];
  const seen = async () => {
    const listed = (await portal.get('/references', 'dutch')).body.includes(id);
    const due = (await dueFor(exchange, portal.viewers.get('dutch') ?? german)).some(({ line }) => line.id === id);
    return [(await portal.get(pathOf(hotline.issuer, id), 'dutch')).statusCode, listed, due];
  };
  expect(await seen()).toEqual([200, true, true]);
  const epoch = crypto.randomUUID();
  const lost = { partner: hotline.issuer, epoch, because: 'operator', at: new Date(), opened_at: null };
  await insertRows(db, 'recovery', [lost]);
  await inTransaction(db, (trx) => turnVeil(trx, hotline.issuer, 'down'));
  expect(await seen()).toEqual([404, false, false]);
  await db.updateTable('recovery').set({ opened_at: new Date() }).execute();
  await inTransaction(db, (trx) => turnVeil(trx, hotline.issuer, 'up'));
  expect(await seen()).toEqual([200, true, true]);
});

test('a code that no list here has is shown as it came, and as unknown', async () => {
  const sub_id = { format: 'iss_sub', iss: foreign.issuer, sub: crypto.randomUUID() };
  const iat = Math.floor(clock() / 1000);
  const push = async (event: string, payload: object, later: number) => {
    const events = { [`urn:caseref:event:1:${event}`]: payload };
    const answer = await foreign.push(hotline, foreign.token(hotline, { iat: iat + later, sub_id, events }));
    expect(answer.status, await answer.text()).toBe(202);
  };
  await push('submitted', caseOf({ jurisdiction: { hosting: 'NL' }, category: 'a-category-of-tomorrow' }), 0);
  const claim = { scheme: 'iccam', version: '9', code: 'a-code-of-tomorrow', law: 'NL', method: 'viewed' };
  await push('assessed', { ...claim, at: instant(iat * 1000) }, 1);
  await push('acted', { action: 'an-action-of-tomorrow', at: instant(iat * 1000), standing: 'observed' }, 2);
  const { body } = await atHotline().get(pathOf(foreign.issuer, sub_id.sub), 'dutch');
  for (const code of ['a-category-of-tomorrow', 'a-code-of-tomorrow', 'an-action-of-tomorrow'])
    expect(body).toContain(`${code} (code not known here)`);
  const { body: found } = await atHotline().get('/references?assessment=iccam%3Aa-code-of-tomorrow', 'dutch');
  expect(found).toContain(sub_id.sub);
});

test('each revision is shown with what it says otherwise than the one before, addresses masked', async () => {
  const { exchange } = hotline.running;
  const first = caseOf({
    jurisdiction: { hosting: 'NL' },
    access: { referrer: 'https://ref.host.example/first/path' },
  });
  const { revision: _, ...content } = first;
  const shared = await createShare(exchange)(content);
  if (Array.isArray(shared)) throw new Error(`refused: ${shared[0]?.code} ${shared[0]?.pointer}`);
  const { id } = shared;
  const again = {
    ...content,
    category: 'grooming',
    access: { referrer: 'https://other.host.example/second/path' },
    features: ['self-generated'],
  };
  const revised = await createRevise(exchange)(id, 1, again);
  if (Array.isArray(revised)) throw new Error(`refused: ${revised[0]?.code} ${revised[0]?.pointer}`);
  const shown = await showCaseTo(exchange, atHotline().viewers.get('dutch') ?? german, {
    originator: hotline.issuer,
    id,
  });
  if (isRefusal(shown)) throw new Error(`refused: ${shown.code}`);
  const said = shown.revisions.map(({ revision, differences }) => ({ revision, differences }));
  expect(said).toEqual([
    {
      revision: 2,
      differences: [
        { member: 'category', before: 'csam', after: 'grooming' },
        {
          member: 'access.referrer',
          before: 'hxxps://ref[.]host[.]example/…',
          after: 'hxxps://other[.]host[.]example/…',
        },
        { member: 'features[1]', before: '', after: 'self-generated' },
      ],
    },
    { revision: 1, differences: [] },
  ]);
  const { body } = await atHotline().get(pathOf(hotline.issuer, id), 'dutch');
  expect(body.indexOf('Revision 2')).toBeLessThan(body.indexOf('Revision 1'));
  expect(body).toContain('hxxps://ref[.]host[.]example/…');
  expect(body).not.toMatch(/first\/path|second\/path/);
});

describe('pages read, and cannot write', () => {
  test('where they read, the server itself refuses a write', async () => {
    const { db } = hotline.running.exchange.store;
    const write = readOnly(db, (trx) => sql`update reference set category = 'csam'`.execute(trx));
    await expect(write).rejects.toMatchObject({ code: '25006' });
  });

  test('every page is made while no table but those of the portal and the feed can be written', async () => {
    const id = await submit();
    const { exchange } = hotline.running;
    const { db } = exchange.store;
    expect((await atHotline().get('/references', 'dutch')).body).toContain(id);
    await sql`create function read_only() returns trigger language plpgsql as $$
      begin raise exception 'written: %', tg_table_name; end $$`.execute(db);
    const { rows } = await sql<{ name: string }>`
      select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'portal%'
        and tablename not in ('event', 'feed_counter')`.execute(db);
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['reference', 'case_statement', 'delivery']));
    for (const { name } of rows)
      await sql`create trigger read_only before insert or update or delete on ${sql.table(name)}
        for each row execute function read_only()`.execute(db);
    try {
      const forbidden = sql`update reference set category = 'csam' where id = ${id}::uuid`.execute(db);
      await expect(forbidden).rejects.toThrow('written: reference');
      const portal = atHotline();
      const stated = await portal.post(pathOf(hotline.issuer, id, '/purpose'), { purpose: 'audit' }, 'dutch');
      expect(stated.statusCode).toBe(303);
      for (const path of ['/', '/references', '/partners', '/statistics', '/account'])
        expect([path, (await portal.get(path, 'dutch')).statusCode]).toEqual([path, 200]);
      for (const path of ['', '/purpose', '/address', '/genuine'])
        expect((await portal.get(pathOf(hotline.issuer, id, path), 'dutch')).statusCode).toBe(200);
      expect(await showCase(exchange, { originator: hotline.issuer, id })).toBeDefined();
    } finally {
      for (const { name } of rows) await sql`drop trigger read_only on ${sql.table(name)}`.execute(db);
    }
  });
});

describe('a unit', () => {
  const until = () => new Date(clock() + 100 * DAY).toISOString().slice(0, 10);
  const invite = async (changes: object) =>
    (await police.ask('liaison.invite', { ...accredited, ...changes, until: until() })).id;
  const portal = () => (portals[1] as (typeof portals)[number])[1];

  test('was here: an originator can be told day, country and count, and nothing else', async () => {
    const id = await submit();
    const path = pathOf(hotline.issuer, id);
    for (const [as, jurisdictions] of [
      ['german', ['DE', 'DE-BY']],
      ['several', ['NL', 'DE']],
    ] as const)
      portal().viewers.set(as, { ...german, id: await invite({ jurisdictions }), jurisdictions: ['NL'], session: as });
    for (const as of ['german', 'german', 'several']) expect((await portal().get(path, as)).statusCode).toBe(200);
    await portal().get(pathOf(hotline.issuer, id, '/genuine'), 'german');
    const { items } = await police.ask('liaison.counts', { originator: hotline.issuer });
    const day = new Date(clock()).toISOString().slice(0, 10);
    expect(items.filter(({ country }) => country === 'DE')).toEqual([{ day, country: 'DE', count: 2 }]);
    expect(items.find(({ country }) => country === 'XX')).toMatchObject({ day });
    const later = await police.ask('liaison.counts', { originator: hotline.issuer, since: '2999-01-01' });
    expect(later.items).toEqual([]);
  });

  test.each([
    ['an originator that nobody knows', { originator: 'https://nobody.example' }, 'partner-unknown'],
    ['a day that there is not', { since: '2026-02-30' }, 'usage-invalid'],
  ])('nothing is counted for %s', async (_name, asked, code) => {
    const refused = await countLooks(police.running.exchange, { originator: hotline.issuer, ...asked });
    expect(refused).toMatchObject({ refused: true, code });
  });

  test('is spared hint and count by its operator, its parts too, and no other of that name is', async () => {
    const unit = { agency: german.agency, unit: german.unit };
    const namesake = { ...german, agency: 'Police of another place', session: 's-namesake' };
    portal()
      .viewers.set('part', { ...german, unit: `${german.unit}/Night`, session: 's-part' })
      .set('namesake', namesake);
    await invite(unit);
    const off = await police.ask('liaison.care', { ...unit, breakHint: false, exposureNote: false });
    expect(off).toEqual({ ...unit, breakHint: false, exposureNote: false });
    const seen = async (as: string) => {
      const { body } = await portal().get('/account', as);
      return [body.includes(en.account.exposure), body.includes(en.account.hintOff)];
    };
    expect([await seen('german'), await seen('part')]).toEqual([
      [false, true],
      [false, true],
    ]);
    expect(await seen('namesake')).toEqual([true, false]);
    const unknown = await careForUnit(police.running.exchange, { ...unit, agency: 'Nobody’s' });
    expect(unknown).toMatchObject({ refused: true, code: 'not-found' });
  });
});
