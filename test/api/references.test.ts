import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { submission, type TestApi, testApi } from '../support/api.ts';
import { befriend, clientToken } from '../support/exchange.ts';

const police = 'https://node.police-c.example';
let api: TestApi;
let masked: string;

beforeAll(async () => {
  api = await testApi();
  await befriend(api.exchange, police);
  masked = await clientToken(api.exchange, ['references:write', 'references:read']);
});
afterAll(() => api.close());

async function submitted(changes: Readonly<Record<string, unknown>> = {}) {
  const sent = submission(changes);
  const answer = await api.call('POST', '/v1/references', { body: sent });
  expect(answer.statusCode).toBe(201);
  return { sent, ...answer.json() };
}

describe('a submission', () => {
  test('is answered with where it stands, who gets it and why', async () => {
    const sent = submission();
    const answer = await api.call('POST', '/v1/references', { body: sent });
    expect(answer.statusCode).toBe(201);
    const body = answer.json();
    expect(answer.headers.location).toBe(`/v1/references/${body.reference.id}`);
    expect(answer.headers.etag).toBe('"1"');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(body.reference).toMatchObject({
      ...sent,
      originator: api.exchange.self,
      direction: 'out',
      state: 'open',
      revision: 1,
    });
    expect(body.decisions).toMatchObject([{ partner: police, effect: 'send', rule: 'csam', policyVersion: 1 }]);
    expect(body.decisions[0].trace.at(-1)).toMatchObject({ kind: 'rule', id: 'csam', matched: true });
    expect(body).toMatchObject({ duplicates: [], normalised: [] });
  });

  test('can be held and withheld, and says so', async () => {
    expect((await submitted({ category: 'grooming' })).decisions).toMatchObject([{ effect: 'hold', rule: 'by-hand' }]);
    expect((await submitted({ category: 'trafficking' })).decisions).toMatchObject([{ effect: 'withhold' }]);
  });

  test('of an address that is known names the other reference', async () => {
    const first = await submitted();
    const second = await submitted({ url: first.sent.url });
    expect(second.duplicates).toEqual([
      { originator: api.exchange.self, id: first.reference.id, match: 'known', state: 'open', open: true, rule: '1' },
    ]);
    expect(second.duplicateAnswer).toMatchObject({ answer: 'known', rule: '1', penConflict: [] });
    const shown = (await api.call('GET', `/v1/references/${first.reference.id}`)).json();
    expect(shown.duplicates).toMatchObject([{ id: second.reference.id, match: 'known' }]);
    expect(JSON.stringify([second.duplicates, shown.duplicates])).not.toContain('host.example');
    const act = async (query: string, action: string) => {
      const body = { action, at: '2026-10-01T10:00:00Z', standing: 'observed' };
      const path = `/v1/references/${first.reference.id}/actions${query}`;
      const answer = await api.call('POST', path, { body });
      expect(answer.statusCode).toBe(201);
      return answer.json();
    };
    const linked = { originator: api.exchange.self, id: second.reference.id, told: [police] };
    expect((await act('?alsoLinked=true', 'online')).linked).toEqual([linked]);
    expect(await act('', 'unavailable')).not.toHaveProperty('linked');
  });

  test('with a host in capitals is brought to its canonical form, and the answer says so', async () => {
    const { reference, normalised } = await submitted({ url: 'https://WWW.Host.example/A' });
    expect(reference.url).toBe('https://www.host.example/A');
    expect(normalised).toEqual([{ pointer: '/url', code: 'host-canonical' }]);
  });

  test('under an id that exists is a conflict', async () => {
    const { reference } = await submitted();
    const again = await api.call('POST', '/v1/references', { body: submission({ id: reference.id }) });
    expect(again.statusCode).toBe(409);
    expect(again.json()).toMatchObject({ code: 'reference-exists', errors: [{ pointer: '/id' }] });
  });
});

describe('an idempotency key', () => {
  const key = (value: string) => ({ 'idempotency-key': value });

  test('gives the same body the stored answer and makes nothing anew', async () => {
    const body = submission();
    const first = await api.call('POST', '/v1/references', { body, headers: key('one') });
    const second = await api.call('POST', '/v1/references', { body, headers: key('one') });
    expect(second.statusCode).toBe(201);
    expect(second.json()).toEqual(first.json());
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(second.headers['idempotent-replayed']).toBe('true');
  });

  test('refuses another body', async () => {
    await api.call('POST', '/v1/references', { body: submission(), headers: key('two') });
    const other = await api.call('POST', '/v1/references', { body: submission(), headers: key('two') });
    expect(other.statusCode).toBe(422);
    expect(other.json().code).toBe('idempotency-mismatch');
  });

  test('belongs to one client', async () => {
    const body = submission();
    const first = await api.call('POST', '/v1/references', { body, headers: key('three') });
    const other = await api.call('POST', '/v1/references', { body, headers: key('three'), token: masked });
    expect(other.json().reference.id).not.toBe(first.json().reference.id);
  });

  test.each(['', 'x'.repeat(256), 'with space'])('of a wrong form is refused: %j', async (value) => {
    const answer = await api.call('POST', '/v1/references', { body: submission(), headers: key(value) });
    expect(answer.statusCode).toBe(400);
  });
});

