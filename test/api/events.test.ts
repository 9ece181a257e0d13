import type { IncomingMessage } from 'node:http';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokeClient } from '../../src/exchange/clients.ts';
import { addDeny, approveDeny } from '../../src/exchange/denies.ts';
import { recordEvents } from '../../src/store/feed.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { submission, type TestApi, testApi } from '../support/api.ts';
import { clientToken } from '../support/exchange.ts';
import { actAs, person, register } from '../support/operators.ts';

interface Entry {
  readonly cursor: string;
  readonly type: string;
  readonly reference?: { readonly id: string };
}

const pace = { lookMs: 20, heartbeatMs: 60 };
let api: TestApi;

beforeAll(async () => {
  api = await testApi({ pace });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => api.close());

async function share(): Promise<string> {
  return (await api.call('POST', '/v1/references', { body: submission() })).json().reference.id;
}

async function feed(query = ''): Promise<{ items: Entry[]; next: string }> {
  return (await api.call('GET', `/v1/events${query}`)).json();
}

async function endOfFeed(): Promise<string> {
  let next = (await feed('?limit=500')).next;
  for (
    let page = await feed(`?limit=500&after=${next}`);
    page.items.length > 0;
    page = await feed(`?limit=500&after=${next}`)
  )
    next = page.next;
  return next;
}

interface OpenFeed {
  readonly answer: IncomingMessage;
  /** Reads until the text so far passes. */
  until(test: (text: string) => boolean): Promise<string>;
  ended: Promise<void>;
}

async function follow(
  at: TestApi,
  query: string,
  { token = at.token, lastSeen }: { token?: string; lastSeen?: string } = {},
): Promise<OpenFeed> {
  const { port } = at.app.server.address() as AddressInfo;
  const headers = {
    accept: 'text/event-stream',
    authorization: `Bearer ${token}`,
    ...(lastSeen !== undefined && { 'last-event-id': lastSeen }),
  };
  const answer = await new Promise<IncomingMessage>((take, fail) =>
    get({ port, path: `/v1/events${query}`, headers }, take).once('error', fail),
  );
  let text = '';
  let look: () => void = () => undefined;
  answer.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    look();
  });
  return {
    answer,
    ended: new Promise((resolve) => answer.once('close', resolve)),
    until: (passes) =>
      new Promise((resolve) => {
        look = () => {
          if (passes(text)) resolve(text);
        };
        look();
      }),
  };
}

function entriesOf(text: string): { id: string; entry: Entry }[] {
  return [...text.matchAll(/^id: (.+)\ndata: (.+)\n\n/gm)].map(([, id = '', data = '']) => ({
    id,
    entry: JSON.parse(data) as Entry,
  }));
}

