import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ForeignPartner, foreignPartner, freshJti, wireReference } from './support/foreign-partner.ts';
import { eventually, openPolicy, type TestNode, testNode } from './support/node.ts';
import type { Json } from './support/tokens.ts';

// One guard in front of every door: whatever is forbidden is refused there by the same code, at the same pointer, before
// the schema has a word, and nothing of it is kept.

let node: TestNode;
let partner: ForeignPartner;
let token: string;

beforeAll(async () => {
  node = await testNode({ name: 'Hotline A' });
  partner = await foreignPartner();
  await partner.meet(node);
  ({ token } = await node.ask('client.create', { name: 'doors', scopes: ['references:write', 'references:read'] }));
});
afterAll(async () => {
  await partner.close();
  await node.remove();
});

const md5 = '9b2cf535f27731c974343645a3985328';
const sha256 = 'c5f8a3d0b17e4692c5f8a3d0b17e46927f8e1d2c3b4a5968d7c6b5a49382716f';
const picture = '/9j/4AAQSkZJRgABAQAAAQABAAD7';
const cyrillic = md5.replaceAll('a', 'а').replaceAll('c', 'с');

interface Forbidden {
  readonly name: string;
  readonly code: 'media-refused' | 'fingerprint-refused';
  /** What it says that must be found nowhere afterwards. */
  readonly trace: string;
  readonly pointer: string;
  readonly changes: Json;
}

/** What may stand in no case reference, whichever way it comes. */
const inReference: Forbidden[] = [
  {
    name: 'a digest in a handle',
    code: 'fingerprint-refused',
    trace: md5,
    pointer: '/handles/0/id',
    changes: { handles: [{ system: 'own', id: md5 }] },
  },
  {
    name: 'a digest in look-alike letters',
    code: 'fingerprint-refused',
    trace: cyrillic,
    pointer: '/handles/0/id',
    changes: { handles: [{ system: 'own', id: cyrillic }] },
  },
  {
    name: 'a digest as a member name',
    code: 'fingerprint-refused',
    trace: sha256,
    pointer: '',
    changes: { [sha256]: 1 },
  },
  {
    name: 'a member named for a digest',
    code: 'fingerprint-refused',
    trace: '4711-of-the-file',
    pointer: '/fileHash',
    changes: { fileHash: '4711-of-the-file' },
  },
  {
    name: 'a member named for a picture',
    code: 'media-refused',
    trace: 'picture-of-it',
    pointer: '/thumbnail',
    changes: { thumbnail: 'picture-of-it' },
  },
  {
    name: 'a picture in a member',
    code: 'media-refused',
    trace: picture,
    pointer: '/note',
    changes: { note: picture },
  },
  {
    name: 'a media type',
    code: 'media-refused',
    trace: 'video/x-forbidden',
    pointer: '/site/type',
    changes: { site: { type: 'video/x-forbidden' } },
  },
  {
    name: 'a data: URL',
    code: 'media-refused',
    trace: 'data:image/gif',
    pointer: '/url',
    changes: { url: 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP' },
  },
  {
    name: 'a labelled digest in a URL',
    code: 'fingerprint-refused',
    trace: sha256,
    pointer: '/url',
    changes: { url: `https://host.example/f?sha256=${sha256}` },
  },
  {
    name: 'a labelled digest in a referrer',
    code: 'fingerprint-refused',
    trace: md5,
    pointer: '/access/referrer',
    changes: { access: { referrer: `https://forum.example/#md5-${md5}` } },
  },
  {
    name: 'numbers that are bytes',
    code: 'media-refused',
    trace: '137,80,78,71',
    pointer: '/features',
    changes: { features: [137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82] },
  },
];

const { revision: _, ...honest } = wireReference();

interface Refused {
  readonly code: string;
  readonly pointer: string;
}

async function api(path: string, body: string, type = 'application/json', method = 'POST', headers = {}) {
  return fetch(`${node.running.addresses.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': type, ...headers },
    body,
  });
}

async function push(event: string, payload: unknown): Promise<Refused> {
  const jti = freshJti();
  const events = { [`urn:caseref:event:1:${event}`]: payload };
  const sub_id = event === 'verify' ? { sub_id: { format: 'opaque', id: jti } } : {};
  expect((await partner.push(node, partner.token(node, { jti, events, ...sub_id }))).status).toBe(202);
  const [receipt] = await eventually('a receipt', async () => {
    const receipts = partner.receiptsFor(jti);
    return receipts.length > 0 && receipts;
  });
  expect(receipt?.outcome).toBe('refused');
  return { code: String(receipt?.code), pointer: String(receipt?.pointer ?? '') };
}

async function operation(name: string, given: Json): Promise<Refused> {
  const operations = node.running.operations as unknown as Record<
    string,
    (given: Json) => Promise<{ ok: boolean; refusals?: Refused[]; value?: { refusals?: Refused[] } }>
  >;
  const answer = await operations[name]?.(given);
  const [refusal] = answer?.refusals ?? answer?.value?.refusals ?? [];
  if (refusal === undefined) throw new Error(`${name} took it`);
  return { code: refusal.code, pointer: refusal.pointer };
}

const referenceDoors: [name: string, enter: (reference: Json) => Promise<Refused>][] = [
  [
    'the API',
    async (reference) => {
      const answer = await api('/v1/references', JSON.stringify(reference));
      expect(answer.status).toBe(422);
      return ((await answer.json()) as { errors: [Refused] }).errors[0];
    },
  ],
  [
    'the API, a revision',
    async (reference) => {
      const { reference: first } = await node.ask('reference.submit', { reference: honest });
      const headers = { 'if-match': '"1"' };
      const answer = await api(
        `/v1/references/${first.id}`,
        JSON.stringify(reference),
        'application/json',
        'PUT',
        headers,
      );
      expect(answer.status).toBe(422);
      return ((await answer.json()) as { errors: [Refused] }).errors[0];
    },
  ],
  [
    'the API, a batch',
    async (reference) => {
      const answer = await api('/v1/references:batch', JSON.stringify(reference), 'application/x-ndjson');
      return (JSON.parse(await answer.text()) as { errors: [Refused] }).errors[0];
    },
  ],
  ['the command line', (reference) => operation('reference.submit', { reference })],
  [
    'an import',
    async (reference) => {
      const { results } = await node.ask('reference.import', { lines: [{ line: 1, text: JSON.stringify(reference) }] });
      const [result] = results;
      if (result?.status !== 'refused' || result.errors[0] === undefined) throw new Error('the import took it');
      return result.errors[0];
    },
  ],
  ['a push of submitted', (reference) => push('submitted', { revision: 1, ...reference })],
  [
    'a push of revised',
    (reference) => push('revised', { revision: 2, supersedes: `S256:${'a'.repeat(43)}`, ...reference }),
  ],
];

const cases = referenceDoors.flatMap(([door, enter]) =>
  inReference.map((forbidden) => ({ door, enter, ...forbidden })),
);

/** Every row of every table of the node, as text. */
async function stored(): Promise<string> {
  const { db } = node.running.exchange.store;
  const { rows: tables } = await db.executeQuery<{ name: string }>(
    sqlOf(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')`,
    ),
  );
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await db.executeQuery<{ row: string }>(
        sqlOf(`select row_to_json(t)::text as row from ${name} t`),
      );
      return rows.map(({ row }) => row).join('\n');
    }),
  );
  return texts.join('\n');
}

