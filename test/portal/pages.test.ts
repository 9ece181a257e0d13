import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { overviewFor, statisticsFor } from '../../src/exchange/portal/overview.ts';
import { openForUnit } from '../../src/exchange/portal/views.ts';
import { statedPurpose } from '../../src/store/portal-views.ts';
import { caseOf, german, pathOf, type TestPortal, testPortal } from '../support/portal.ts';

let at: TestPortal;
let step: string | undefined;
beforeAll(async () => {
  at = await testPortal({ stepUp: async () => step });
  at.viewers.set('dutch', {
    ...german,
    id: '0198f0a0-0000-7000-8000-000000000002',
    unit: 'Unit 2',
    jurisdictions: ['NL'],
    session: 's-nl',
  });
  at.viewers.set('bavarian', {
    ...german,
    id: '0198f0a0-0000-7000-8000-000000000003',
    jurisdictions: ['DE-BY'],
    session: 's-by',
  });
});
afterAll(() => at.close());

const db = () => at.exchange.store.db;
const self = () => at.exchange.self;

async function storeOne(changes: Readonly<Record<string, unknown>> = {}, state?: string): Promise<string> {
  const [id = ''] = await at.store([{ reference: caseOf(changes), ...(state !== undefined && { state }) }]);
  return id;
}

const isListed = async (id: string, as = 'german', query = '') =>
  (await at.get(`/references${query}`, as)).body.includes(id);

describe('what is found, and by whom', () => {
  test('a case of the own country is listed, opened and never shows its address', async () => {
    const id = await storeOne({ url: 'https://secret.host.example/the/path?q=1' });
    expect(await isListed(id)).toBe(true);
    const page = await at.get(pathOf(self(), id));
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('hxxps://secret[.]host[.]example/…');
    expect(page.body).not.toContain('the/path');
    expect(page.body).not.toContain('secret.host.example');
  });

  test.each([
    ['another jurisdiction’s', { jurisdiction: { hosting: 'NL' } }, undefined, 'place'],
    ['one that only the report came from', { jurisdiction: { hosting: 'FR', reporting: 'DE' } }, undefined, 'place'],
    ['RED', { marking: { tlp: 'RED', portal: 'concerned' } }, undefined, 'marking'],
    ['AMBER+STRICT', { marking: { tlp: 'AMBER+STRICT', portal: 'concerned' } }, undefined, 'marking'],
    ['one whose marking forbids portals', { marking: { tlp: 'GREEN', portal: 'none' } }, undefined, 'marking'],
    ['one that policy holds', {}, 'held', 'state'],
    ['a sealed one', {}, 'sealed', 'state'],
    ['a restricted one', {}, 'restricted', 'state'],
  ] as const)(
    '%s is 404 by a guessed address on every page, is not listed, and the attempt is recorded',
    async (_name, changes, state, gate) => {
      const id = await storeOne(changes, state);
      const missing = await at.get(pathOf(self(), crypto.randomUUID()));
      for (const page of ['', '/purpose', '/address', '/genuine']) {
        const answer = await at.get(pathOf(self(), id, page));
        expect(answer.statusCode).toBe(404);
        expect(answer.body).toBe(missing.body);
      }
      expect(await isListed(id)).toBe(false);
      const forced = await at.post(pathOf(self(), id, '/purpose'), { purpose: 'investigation' });
      expect(forced.statusCode).toBe(404);
      const refused = await db().selectFrom('portal_view').selectAll().where('reference_id', '=', id).execute();
      expect(refused.map(({ kind, code }) => ({ kind, code }))).toEqual(
        Array.from({ length: 5 }, () => ({ kind: 'refused', code: gate })),
      );
      const decided = await db().selectFrom('portal_decision').selectAll().where('reference_id', '=', id).execute();
      expect(decided).toMatchObject([
        { unit: 'Police of the tests\nUnit 1', scope: 'DE', effect: 'withhold', rule: gate },
      ]);
      expect(decided[0]?.trace.at(-1)).toMatchObject({ gate, passed: false });
    },
  );

  test('a state sees its own and not the nation’s; the nation sees its states', async () => {
    const state = await storeOne({ jurisdiction: { hosting: 'DE-BY' } });
    const nation = await storeOne({ jurisdiction: { hosting: 'DE' } });
    expect([await isListed(state, 'bavarian'), await isListed(nation, 'bavarian')]).toEqual([true, false]);
    expect([await isListed(state), await isListed(nation)]).toEqual([true, true]);
    expect([
      await isListed(state, 'german', '?jurisdiction=DE-BY'),
      await isListed(nation, 'german', '?jurisdiction=DE-BY'),
    ]).toEqual([true, false]);
    expect((await at.get(pathOf(self(), nation), 'bavarian')).statusCode).toBe(404);
  });

  test('what is for the own nation reaches no liaison of another, what is for the concerned does', async () => {
    const jurisdiction = { hosting: 'NL', concerned: [{ country: 'DE', basis: 'victim' }] };
    const national = await storeOne({ jurisdiction, marking: { tlp: 'AMBER', portal: 'national' } });
    const concerned = await storeOne({ jurisdiction });
    expect([await isListed(national), await isListed(concerned)]).toEqual([true, true]);
    expect([await isListed(national, 'dutch'), await isListed(concerned, 'dutch')]).toEqual([false, true]);
    expect((await at.get(pathOf(self(), national), 'dutch')).statusCode).toBe(404);
  });

  test('what is sealed, and what says less now, is gone from the moment of its change', async () => {
    const id = await storeOne();
    expect(await isListed(id)).toBe(true);
    await sql`update reference set state = 'sealed' where id = ${id}::uuid`.execute(db());
    const left = await db().selectFrom('portal_place').select('id').where('id', '=', id).execute();
    expect(left).toEqual([]);
    expect([await isListed(id), (await at.get(pathOf(self(), id))).statusCode]).toEqual([false, 404]);
    await sql`update reference set state = 'open' where id = ${id}::uuid`.execute(db());
    expect([await isListed(id), (await at.get(pathOf(self(), id))).statusCode]).toEqual([true, 200]);
  });

  test('a jurisdiction that is not the liaison’s own finds nothing', async () => {
    await storeOne({ jurisdiction: { hosting: 'FR', concerned: [{ country: 'DE', basis: 'act' }] } });
    expect((await at.get('/references?jurisdiction=FR')).body).toContain('No case that you may see fits');
  });
});

