import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CliNode, makeNode } from '../support/cli-node.ts';
import {
  type ForeignPartner,
  foreignPartner,
  freshJti,
  policyFor,
  seconds,
  wireReference,
} from '../support/foreign-partner.ts';
import { keyEntry } from '../support/introductions.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import { type SecondProcess, secondProcess } from '../support/second-process.ts';
import { honestClaims, honestHeader, makeToken, type TestKey, testKey } from '../support/tokens.ts';

// One message has one effect, however often, in however many spellings and to whichever process it is delivered. Anybody
// who saw an ECDSA signature (r, s) can write a second valid one, (r, n - s), without any key.

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const DAY = 86_400;

/** The same message under the other signature that verifies. */
function twin(token: string): string {
  const end = token.lastIndexOf('.') + 1;
  const bytes = Buffer.from(token.slice(end), 'base64url');
  const s = ORDER - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const turned = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  return token.slice(0, end) + turned.toString('base64url');
}

const ed25519 = testKey();
const es256 = testKey('ES256');

function introduction(partner: ForeignPartner): string {
  const life = { nbf: seconds() - DAY, exp: seconds() + 90 * DAY };
  return partner.card({ key_set: partner.keySet({ keys: [ed25519, es256].map((key) => keyEntry(key, life)) }) });
}

function message(partner: ForeignPartner, to: { issuer: string }, key: TestKey, jti: string, path = 'path'): string {
  const { issuer } = partner;
  const events = { 'urn:caseref:event:1:submitted': wireReference({ url: `https://host.example/${path}` }) };
  const own = { iss: issuer, aud: to.issuer, iat: seconds(), jti, events };
  const sub_id = { format: 'iss_sub', iss: issuer, sub: crypto.randomUUID() };
  return makeToken({ key, header: honestHeader(key), payload: honestClaims({ ...own, sub_id }) });
}

/** Pushes every spelling many times at once, to each address in turn, and gives the answers that came. */
async function flood(partner: ForeignPartner, addresses: readonly string[], tokens: readonly string[], times: number) {
  const answers = Array.from({ length: times }, async (_, n) => {
    const issuer = addresses[n % addresses.length] ?? '';
    const token = tokens[Math.floor(n / addresses.length) % tokens.length] ?? '';
    return (await partner.push({ issuer }, token)).status;
  });
  return [...new Set(await Promise.all(answers))];
}

/** Everything that one accepted message leaves, by its jti. */
const traces = (jti: string) => `select
  (select count(*)::int from message where jti = '${jti}') as messages,
  (select count(*)::int from reference r join message m on r.originator = m.originator and r.id = m.reference_id
     where m.jti = '${jti}') as "references",
  (select count(*)::int from reference_revision where jti = '${jti}') as revisions,
  (select count(*)::int from delivery where answers = '${jti}') as receipts,
  (select count(*)::int from event where type = 'reference.received' and reference_id =
     (select reference_id from message where jti = '${jti}')) as told`;

const oneEffect = { messages: 1, references: 1, revisions: 1, receipts: 1, told: 1 };

/** Receipts come once and, after a repetition, at most once again within the hour: always the same stored bytes. */
async function expectOneReceipt(partner: ForeignPartner, jti: string): Promise<void> {
  await eventually('a receipt', async () => partner.receiptsFor(jti).length > 0);
  const carriers = partner.arrived.filter(({ claims }) => JSON.stringify(claims).includes(`"for":{"jti":"${jti}"}`));
  expect(carriers.length).toBeLessThanOrEqual(2);
  expect(new Set(carriers.map(({ compact }) => compact)).size).toBe(1);
}

const spellings: Record<string, (token: string) => string[]> = {
  'an Ed25519 token again': (token) => [token],
  'an ES256 token again': (token) => [token],
  'an ES256 token and its twin': (token) => [token, twin(token)],
  'the twin before the token': (token) => [twin(token), token],
};

const keyOf = (name: string) => (name.includes('Ed25519') ? ed25519 : es256);