describe('a revision', () => {
  test('replaces what the reference says and answers with its new tag', async () => {
    const { sent, reference } = await submitted({ category: 'not-assessed' });
    const body = { ...sent, category: 'csam' };
    const answer = await api.call('PUT', `/v1/references/${reference.id}`, { body, headers: { 'if-match': '"1"' } });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.etag).toBe('"2"');
    expect(answer.json()).toMatchObject({
      reference: { id: reference.id, revision: 2, category: 'csam', state: 'open' },
    });
    expect(answer.json().decisions).toMatchObject([{ partner: police, effect: 'send' }]);
    const shown = await api.call('GET', `/v1/references/${reference.id}`);
    expect(shown.headers.etag).toBe('"2"');
    expect(shown.json()).toMatchObject({ revision: 2, history: { revisions: [{ revision: 1 }, { revision: 2 }] } });
  });

  test.each([
    [undefined, 428, 'precondition-required'],
    ['*', 428, 'precondition-required'],
    ['"1", "2"', 428, 'precondition-required'],
    ['"7"', 412, 'precondition-failed'],
    ['W/"1"', 412, 'precondition-failed'],
    ['1', 412, 'precondition-failed'],
  ])('with If-Match %s is answered %i %s', async (tag, status, code) => {
    const { sent, reference } = await submitted();
    const headers: Record<string, string> = tag === undefined ? {} : { 'if-match': tag };
    const answer = await api.call('PUT', `/v1/references/${reference.id}`, { body: sent, headers });
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });

  test('never changes the address', async () => {
    const { sent, reference } = await submitted();
    const body = { ...sent, url: 'https://elsewhere.example/' };
    const answer = await api.call('PUT', `/v1/references/${reference.id}`, { body, headers: { 'if-match': '"1"' } });
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'url-immutable']);
  });

  test('of a reference that is not there is not found', async () => {
    const headers = { 'if-match': '"1"' };
    for (const id of ['0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70', 'no-uuid', '1']) {
      const answer = await api.call('PUT', `/v1/references/${id}`, { body: submission(), headers });
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'not-found']);
    }
  });
});

describe('lists', () => {
  test('go through every reference once, newest first, page by page', async () => {
    const ids = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await submitted({ category: 'livestream' })).reference.id);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const more: string = cursor && `&cursor=${cursor}`;
      const page = (await api.call('GET', `/v1/references?category=livestream&limit=2${more}`)).json();
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map((one: { id: string }) => one.id));
      cursor = page.next;
    }
    expect(seen).toEqual(ids);
  });

  test('are filtered by what the reference says', async () => {
    const { reference } = await submitted({ category: 'csam-textual', jurisdiction: { reporting: 'DE-BY' } });
    const found = async (query: string) => {
      const page = (await api.call('GET', `/v1/references?category=csam-textual&${query}`)).json();
      return page.items.map((one: { id: string }) => one.id);
    };
    for (const query of [
      'jurisdiction=DE',
      'jurisdiction=DE-BY',
      'direction=out',
      'state=open',
      'urgency=routine',
      'since=2026-01-01T00:00:00Z',
    ]) {
      expect(await found(query), query).toEqual([reference.id]);
    }
    for (const query of [
      'jurisdiction=NL',
      'direction=in',
      'state=held',
      'urgency=emergency',
      'until=2026-01-01T00:00:00Z',
      `partner=${police}`,
    ]) {
      expect(await found(query), query).toEqual([]);
    }
  });

  test.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'limit=1&limit=2',
    'url=https://a.example/',
    'since=yesterday',
    'state=gone',
    'jurisdiction=uk',
  ])('refuse the query %s and do not repeat it', async (query) => {
    const answer = await api.call('GET', `/v1/references?${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'query-invalid']);
    expect(answer.json().errors[0].pointer).toBe(`/${query.split('=')[0]}`);
    expect(answer.body).not.toContain(query.split('=')[1] === 'https://a.example/' ? 'a.example' : 'yesterday');
  });

  test('refuse a cursor of another list', async () => {
    const events = (await api.call('GET', '/v1/events')).json();
    const answer = await api.call('GET', `/v1/references?cursor=${events.next}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'cursor-invalid']);
  });
});

