import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CompactSign, importJWK } from 'jose';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { unlockSecrets } from '../../src/keys/container.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, passphrase, type TestNode, testNode } from '../support/node.ts';
import { freshDatabase } from '../support/postgres.ts';

// A rotation and a compromise between two running nodes, while references keep flowing. The thief has the real private
// key, out of the real key file; the clock of both nodes is moved where hours have to pass.

const HOUR = 3_600_000;
let ahead = 0;
const clock = () => Date.now() + ahead;
let databases: Awaited<ReturnType<typeof freshDatabase>>[];
let hotline: TestNode;
let partner: TestNode;

beforeAll(async () => {
  databases = await Promise.all([1, 2].map(() => freshDatabase(inject('postgresUrl'))));
  const [one, two] = databases.map(({ url }) => url);
  hotline = await testNode({ name: 'Hotline that loses a key', clock, ...(one && { database: one }) });
  partner = await testNode({
    name: 'Hotline that must notice',
    jurisdictions: ['NL'],
    clock,
    ...(two && { database: two }),
  });
  await befriendNode(hotline, partner);
  await befriendNode(partner, hotline);
});
afterAll(async () => {
  await Promise.all([hotline?.remove(), partner?.remove()]);
  await Promise.all(databases.map((one) => one.drop()));
});

/** Submits references one after another until it is told to stop; gives their ids. */
function keepSubmitting(): { stop(): Promise<string[]> } {
  const ids: string[] = [];
  let running = true;
  const work = (async () => {
    for (let n = 0; running; n += 1) {
      const submitted = await hotline.ask('reference.submit', { reference: inventedReference(n) });
      ids.push(submitted.reference.id);
      await pause(5);
    }
  })();
  return {
    async stop() {
      running = false;
      await work;
      return ids;
    },
  };
}

function db(node: TestNode) {
  return node.running.exchange.store.db;
}

async function receiptedAll(ids: readonly string[]): Promise<void> {
  await eventually('every reference is receipted', async () => {
    const { n } = await db(hotline)
      .selectFrom('delivery')
      .select((s) => s.fn.countAll<number>().as('n'))
      .where('event', '=', 'submitted')
      .where('reference_id', 'in', [...ids])
      .where('state', '=', 'receipted')
      .executeTakeFirstOrThrow();
    return Number(n) === ids.length;
  });
}

async function activeKid(node: TestNode): Promise<string> {
  const { keys } = await node.ask('keys.list', {});
  const active = keys.find(({ state, use }) => state === 'active' && use === 'sig');
  if (!active) throw new Error('no key signs');
  return active.kid;
}

async function kidsAtPartner(ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await db(partner)
    .selectFrom('message')
    .select('kid')
    .where('reference_id', 'in', [...ids])
    .where('event', 'like', '%submitted')
    .execute();
  return new Map([...Map.groupBy(rows, ({ kid }) => kid)].map(([kid, group]) => [kid, group.length]));
}

test('a rotation under load loses no message and lets no signature be refused', async () => {
  const before = await activeKid(hotline);
  const load = keepSubmitting();
  const { kid: successor } = await hotline.ask('keys.rotate', {});
  await pause(300);
  ahead += 3 * HOUR + 60_000;
  await eventually('the new key signs', async () => (await activeKid(hotline)) === successor);
  await pause(300);
  const ids = await load.stop();
  await receiptedAll(ids);
  const kids = await kidsAtPartner(ids);
  expect([...kids.keys()].sort()).toEqual([before, successor].sort());
  expect([...kids.values()].reduce((sum, n) => sum + n, 0)).toBe(ids.length);
  expect(partner.logged()).not.toContain('push.refused');
  ahead += 2 * HOUR;
  await eventually('the old key is destroyed', async () => {
    const { keys } = await hotline.ask('keys.list', {});
    return keys.find(({ kid }) => kid === before)?.state === 'retired';
  });
});