describe('search', () => {
  test.each([
    ['category', { category: 'grooming' }, '?category=grooming', '?category=trafficking'],
    ['urgency', { urgency: { level: 'priority', code: 'live-now' } }, '?urgency=priority', '?urgency=emergency'],
    [
      'assessment',
      {
        assessments: [
          { scheme: 'uk-sentencing', version: '1', code: 'B', method: 'viewed', at: '2026-11-20T10:00:00Z' },
        ],
      },
      '?assessment=uk-sentencing%3AB',
      '?assessment=uk-sentencing%3AC',
    ],
    ['jurisdiction', {}, '?jurisdiction=DE', '?jurisdiction=DE-HH'],
    ['sender', {}, '', '?partner=https%3A%2F%2Fnobody.example'],
    ['arrival', {}, '?since=2020-01-01', '?until=2020-01-01'],
    ['new since the last visit', {}, '?new=1', '?new=1&until=2020-01-01'],
  ])('by %s', async (_name, changes, fits, fitsNot) => {
    const id = await storeOne(changes);
    expect([await isListed(id, 'german', fits), await isListed(id, 'german', fitsNot)]).toEqual([true, false]);
  });

  test('by state', async () => {
    const id = await storeOne({}, 'removed');
    expect([await isListed(id, 'german', '?state=removed'), await isListed(id, 'german', '?state=open')]).toEqual([
      true,
      false,
    ]);
  });

  test.each([
    ['address', 'hxxps://find-me[.]host[.]example/a/b?c=1'],
    ['host', 'find-me.host.example'],
    ['host', 'hxxps://find-me[.]host[.]example/…'],
    ['number', 'az 12/345'],
  ])('by %s: a POST, then an opaque id, and nothing of it in the address', async (kind, text) => {
    const url = 'https://find-me.host.example/a/b?c=1';
    const id = await storeOne({ url, handles: [{ system: 'own', id: 'AZ 12/345' }] });
    const other = await storeOne();
    const sent = await at.post('/references/find', { kind, text });
    const to = String(sent.headers.location);
    expect({ status: sent.statusCode, to }).toEqual({
      status: 303,
      to: expect.stringMatching(/^\/references\?find=[\w-]{22}$/),
    });
    const found = await at.get(to);
    expect([found.body.includes(id), found.body.includes(other), found.body.includes('find-me.host')]).toEqual([
      true,
      false,
      false,
    ]);
    expect((await at.get(to, 'dutch')).statusCode).toBe(404);
    const kept = JSON.stringify(await db().selectFrom('portal_find').selectAll().execute());
    expect(kept).not.toMatch(/find-me|12\/345/i);
  });

  test('by the number to quote, which the page of a case tells people to write down', async () => {
    const id = await storeOne();
    const { headers } = await at.post('/references/find', { kind: 'number', text: id });
    expect((await at.get(String(headers.location))).body).toContain(pathOf(self(), id));
  });

  test('what is no address is said so, with what is wrong at the field', async () => {
    const answer = await at.post('/references/find', { kind: 'address', text: 'not an address' });
    expect([answer.statusCode, answer.body.includes('href="#find-address"')]).toEqual([422, true]);
  });

  test('pages of fifty, newest first, that neither repeat nor skip', async () => {
    await at.store(Array.from({ length: 120 }, () => ({ reference: caseOf({ category: 'livestream' }) })));
    const seen: string[] = [];
    let path: string | undefined = '/references?category=livestream';
    const sizes = [];
    while (path !== undefined) {
      const { body } = await at.get(path);
      const ids = [...body.matchAll(/<h3><a href="\/references\/[^/]+\/([0-9a-f-]{36})"/g)].map(([, id]) => id ?? '');
      sizes.push(ids.length);
      seen.push(...ids);
      path = /href="([^"]+)" rel="next"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(sizes).toEqual([50, 50, 20]);
    expect(new Set(seen).size).toBe(120);
    const { rows } = await sql<{
      id: string;
    }>`select id from reference where category = 'livestream' order by position desc`.execute(db());
    expect(seen).toEqual(rows.map(({ id }) => id));
  });

  test('a cursor of another list is not found', async () => {
    expect((await at.get('/references?after=AAAA')).statusCode).toBe(404);
  });

  test('a saved search keeps codes, and never an address', async () => {
    await at.post('/account/saved', {
      category: 'csam',
      urgency: 'emergency',
      find: 'abc',
      text: 'https://x.example/',
    });
    const { body } = await at.get('/account');
    expect(body).toContain('/references?category=csam&amp;urgency=emergency');
    const [row] = await db().selectFrom('portal_saved').selectAll().execute();
    expect(row?.filters).toEqual({ category: 'csam', urgency: 'emergency' });
    expect((await at.get('/account', 'dutch')).body).not.toContain('/references?category=csam');
    await at.post('/account/saved/delete', { id: row?.id ?? '' }, 'dutch');
    expect(await db().selectFrom('portal_saved').select('id').execute()).toHaveLength(1);
    await at.post('/account/saved/delete', { id: row?.id ?? '' });
    expect(await db().selectFrom('portal_saved').select('id').execute()).toEqual([]);
  });
});