describe('one process', () => {
  let node: TestNode;
  let partner: ForeignPartner;

  beforeAll(async () => {
    node = await testNode();
    partner = await foreignPartner();
    await node.ask('partner.add', { card: introduction(partner) });
    await node.ask('partner.confirm', { issuer: partner.issuer, fingerprint: partner.identity.kid });
    await node.ask('policy.set', { issuer: partner.issuer, document: policyFor(partner.issuer) });
  });
  afterAll(async () => {
    await node?.remove();
    await partner?.close();
  });

  async function left(jti: string): Promise<unknown> {
    return (await sql.raw(traces(jti)).execute(node.running.exchange.store.db)).rows[0];
  }

  test.each(Object.entries(spellings))(
    '%s, 40 times at once and after a restart, has one effect',
    async (name, spell) => {
      const jti = freshJti();
      const tokens = spell(message(partner, node, keyOf(name), jti));
      expect(await flood(partner, [node.issuer], tokens, 40)).toEqual([202]);
      expect(await left(jti)).toEqual(oneEffect);
      await expectOneReceipt(partner, jti);
      await node.restart();
      expect(await flood(partner, [node.issuer], tokens.toReversed(), 10)).toEqual([202]);
      expect(await left(jti)).toEqual(oneEffect);
      await expectOneReceipt(partner, jti);
    },
  );

  test('the twin is another compact string that verifies, and no third one does', async () => {
    const token = message(partner, node, es256, freshJti());
    expect(twin(token)).not.toBe(token);
    expect(twin(twin(token))).toBe(token);
    const third = `${token.slice(0, -86)}${twin(message(partner, node, es256, freshJti())).slice(-86)}`;
    const answer = await partner.push(node, third);
    expect(await answer.json()).toMatchObject({ err: 'authentication_failed' });
    expect((await partner.push(node, twin(token))).status).toBe(202);
  });
});

describe('two processes on one PostgreSQL', () => {
  let database: FreshDatabase;
  let node: CliNode;
  let second: SecondProcess;
  let partner: ForeignPartner;
  let client: Client;
  let end: () => Promise<void>;

  beforeAll(async () => {
    database = await freshDatabase(inject('postgresUrl'));
    node = await makeNode({ name: 'Twice', type: 'hotline', jurisdiction: 'DE', database: database.url });
    partner = await foreignPartner();
    const [card, policy] = [join(node.directory, 'partner.card'), join(node.directory, 'policy.json')];
    await writeFile(card, introduction(partner));
    await node.json('partner', 'add', card);
    await node.json('partner', 'confirm', partner.issuer, '--fingerprint', partner.identity.kid);
    await writeFile(policy, JSON.stringify(policyFor(partner.issuer)));
    await node.json('policy', 'set', partner.issuer, policy);
    const first = await node.serve();
    end = async () => {
      first.kill('SIGTERM');
      await once(first, 'exit');
    };
    second = await secondProcess(node);
    client = new Client({ connectionString: database.url, options: '-c search_path=caseref' });
    await client.connect();
  }, 120_000);
  afterAll(async () => {
    await client?.end();
    await Promise.all([end?.(), second?.stop()]);
    await partner?.close();
    await node?.remove();
    await database?.drop();
  });

  test.each(Object.entries(spellings))('%s, 60 times at once to both, has one effect', async (name, spell) => {
    const jti = freshJti();
    const tokens = spell(message(partner, node, keyOf(name), jti));
    expect(await flood(partner, [node.issuer, second.peer], tokens, 60)).toEqual([202]);
    expect((await client.query(traces(jti))).rows).toEqual([oneEffect]);
    await expectOneReceipt(partner, jti);
  });

  test('of two payloads under one jti, each to another process at once, one is taken and the other refused', async () => {
    for (let n = 0; n < 10; n += 1) {
      const jti = freshJti();
      const answers = await Promise.all([
        partner.push(node, message(partner, node, es256, jti, `one-${n}`)),
        partner.push({ issuer: second.peer }, message(partner, node, es256, jti, `other-${n}`)),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([202, 400]);
      expect((await client.query(traces(jti))).rows).toEqual([oneEffect]);
    }
  });
});