/** What a thief can do: sign as the hotline, with the private key from its file. */
async function steal(kid: string) {
  const text = await readFile(join(hotline.directory, 'keys', 'node.key'), 'utf8');
  const secrets = await unlockSecrets('node', text, passphrase.reveal());
  if (isRefusal(secrets)) throw new Error('the key file does not open');
  const { keys } = secrets as { keys: { kid: string; alg: string; private: Parameters<typeof importJWK>[0] }[] };
  const stolen = keys.find((key) => key.kid === kid);
  if (!stolen) throw new Error('the key is not there');
  const key = await importJWK(stolen.private, stolen.alg);
  return async (event: string, payload: Record<string, unknown>, id: string) => {
    const claims = {
      iss: hotline.issuer,
      aud: partner.issuer,
      iat: Math.floor(clock() / 1000),
      jti: freshJti(),
      sub_id: { format: 'iss_sub', iss: hotline.issuer, sub: id },
      'urn:caseref:seq': { epoch: crypto.randomUUID(), n: 1 },
      'urn:caseref:salt': freshJti(),
      events: { [`urn:caseref:event:1:${event}`]: payload },
    };
    const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: stolen.alg, typ: 'secevent+jwt', kid })
      .sign(key);
    const headers = { 'content-type': 'application/secevent+jwt' };
    return fetch(`${partner.issuer}/exchange/push`, { method: 'POST', headers, body: token });
  };
}

async function atPartner(id: string) {
  const answer = await partner.running.operations['reference.show']({ originator: hotline.issuer, id } as never);
  return answer.ok ? (answer.value as { state: string; suspect?: boolean }) : undefined;
}

test('after a compromise nothing by the lost key is taken, what the thief did is undone, and nothing of ours is lost', async () => {
  const first = keepSubmitting();
  await pause(300);
  const kid = await activeKid(hotline);
  const forge = await steal(kid);
  const since = new Date(clock()).toISOString();
  await pause(1100);
  const [victim] = await first.stop();
  await receiptedAll([victim ?? '']);
  const load = keepSubmitting();
  const planted = crypto.randomUUID();
  expect((await forge('submitted', wireReference({}), planted)).status).toBe(202);
  expect((await forge('withdrawn', { reason: 'sent-in-error', purge: true }, victim ?? '')).status).toBe(202);
  expect(await atPartner(victim ?? '')).toMatchObject({ state: 'sealed' });
  await pause(300);
  await hotline.ask('keys.revoke', { kid, reason: 'compromised', since });
  const late = crypto.randomUUID();
  const refused = await forge('submitted', wireReference({}), late);
  expect([refused.status, await refused.json()]).toMatchObject([400, { err: 'invalid_key' }]);
  await pause(300);
  const ids = [...(await first.stop()), ...(await load.stop())];
  // What left under the new key a moment before the partner had it was asked to come again in a minute.
  ahead += 2 * 60_000;
  await receiptedAll(ids);
  await eventually('what is ours is attested', async () => {
    const { n } = await db(partner)
      .selectFrom('message')
      .select((s) => s.fn.countAll<number>().as('n'))
      .where('reference_id', 'in', ids)
      .where('event', 'like', '%submitted')
      .where('suspect_at', 'is not', null)
      .where('attested_at', 'is', null)
      .executeTakeFirstOrThrow();
    return Number(n) === 0;
  });
  expect(await atPartner(victim ?? '')).toMatchObject({ state: 'open' });
  expect(await atPartner(planted)).toMatchObject({ state: 'open', suspect: true });
  expect(await atPartner(late)).toBeUndefined();
  const open = await db(partner)
    .selectFrom('reference')
    .select('id')
    .where('id', 'in', ids)
    .where('state', '=', 'open')
    .execute();
  expect(open).toHaveLength(ids.length);
  const { items } = await partner.ask('alert.list', {});
  expect(items.map(({ code }) => code)).toContain('messages-suspect');
});

test('between two nodes that could speak plain the messages go encrypted, receipts included', async () => {
  const pushed = partner.logged();
  expect(pushed).not.toContain('gallery.example');
  const policy = { ...openPolicy(hotline.issuer), security: { encryption: 'required' } };
  await partner.ask('policy.set', { issuer: hotline.issuer, document: policy } as never);
  const submitted = await hotline.ask('reference.submit', { reference: inventedReference(900_000) });
  await receiptedAll([submitted.reference.id]);
  expect(await atPartner(submitted.reference.id)).toMatchObject({ state: 'open' });
});