describe('search', () => {
  const search = (body: unknown) => api.call('POST', '/v1/references:search', { body });

  test('finds by address and by host, in whatever case the host is written', async () => {
    const { reference } = await submitted({ url: 'https://search.host.example/a?b=1' });
    for (const body of [
      { url: 'https://search.host.example/a?b=1' },
      { url: 'https://SEARCH.host.example/a?b=1' },
      { host: 'search.host.example' },
      { host: 'Search.Host.example', category: 'csam' },
    ]) {
      expect((await search(body)).json().items.map((one: { id: string }) => one.id)).toEqual([reference.id]);
    }
    expect((await search({ host: 'host.example' })).json().items).toEqual([]);
    expect((await search({ host: 'search.host.example', category: 'grooming' })).json().items).toEqual([]);
  });

  test.each([
    [{}, 'schema-invalid'],
    [{ url: 'https://a.example/', host: 'a.example' }, 'schema-invalid'],
    [{ host: 'a.example', limit: '5' }, 'schema-invalid'],
    [{ host: 'a.example', note: 'x' }, 'schema-invalid'],
    [{ host: 'a.example/path' }, 'url-invalid'],
    [{ url: 'https://user@a.example/' }, 'url-quarantined'],
    [{ url: 'magnet:?xt=1' }, 'url-scheme-refused'],
  ])('refuses %j', async (body, code) => {
    const answer = await search(body);
    expect([answer.statusCode, answer.json().code]).toEqual([422, code]);
  });
});

describe('decisions and deliveries', () => {
  test('of a reference are listed with trace, state and receipt', async () => {
    const { reference } = await submitted();
    const decisions = (await api.call('GET', `/v1/references/${reference.id}/decisions`)).json();
    expect(decisions).toMatchObject({
      items: [{ partner: police, direction: 'out', effect: 'send', revision: 1 }],
      next: null,
    });
    const deliveries = (await api.call('GET', `/v1/references/${reference.id}/deliveries`)).json();
    expect(deliveries).toMatchObject({ next: null });
    expect(deliveries.items).toMatchObject([
      {
        partner: police,
        event: 'submitted',
        state: 'queued',
        attempts: 0,
        receipt: null,
        reference: { id: reference.id },
      },
    ]);
  });

  test.each(['', '/decisions', '/deliveries'])('of an unknown reference are not found: %s', async (path) => {
    for (const id of ['0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70', 'x']) {
      const answer = await api.call('GET', `/v1/references/${id}${path}`);
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'not-found']);
    }
  });

  test('of a partner’s reference are asked for by its originator', async () => {
    const { reference } = await submitted();
    const own = await api.call(
      'GET',
      `/v1/references/${reference.id}?originator=${encodeURIComponent(api.exchange.self)}`,
    );
    expect(own.statusCode).toBe(200);
    const other = await api.call('GET', `/v1/references/${reference.id}?originator=${encodeURIComponent(police)}`);
    expect(other.statusCode).toBe(404);
  });
});

describe('without the scope references:locate', () => {
  test('an address is masked in every body', async () => {
    const path = 'a-path-that-nobody-else-has';
    const sent = submission({
      url: `https://secret.host.example/${path}`,
      access: { referrer: `https://from.host.example/${path}` },
    });
    const created = await api.call('POST', '/v1/references', { body: sent, token: masked });
    const { id } = created.json().reference;
    const revised = await api.call('PUT', `/v1/references/${id}`, {
      body: sent,
      token: masked,
      headers: { 'if-match': '"1"' },
    });
    const bodies = [
      created,
      revised,
      await api.call('POST', '/v1/references', { body: sent, token: masked }),
      await api.call('GET', '/v1/references', { token: masked }),
      await api.call('GET', `/v1/references/${id}`, { token: masked }),
      await api.call('GET', `/v1/references/${id}/decisions`, { token: masked }),
      await api.call('GET', `/v1/references/${id}/deliveries`, { token: masked }),
      await api.call('POST', '/v1/references:search', { body: { url: sent.url }, token: masked }),
      await api.call('GET', '/v1/events'),
    ];
    for (const { statusCode, body } of bodies) {
      expect(statusCode).toBeLessThan(300);
      expect(body).not.toContain(path);
      expect(body).not.toContain('secret.host.example');
      expect(body).not.toContain('from.host.example');
    }
    expect(created.json().reference.url).toBe('hxxps://secret[.]host[.]example/…');
    const whole = await api.call('GET', `/v1/references/${id}`);
    expect(whole.json()).toMatchObject({ url: sent.url, access: sent.access });
    expect(api.node.logged()).not.toContain('secret');
  });
});