describe('counts and what is urgent', () => {
  test('a case under two places of a liaison counts once, and only where it may be seen', async () => {
    const jurisdiction = { hosting: 'DE-BY', concerned: [{ country: 'NL', basis: 'victim' }] };
    await storeOne({ jurisdiction, category: 'travel-and-tourism' });
    await storeOne({ jurisdiction: { hosting: 'FR' }, category: 'travel-and-tourism' });
    for (const jurisdictions of [['DE'], ['DE', 'DE-BY', 'NL']]) {
      const viewer = { ...german, jurisdictions };
      const { categories, countries, months } = await statisticsFor(at.exchange, viewer);
      expect(categories.filter(({ code }) => code === 'travel-and-tourism').map(({ n }) => n)).toEqual([1]);
      const total = categories.reduce((sum, { n }) => sum + n, 0);
      for (const counts of [countries, months]) expect(counts.reduce((sum, { n }) => sum + n, 0)).toBe(total);
    }
    expect((await statisticsFor(at.exchange, { ...german, jurisdictions: [] })).categories).toEqual([]);
  });

  test('an emergency that is held or that nobody has taken is urgent as any; one that is over is not', async () => {
    const urgency = { level: 'emergency', code: 'imminent-danger' };
    const jurisdiction = { hosting: 'SE' };
    const states = ['open', 'on-hold', 'unplaced', 'removed'];
    const ids = await Promise.all(states.map((state) => storeOne({ urgency, jurisdiction }, state)));
    const { urgent } = await overviewFor(at.exchange, { ...german, jurisdictions: ['SE'] });
    expect(urgent.map(({ id }) => id).sort()).toEqual(ids.slice(0, 3).sort());
  });
});

