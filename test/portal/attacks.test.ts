import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownerOf, revisionRow } from '../../src/exchange/record.ts';
import { caseOf, german, origin, pathOf, type TestPortal, testPortal } from '../support/portal.ts';

const script = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'';

/** A reference that says script wherever it can say anything. */
function hostile() {
  return caseOf({
    url: `https://${script}.example/${script}`,
    category: script,
    features: [script],
    role: script,
    assessments: [
      {
        scheme: script,
        version: script,
        code: script,
        law: script,
        method: script,
        by: script,
        at: '2026-11-20T10:00:00Z',
      },
    ],
    site: { type: script },
    access: { referrer: `https://a.example/${script}` },
    handles: [{ system: script, id: script }],
    urgency: { level: 'emergency', code: script },
    marking: { tlp: 'AMBER', portal: 'concerned', notifyHost: script, onward: script },
    jurisdiction: { hosting: 'DE', concerned: [{ country: script, basis: script }] },
  });
}

let at: TestPortal;
beforeAll(async () => {
  at = await testPortal();
});
afterAll(() => at.close());
const db = () => at.exchange.store.db;

describe('stored script, in every field that a partner controls, as if every gate before had failed', () => {
  test('stays text on every page', async () => {
    const contact = JSON.stringify({
      desk: script,
      email: script,
      phone: script,
      emergencyPhone: script,
      hours: script,
      timezone: script,
      languages: [script],
    });
    await sql`update partner set name = ${script}, contact = ${contact}::jsonb, type = ${script}, jurisdictions = ${[script]}`.execute(
      db(),
    );
    // The store of tests indexes addresses, which this one is not: it takes the place of one that is.
    const [id = ''] = await at.store([
      { reference: caseOf({ urgency: { level: 'emergency' } }), from: at.partner.issuer },
    ]);
    const originator = at.partner.issuer;
    const key = await db().selectFrom('reference_key').select('wrapped').where('id', '=', id).executeTakeFirstOrThrow();
    const opened = at.exchange.vault.unwrap(key.wrapped, ownerOf({ originator, id }));
    const row = revisionRow(
      at.exchange.vault,
      opened,
      { originator, id },
      { ...hostile(), url: `https://host.example/${script}` },
      { jti: null, at: new Date() },
    );
    await db()
      .updateTable('reference_revision')
      .set({ body: Buffer.from(row.body as Uint8Array) })
      .where('id', '=', id)
      .execute();
    await at.post(pathOf(originator, id, '/purpose'), { purpose: 'audit', ownReference: 'A-1' });
    const pages = [
      '/',
      '/references',
      '/partners',
      '/statistics',
      '/account',
      ...['', '/purpose', '/address', '/genuine'].map((page) => pathOf(originator, id, page)),
    ];
    for (const path of pages) {
      const { body, statusCode } = await at.get(path);
      expect({ path, statusCode }).toEqual({ path, statusCode: 200 });
      expect(body).not.toMatch(/<script|<img|<[^>]*\sonerror=|javascript:/i);
    }
    expect((await at.get(pathOf(originator, id))).body).toContain('&lt;script&gt;');
    await sql`update partner set name = 'Partner', contact = null, type = 'hotline', jurisdictions = '{NL}'`.execute(
      db(),
    );
  });

  test('what a liaison types is text too', async () => {
    for (const query of [
      `category=${encodeURIComponent(script)}`,
      `partner=${encodeURIComponent(script)}`,
      `find=${encodeURIComponent(script)}`,
    ]) {
      expect((await at.get(`/references?${query}`)).body).not.toContain('<script');
    }
  });

  test('every attribute of a template is quoted, since an unquoted one is not escaped', () => {
    const root = new URL('../../src/portal/', import.meta.url);
    const files = readdirSync(root, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.ts'));
    const bare = files.filter((name) => /<[a-z][^>`]*\s[a-z-]+=\$\{/.test(readFileSync(new URL(name, root), 'utf8')));
    expect(bare).toEqual([]);
    expect(['<a href=', '{x}>'].join('$')).toMatch(/<[a-z][^>`]*\s[a-z-]+=\$\{/);
  });
});

describe('forms from elsewhere', () => {
  test.each([
    ['without the token', { token: '' }, {}],
    ['with the token of another session', { token: 'A'.repeat(43) }, {}],
    ['that a browser calls cross-site', {}, { 'sec-fetch-site': 'cross-site' }],
    ['from another host of the same site', {}, { 'sec-fetch-site': 'same-site' }],
  ])('one %s does nothing', async (_name, fields, headers) => {
    const [id = ''] = await at.store([{ reference: caseOf() }]);
    const token = /name="token" value="([\w-]+)"/.exec((await at.get('/account')).body)?.[1] ?? '';
    for (const url of [
      pathOf(at.exchange.self, id, '/purpose'),
      '/references/find',
      '/account/saved',
      '/account/break-hint',
      '/account/end-sessions',
    ]) {
      const payload = new URLSearchParams({
        token,
        purpose: 'audit',
        kind: 'host',
        text: 'a.example',
        category: 'csam',
        on: '0',
        ...fields,
      }).toString();
      const form = { 'content-type': 'application/x-www-form-urlencoded', cookie: 'as=german' };
      const type = { ...form, origin, 'sec-fetch-site': 'same-origin', ...headers };
      expect((await at.app.inject({ method: 'POST', url, headers: type, payload })).statusCode).toBe(403);
    }
    expect(await db().selectFrom('portal_saved').select('id').execute()).toEqual([]);
    const looks = await db().selectFrom('portal_view').select('kind').where('reference_id', '=', id).execute();
    expect(looks).toEqual([]);
  });

  test('the same form from our own page is taken', async () => {
    const [id = ''] = await at.store([{ reference: caseOf() }]);
    expect((await at.post(pathOf(at.exchange.self, id, '/purpose'), { purpose: 'audit' })).statusCode).toBe(303);
  });
});

test('a look that has no body is none, and is not recorded as one', async () => {
  const [id = ''] = await at.store([{ reference: caseOf() }]);
  await at.get(pathOf(at.exchange.self, id));
  await at.post(pathOf(at.exchange.self, id, '/purpose'), { purpose: 'audit' });
  const url = pathOf(at.exchange.self, id, '/address');
  const seen = async () =>
    (await db().selectFrom('portal_view').select('id').where('kind', '=', 'address').execute()).length;
  const before = await seen();
  expect((await at.app.inject({ method: 'HEAD', url, headers: { cookie: 'as=german' } })).statusCode).toBe(404);
  expect(await seen()).toBe(before);
  expect((await at.get(url)).statusCode).toBe(200);
  expect(await seen()).toBe(before + 1);
});

test('a session that ended between two pages sees nothing more', async () => {
  at.viewers.set('leaving', { ...german, session: 's-leaving' });
  expect((await at.get('/', 'leaving')).statusCode).toBe(200);
  at.viewers.delete('leaving');
  const answer = await at.get('/', 'leaving');
  expect([answer.statusCode, answer.headers.location, answer.body]).toEqual([303, '/sign-in', '']);
});

describe('header injection', () => {
  test.each(['%0d%0aset-cookie:%20a=b', '%0aset-cookie:a=b', 'x%00y', '%E5%98%8A%E5%98%8Dset-cookie:a=b'])(
    '%s in a path adds no header',
    async (text) => {
      for (const path of [
        `/references/${text}/${text}`,
        `/references/${text}/${crypto.randomUUID()}/address`,
        `/references?find=${text}`,
        `/references?after=${text}`,
        `/${text}`,
      ]) {
        const answer = await at.get(path);
        expect(answer.headers['set-cookie']).toBeUndefined();
        expect(answer.statusCode).toBe(404);
      }
    },
  );

  test('bytes that end a line in a form or in the path on the wire add no header', async () => {
    const answer = await at.post('/references/find', { kind: 'number', text: 'a\r\nset-cookie: a=b' });
    expect([answer.headers['set-cookie'], String(answer.headers.location)]).toEqual([
      undefined,
      expect.stringMatching(/^\/references\?find=[\w-]{22}$/),
    ]);
    const { port } = new URL(at.address);
    const send = () => request({ host: '127.0.0.1', port, path: '/a\r\nset-cookie: a=b' });
    expect(send).toThrow();
  });

  test('a host header of another site names no place to go', async () => {
    const answer = await at.app.inject({
      url: '/',
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
    });
    expect(answer.headers.location).toBe('/sign-in');
  });
});