function sqlOf(statement: string) {
  return CompiledQuery.raw(statement);
}

async function expectNothingKept(trace: string): Promise<void> {
  const rows = await stored();
  expect(rows).toContain(node.issuer);
  expect(rows.includes(trace)).toBe(false);
  expect(rows.includes(JSON.stringify(trace).slice(1, -1))).toBe(false);
  expect(node.logged().includes(trace)).toBe(false);
}

describe('a case reference', () => {
  test.each(cases)('through $door: $name', async ({ enter, changes, code, pointer, trace }) => {
    expect(await enter({ ...honest, ...changes })).toMatchObject({ code, pointer });
    await expectNothingKept(trace);
  });

  test.each(referenceDoors)('that is honest passes %s', async (_name, enter) => {
    await expect(enter({ ...honest, handles: [{ system: 'own', id: 'DE-2026/00123' }] })).rejects.toThrow();
  });
});

describe('another event from a partner', () => {
  const digest = { digest: `S256:${'a'.repeat(43)}`, receivedAt: '2026-11-20T10:00:00Z', outcome: 'accepted' };
  test.each([
    ['of a type that is not known', 'photographed', { code: md5 }, 'fingerprint-refused', '/code'],
    ['of a type for later', 'assessed', { scheme: 'iccam', thumbnail: 1 }, 'media-refused', '/thumbnail'],
    ['withdrawn', 'withdrawn', { reason: `md5:${md5}`, purge: true }, 'fingerprint-refused', '/reason'],
    ['verify', 'verify', { sha1: 1 }, 'fingerprint-refused', '/sha1'],
  ])('%s', async (_name, event, payload, code, pointer) => {
    expect(await push(event, payload)).toMatchObject({ code, pointer });
    await expectNothingKept(md5);
  });

  test('a receipt is answered by nothing, and keeps the code alone', async () => {
    const jti = freshJti();
    const receipt = { for: { jti: freshJti() }, ...digest, code: md5 };
    const sub_id = { format: 'opaque', id: receipt.for.jti };
    const pushed = partner.token(node, { jti, sub_id, events: { 'urn:caseref:event:1:receipt': receipt } });
    expect((await partner.push(node, pushed)).status).toBe(202);
    const row = await node.running.exchange.store.db
      .selectFrom('message')
      .select(['code', 'pointer', 'plain', 'body'])
      .where('jti', '=', jti)
      .executeTakeFirst();
    expect(row).toEqual({ code: 'fingerprint-refused', pointer: '/code', plain: null, body: null });
    await expectNothingKept(md5);
  });

  test('an event without anything forbidden is unsupported, not refused by the guard', async () => {
    expect(await push('photographed', { code: 'csam' })).toMatchObject({ code: 'unsupported-event' });
  });
});