describe('the whole address', () => {
  test('is shown after a purpose alone, disarmed, and each time is recorded', async () => {
    const url = 'https://whole.host.example/full/path?x=1';
    const id = await storeOne({ url });
    const path = (page: string) => pathOf(self(), id, page);
    const before = await at.get(path('/address'));
    expect([before.statusCode, before.headers.location]).toEqual([303, path('/purpose')]);
    const none = await at.post(path('/purpose'), {});
    expect([none.statusCode, none.body.includes('Choose a purpose')]).toEqual([422, true]);
    const stated = await at.post(path('/purpose'), { purpose: 'investigation', ownReference: 'ST/2026-77' });
    expect([stated.statusCode, stated.headers.location]).toEqual([303, path('/address')]);
    for (let times = 0; times < 2; times += 1) {
      const { body } = await at.get(path('/address'));
      expect(body).toContain('hxxps://whole[.]host[.]example/full/path?x=1');
      expect(body).not.toContain('https://whole');
    }
    const audit = await db().selectFrom('event').selectAll().where('reference_id', '=', id).execute();
    expect(audit.map(({ type, code, body }) => ({ type, code, body }))).toEqual(
      Array.from({ length: 2 }, () => ({ type: 'address.revealed', code: 'investigation', body: null })),
    );
    const looks = await db()
      .selectFrom('portal_view')
      .selectAll()
      .where('reference_id', '=', id)
      .orderBy('at')
      .execute();
    expect(looks.map(({ kind, purpose, liaison }) => `${kind} ${purpose} ${liaison === german.id}`)).toEqual([
      'purpose investigation true',
      'address investigation true',
      'address investigation true',
    ]);
    expect(JSON.stringify(looks)).not.toContain('2026-77');
    expect((await at.get(path(''))).body).toContain('ST/2026-77');
  });

  test('another session states its own purpose', async () => {
    const id = await storeOne();
    await at.post(pathOf(self(), id, '/purpose'), { purpose: 'audit' });
    at.viewers.set('later', { ...german, session: 'session-later' });
    const answer = await at.get(pathOf(self(), id, '/address'), 'later');
    expect(answer.headers.location).toBe(pathOf(self(), id, '/purpose'));
  });

  test('the number of one unit cannot be opened for another', async () => {
    const id = await storeOne({ jurisdiction: { hosting: 'NL', concerned: [{ country: 'DE', basis: 'act' }] } });
    const name = { originator: self(), id };
    await at.post(pathOf(self(), id, '/purpose'), { purpose: 'audit', ownReference: 'NL-1' }, 'dutch');
    await at.post(pathOf(self(), id, '/purpose'), { purpose: 'audit', ownReference: 'DE-1' });
    const stated = await statedPurpose(db(), 's-nl', name);
    if (!stated) throw new Error('nothing was stated');
    const dutch = at.viewers.get('dutch') ?? german;
    expect(await openForUnit(at.exchange, dutch, stated)).toBe('NL-1');
    await expect(openForUnit(at.exchange, german, stated)).rejects.toThrow();
  });

  test('a step up comes before the first whole address', async () => {
    const id = await storeOne();
    step = '/sign-in/confirm';
    const answers = [
      await at.get(pathOf(self(), id, '/purpose')),
      await at.post(pathOf(self(), id, '/purpose'), { purpose: 'audit' }),
    ];
    step = undefined;
    expect(answers.map(({ statusCode, headers }) => `${statusCode} ${headers.location}`)).toEqual([
      '303 /sign-in/confirm',
      '303 /sign-in/confirm',
    ]);
    expect((await at.get(pathOf(self(), id, '/address'))).statusCode).toBe(303);
  });
});