describe('the feed', () => {
  test('goes on from a cursor without skipping or repeating, and always says where', async () => {
    const start = await endOfFeed();
    const ids = [await share(), await share(), await share()];
    const first = await feed(`?after=${start}&limit=2`);
    const second = await feed(`?after=${first.next}&limit=2`);
    expect([...first.items, ...second.items].map(({ type, reference }) => [type, reference?.id])).toEqual(
      ids.map((id) => ['reference.shared', id]),
    );
    const end = await feed(`?after=${second.next}`);
    expect(end).toEqual({ items: [], next: second.next });
    expect((await feed(`?after=${first.items[0]?.cursor}&limit=1`)).items[0]).toEqual(first.items[1]);
  });

  test.each(['after=x', 'after=', 'after=AAAAAAAAAAAAMQ'])('refuses the cursor %s', async (query) => {
    const answer = await api.call('GET', `/v1/events?${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'cursor-invalid']);
  });

  test('shows what a client’s making says of it, and no token', async () => {
    const start = await endOfFeed();
    await clientToken(api.exchange, ['stats:read']);
    const page = await feed(`?after=${start}`);
    expect(page.items).toMatchObject([{ type: 'client.created', detail: { scopes: ['stats:read'] } }]);
    expect(JSON.stringify(page)).not.toContain('caseref_');
  });
});

describe('the open feed', () => {
  test('tells what was there and what comes, each under its cursor', async () => {
    const start = await endOfFeed();
    const before = await share();
    const open = await follow(api, `?after=${start}`);
    expect(open.answer.headers).toMatchObject({
      'content-type': expect.stringMatching(/^text\/event-stream/),
      'cache-control': 'no-store',
    });
    await open.until((text) => text.includes(before));
    const after = await share();
    const entries = entriesOf(await open.until((text) => text.includes(after)));
    expect(entries.map(({ entry }) => entry.reference?.id)).toEqual([before, after]);
    for (const { id, entry } of entries) expect(entry.cursor).toBe(id);
    open.answer.destroy();
  });

  test('resumes after Last-Event-ID, whatever its address says', async () => {
    const start = await endOfFeed();
    const ids = [await share(), await share()];
    const [first] = (await feed(`?after=${start}`)).items;
    const open = await follow(api, `?after=${start}`, { lastSeen: first?.cursor ?? '' });
    const entries = entriesOf(await open.until((text) => text.includes('data:')));
    expect(entries.map(({ entry }) => entry.reference?.id)).toEqual([ids[1]]);
    open.answer.destroy();
  });

  test('says that it lives while nothing happens', async () => {
    const open = await follow(api, `?after=${await endOfFeed()}`);
    expect(await open.until((text) => text.split(': alive').length > 2)).not.toContain('data:');
    open.answer.destroy();
  });

  test('refuses a cursor that is none before it opens', async () => {
    const open = await follow(api, '?after=x');
    expect(open.answer.statusCode).toBe(400);
    open.answer.destroy();
  });

  test('ends when the token is revoked', async () => {
    const token = await clientToken(api.exchange, ['events:read']);
    const client = await api.exchange.store.db
      .selectFrom('client')
      .select('id')
      .orderBy('created_at', 'desc')
      .executeTakeFirstOrThrow();
    const open = await follow(api, `?after=${await endOfFeed()}`, { token });
    await revokeClient(api.exchange, client.id);
    await open.ended;
  });

  test('ends when the token is revoked, although the feed is never quiet', async () => {
    const busy = await testApi({ pace: { lookMs: 5, heartbeatMs: 50 } });
    await busy.app.listen({ host: '127.0.0.1', port: 0 });
    const open = await follow(busy, '');
    const { id } = await busy.exchange.store.db.selectFrom('client').select('id').executeTakeFirstOrThrow();
    let over = false;
    const noise = (async () => {
      for (let told = 0; told < 400 && !over; told += 1) {
        await inTransaction(busy.exchange.store.db, (trx) =>
          recordEvents(trx, [{ type: 'client.created', at: new Date(), body: {} }]),
        );
        // The embedded store answers without waiting: the listener needs its turn.
        await pause(2);
      }
    })();
    open.answer.resume();
    await revokeClient(busy.exchange, id);
    const quiet = await Promise.race([open.ended.then(() => 'ended first'), noise.then(() => 'quiet first')]);
    over = true;
    await noise;
    await busy.close();
    expect(quiet).toBe('ended first');
  });

  test('ends when the listener closes', async () => {
    const closing = await testApi({ pace: { lookMs: 60_000, heartbeatMs: 60_000 } });
    await closing.app.listen({ host: '127.0.0.1', port: 0 });
    const open = await follow(closing, '');
    await open.until((text) => text.includes('retry:'));
    await closing.close();
    await open.ended;
  });
});

test('an act of two operators comes with who did what', async () => {
  const [ada, ben] = [person('ada'), person('ben')];
  await register(api.exchange, ada, ben);
  const deny = { id: 'd1', ground: 'legal', when: { category: ['csam'] } };
  const waits = await actAs(api.exchange, ada, (signing) => addDeny(api.exchange, deny, signing));
  if (Array.isArray(waits)) throw new Error(`refused: ${waits[0]?.code}`);
  const approved = { id: 'd1', digest: waits.digest };
  await actAs(api.exchange, ben, (signing) => approveDeny(api.exchange, approved, signing));
  const items = (await feed('?limit=500')).items as (Entry & { detail?: object })[];
  const signed = items.filter(({ type }) => /^(operator|act|deny)\./.test(type));
  const act = { act: 'deny.add', subject: 'd1', digest: waits.digest, author: 'ada' };
  expect(signed.map(({ type, detail }) => ({ type, detail }))).toEqual([
    { type: 'operator.added', detail: { operator: 'ada', kid: ada.key.kid } },
    { type: 'operator.added', detail: { operator: 'ben', kid: ben.key.kid } },
    { type: 'act.pending', detail: act },
    { type: 'act.approved', detail: { ...act, approver: 'ben' } },
    { type: 'deny.added', detail: { deny: 'd1', author: 'ada', approver: 'ben' } },
  ]);
});