describe('what operators write', () => {
  const legal = { basis: 'Invented act, section 1', transfer: 'none' };
  const PARTNER = 'http://127.0.0.1:1';
  const policy = (changes: Json) => ({ ...openPolicy(PARTNER), ...changes });
  const basis = policy({ legal: { ...legal, basis: `see sha256-${sha256}` } });
  const agreement = policy({ legal: { ...legal, agreement: `data:image/png;base64,${picture}` } });
  const rule = policy({ send: { rules: [{ id: md5, when: { category: ['*'] }, then: 'send' }] } });

  test.each([
    ['policy check', 'policy.check', { document: basis }, 'fingerprint-refused', '/legal/basis', sha256],
    ['policy check', 'policy.check', { document: agreement }, 'media-refused', '/legal/agreement', picture],
    ['policy set', 'policy.set', { document: basis }, 'fingerprint-refused', '/legal/basis', sha256],
    ['policy set', 'policy.set', { document: rule }, 'fingerprint-refused', '/send/rules/0/id', md5],
    ['policy set', 'policy.set', { document: policy({ screenshot: 1 }) }, 'media-refused', '/screenshot', 'screenshot'],
    [
      'policy deny add',
      'policy.deny.add',
      { document: { id: md5, ground: 'legal' } },
      'fingerprint-refused',
      '/id',
      md5,
    ],
    [
      'policy deny add',
      'policy.deny.add',
      { document: { id: 'one', ground: 'legal', photo: 'photo-of-it' } },
      'media-refused',
      '/photo',
      'photo-of-it',
    ],
    ['client create', 'client.create', { name: md5, scopes: ['events:read'] }, 'fingerprint-refused', '/name', md5],
    [
      'partner confirm --verified-by',
      'partner.confirm',
      { fingerprint: '1', verifiedBy: `call; ${md5}` },
      'fingerprint-refused',
      '/verifiedBy',
      md5,
    ],
  ] as const)('%s: %s %#', async (_name, operationName, given, code, pointer, trace) => {
    const issuer = ['policy.set', 'partner.confirm'].includes(operationName) ? { issuer: PARTNER } : {};
    expect(await operation(operationName, { ...issuer, ...given })).toEqual({ code, pointer });
    await expectNothingKept(trace);
  });
});

describe('a peer card', () => {
  const organisation = { name: 'Unit of the tests', type: 'law-enforcement', jurisdictions: ['DE'] };

  test.each([
    ['/organisation/name', { organisation: { ...organisation, name: `Unit ${md5}` } }, 'fingerprint-refused', md5],
    ['/contact/desk', { organisation, contact: { desk: `image/jpeg ${picture}` } }, 'media-refused', picture],
    ['/contact/hours', { organisation, contact: { hours: `md5 ${md5}` } }, 'fingerprint-refused', md5],
    ['/thumbnail', { organisation, thumbnail: 'logo-of-it' }, 'media-refused', 'logo-of-it'],
  ])('at %s', async (pointer, changes, code, trace) => {
    const stranger = await foreignPartner();
    expect(await operation('partner.add', { card: stranger.card(changes) })).toEqual({ code, pointer });
    await expectNothingKept(trace);
    await stranger.close();
  });
});

describe('a key set of a partner', () => {
  test('is refused with a member that is none of it', async () => {
    const answer = await fetch(`${node.issuer}/exchange/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/jwk-set+jwt' },
      body: partner.keySet({ seq: Math.floor(Date.now() / 1000) + 1, thumbnail: md5 }),
    });
    expect(answer.status).toBe(400);
    await expectNothingKept(md5);
  });
});