describe('a case page', () => {
  test('names who assessed it under which law and when, the sender and its telephone where it is urgent', async () => {
    const id = await at.push(caseOf({ urgency: { level: 'emergency', code: 'imminent-danger' } }) as never);
    const contact = JSON.stringify({ desk: 'Night desk', emergencyPhone: '+49 30 1111', phone: '+49 30 2222' });
    await sql`update partner set contact = ${contact}::jsonb`.execute(db());
    const { body } = await at.get(pathOf(at.partner.issuer, id));
    expect(body).toContain('call now');
    expect(body.indexOf('+49 30 1111')).toBeGreaterThan(0);
    expect(body.indexOf('+49 30 1111')).toBeLessThan(body.indexOf('+49 30 2222'));
    expect(body).toContain('under the law of Netherlands (NL) on 20 November 2026');
    expect(body).toContain(id);
    expect((await at.get('/')).body).toContain(id);
  });

  test('shows other references to the same address, of those that may be seen alone', async () => {
    const url = 'https://same.host.example/one';
    const [seen, hidden] = [await storeOne({ url }), await storeOne({ url, marking: { tlp: 'RED' } })];
    const { body } = await at.get(pathOf(self(), await storeOne({ url })));
    expect([body.includes(seen), body.includes(hidden)]).toEqual([true, false]);
  });

  test('is written on nothing that can write references', async () => {
    const id = await storeOne();
    const before = await sql`select xmin::text, * from reference where id = ${id}::uuid`.execute(db());
    for (const page of ['', '/genuine', '/purpose']) await at.get(pathOf(self(), id, page));
    expect((await sql`select xmin::text, * from reference where id = ${id}::uuid`.execute(db())).rows).toEqual(
      before.rows,
    );
  });
});

describe('genuine', () => {
  test('the signature is checked anew: valid, and no more once the stored bytes are another’s', async () => {
    const id = await at.push(caseOf() as never);
    const other = await at.push(caseOf() as never);
    const good = await at.get(pathOf(at.partner.issuer, id, '/genuine'));
    expect(good.body).toContain('Yes. The signature was checked just now and is valid.');
    expect(good.body).toContain(at.partner.operational.kid);
    expect(good.body).toContain(at.partner.identity.kid);
    await sql`update message set digest = 'S256:wrong' where reference_id = ${other}::uuid`.execute(db());
    expect((await at.get(pathOf(at.partner.issuer, other, '/genuine'))).body).toContain(
      'No. The signature does not hold.',
    );
  });

  test('a key that was revoked since is said', async () => {
    const id = await at.push(caseOf() as never);
    await sql`update partner_key set revoked_at = 1`.execute(db());
    const { body } = await at.get(pathOf(at.partner.issuer, id, '/genuine'));
    await sql`update partner_key set revoked_at = null`.execute(db());
    expect(body).toContain('Signed with a key that has been withdrawn since.');
  });
});

describe('looks', () => {
  test('the exposure count is one’s own', async () => {
    at.viewers.set('newcomer', { ...german, id: '0198f0a0-0000-7000-8000-000000000009', session: 's-new' });
    const id = await storeOne();
    await at.get(pathOf(self(), id), 'newcomer');
    expect((await at.get('/account', 'newcomer')).body).toMatch(/Cases in the last 24 hours<\/dt><dd>1</);
  });

  test('the break hint comes after many cases, and a unit can switch it off', async () => {
    for (let n = 0, again = await storeOne(); n < 20; n += 1) await at.get(pathOf(self(), again));
    expect((await at.get('/')).body).not.toContain('A short break does good');
    for (let n = 0; n < 20; n += 1) await at.get(pathOf(self(), await storeOne()));
    expect((await at.get('/')).body).toContain('A short break does good');
    await at.post('/account/break-hint', { on: '0' });
    expect((await at.get('/')).body).not.toContain('A short break does good');
    await at.post('/account/break-hint', { on: '1' });
  });
});
