import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { findMissed } from '../../src/exchange/alerts.ts';
import { findGaps } from '../../src/exchange/numbering.ts';
import { startTelling } from '../../src/exchange/tell.ts';
import {
  type ForeignPartner,
  foreignPartner,
  freshJti,
  receiving,
  seconds,
  wireReference,
} from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { eventually, type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';
import type { Json } from '../support/tokens.ts';

// What a person must be told, by a real node and a partner that misbehaves over real HTTP.

const HOUR = 3_600_000;
const CANARY = 'canary-path-5519';
const emergency = { urgency: { level: 'emergency', code: 'live-now' }, url: `https://host.example/${CANARY}` };

let node: TestNode;
let partner: ForeignPartner;
let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  node = await testNode({ database: database.url });
});
afterAll(async () => {
  await node.remove();
  await database.drop();
});
beforeEach(async () => {
  partner = await foreignPartner();
});
afterEach(() => partner.close());

async function openAlerts() {
  const { items } = await node.ask('alert.list', {});
  return items.filter((alert) => alert.partner === partner.issuer);
}

function raised(code: string) {
  return eventually(`an alert ${code}`, async () => (await openAlerts()).find((alert) => alert.code === code));
}

async function feedOf(type: string) {
  const { items } = await node.ask('events', { limit: 500 });
  return items.filter((event) => event.type === type && event.partner === partner.issuer);
}

/** Waits for the operator's command to be run with this behind it. */
async function paged(wanted: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'caseref-paged-'));
  const told = join(folder, 'told.txt');
  const telling = startTelling(node.running.exchange, ['/bin/sh', '-c', `echo "$@" >> ${told}`, 'page']);
  try {
    await eventually(wanted, async () => (await readFile(told, 'utf8').catch(() => '')).includes(`${wanted}\n`));
  } finally {
    await telling.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Ages what was stored, where a real partner would take hours. */
async function ageMessages(hours: number): Promise<void> {
  const { db } = node.running.exchange.store;
  const at = new Date(Date.now() - hours * HOUR);
  await db.updateTable('message').set({ received_at: at }).where('issuer', '=', partner.issuer).execute();
}

const seq = (epoch: string, n: number): Json => ({ 'urn:caseref:seq': { epoch, n } });

async function pushed(changes: Json = {}): Promise<number> {
  return (await partner.push(node, partner.token(node, changes))).status;
}

describe('one trouble is one alert', () => {
  test('two payloads under one jti are told once, counted, with the message, and again only after they were closed', async () => {
    await partner.meet(node);
    const jti = freshJti();
    expect(await pushed({ jti })).toBe(202);
    for (let tries = 0; tries < 3; tries += 1) expect(await pushed({ jti })).toBe(400);
    const alert = await raised('message-conflict');
    expect(alert).toMatchObject({ count: 3, subject: jti, urgent: true, partner: partner.issuer });
    expect((await feedOf('alert.raised')).map(({ code }) => code)).toEqual(['message-conflict']);
    await node.ask('alert.close', { id: alert.id });
    expect(await openAlerts()).toEqual([]);
    expect(await pushed({ jti })).toBe(400);
    expect(await raised('message-conflict')).toMatchObject({ count: 1 });
    expect(await feedOf('alert.raised')).toHaveLength(2);
    expect(await feedOf('alert.closed')).toHaveLength(1);
  });

  test('an outage of many messages that are given up is one alert with their count, and outlives a restart', async () => {
    await partner.meet(node);
    const { server, url } = await refusing();
    const { db } = node.running.exchange.store;
    await db
      .updateTable('partner')
      .set({ endpoints: JSON.stringify({ push: url, keys: url }) })
      .where('issuer', '=', partner.issuer)
      .execute();
    await node.restart();
    const lines = Array.from({ length: 40 }, (_, n) => ({ line: n + 1, text: JSON.stringify(inventedReference(n)) }));
    await node.ask('reference.import', { lines });
    const alert = await eventually('forty dead letters', async () =>
      (await openAlerts()).find(({ code, count }) => code === 'dead-letter' && count === 40),
    );
    expect(alert.next).toBe(`caseref delivery list --state dead --partner ${partner.issuer}`);
    await node.restart();
    expect((await openAlerts()).map(({ id, count }) => [id, count])).toEqual([[alert.id, 40]]);
    server.close();
    server.closeAllConnections();
  });

  test('an alert that is not open cannot be closed', async () => {
    const { operations } = node.running;
    for (const id of ['019a0000-0000-7000-8000-000000000000', "1' or 1=1"]) {
      expect(await operations['alert.close']({ id })).toMatchObject({ ok: false, refusals: [{ code: 'not-found' }] });
    }
  });
});

/** A listener that gives the answer after which a message is dead. */
async function refusing(): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"err":"invalid_audience"}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return { server, url: `http://127.0.0.1:${port}/exchange/push` };
}

describe('a receipt', () => {
  test('that fits no message of ours is told', async () => {
    await partner.meet(node);
    const content = {
      for: { jti: freshJti() },
      digest: `S256:${'A'.repeat(43)}`,
      receivedAt: '2026-11-20T10:00:00Z',
      outcome: 'accepted',
    };
    const events = { 'urn:caseref:event:1:receipt': content };
    expect(await pushed({ events, sub_id: { format: 'opaque', id: freshJti() } })).toBe(202);
    await raised('receipt-mismatched');
  });

  test('that refuses ours is told, and that of an emergency at once and by itself', async () => {
    await partner.meet(node);
    for (const reference of [inventedReference(7), { ...inventedReference(8), ...emergency }]) {
      const { reference: stored } = await node.ask('reference.submit', { reference });
      const message = await eventually('the message', async () =>
        partner.arrived.find(({ claims }) => (claims.sub_id as Json).sub === stored.id),
      );
      const [delivery] = (await node.ask('reference.show', { id: stored.id })).deliveries.filter(
        (one) => one.partner === partner.issuer,
      );
      const content = {
        for: { jti: message.claims.jti },
        digest: delivery?.digest,
        receivedAt: '2026-11-20T10:00:00Z',
        outcome: 'refused',
        code: 'policy-refused',
      };
      await pushed({ events: { 'urn:caseref:event:1:receipt': content }, sub_id: message.claims.sub_id });
    }
    await raised('receipt-refused');
    await raised('emergency-refused');
  });
});

describe('the numbers of a partner', () => {
  test('with a hole older than two hours are told once; a younger one is not', async () => {
    await partner.meet(node);
    const epoch = crypto.randomUUID();
    for (const n of [1, 2, 5, 6]) await pushed(seq(epoch, n));
    await findGaps(node.running.exchange);
    expect(await openAlerts()).toEqual([]);
    await ageMessages(3);
    await findGaps(node.running.exchange);
    const alert = await raised('sequence-gap');
    expect(alert).toMatchObject({ count: 1, subject: epoch });
    await node.ask('alert.close', { id: alert.id });
    await findGaps(node.running.exchange);
    expect(await openAlerts()).toEqual([]);
  });

  test('that the partner voided are no hole', async () => {
    await partner.meet(node);
    const epoch = crypto.randomUUID();
    for (const n of [1, 2, 5]) await pushed(seq(epoch, n));
    const jti = freshJti();
    const events = { 'urn:caseref:event:1:voided': { epoch, ranges: [[3, 4]], reason: 'withdrawn' } };
    expect(await pushed({ ...seq(epoch, 6), jti, events, sub_id: { format: 'opaque', id: jti } })).toBe(202);
    await ageMessages(3);
    await findGaps(node.running.exchange);
    expect(await openAlerts()).toEqual([]);
    const { db } = node.running.exchange.store;
    const stream = db.selectFrom('incoming_stream').select(['floor', 'highest']).where('epoch', '=', epoch);
    expect(await stream.executeTakeFirst()).toEqual({ floor: 6, highest: 6 });
  });

  test('that jump, and a second new epoch within a day, are told at once; the first ever is no change', async () => {
    await partner.meet(node);
    await pushed(seq(crypto.randomUUID(), 1));
    expect(await openAlerts()).toEqual([]);
    await pushed(seq(crypto.randomUUID(), 1));
    expect(await openAlerts()).toEqual([]);
    await pushed(seq(crypto.randomUUID(), 100_002));
    expect((await openAlerts()).map(({ code }) => code).sort()).toEqual(['epoch-changed-again', 'sequence-jump']);
  });
});

describe('an emergency', () => {
  test('that is held here is told before the push is answered, each by itself', async () => {
    await partner.meet(node, receiving('hold'));
    for (const at of ['a', 'b']) {
      const reference = wireReference({ ...emergency, url: `${emergency.url}/${at}` });
      expect(await pushed({ events: { 'urn:caseref:event:1:submitted': reference } })).toBe(202);
    }
    const alerts = (await openAlerts()).filter(({ code }) => code === 'emergency-held');
    expect(new Set(alerts.map(({ subject }) => subject)).size).toBe(2);
  });

  test('that our policy refuses is told by its message alone', async () => {
    await partner.meet(node, receiving('refuse'));
    const jti = freshJti();
    await pushed({ jti, events: { 'urn:caseref:event:1:submitted': wireReference(emergency) } });
    expect(await openAlerts()).toMatchObject([{ code: 'emergency-refused-here', subject: jti, count: 1 }]);
  });

  test('a flood of them is bounded and still counted', async () => {
    await partner.meet(node, receiving('hold'));
    for (let n = 0; n < 14; n += 1) {
      const reference = wireReference({ ...emergency, url: `${emergency.url}/${n}` });
      await pushed({ events: { 'urn:caseref:event:1:submitted': reference } });
    }
    const alerts = await openAlerts();
    expect(alerts).toHaveLength(11);
    expect(alerts.reduce((sum, { count }) => sum + count, 0)).toBe(14);
  });

  test('of ours that our own policy holds is told with its submission', async () => {
    const byHand = [
      Object.fromEntries([
        ['id', 'all'],
        ['when', { category: ['*'] }],
        ['then', 'hold'],
      ]),
    ];
    await partner.meet(node, { send: { rules: byHand } });
    const { reference } = await node.ask('reference.submit', { reference: { ...inventedReference(6), ...emergency } });
    expect(await openAlerts()).toMatchObject([{ code: 'emergency-held', subject: reference.id }]);
  });

  test('of ours that cannot be delivered is told at the first failure', async () => {
    await partner.meet(node);
    await partner.close();
    const { reference } = await node.ask('reference.submit', { reference: { ...inventedReference(9), ...emergency } });
    expect(await raised('emergency-undelivered')).toMatchObject({ subject: reference.id, urgent: true });
  });

  test('that our policy takes is told when it comes, and once more when nobody acknowledged it in a quarter of an hour', async () => {
    await partner.meet(node);
    const unheard = wireReference({ ...emergency, url: `${emergency.url}/unheard` });
    await pushed({ events: { 'urn:caseref:event:1:submitted': unheard } });
    await findMissed(node.running.exchange);
    const [arrived, ...more] = await openAlerts();
    expect([arrived, more]).toMatchObject([{ code: 'emergency-arrived', urgent: true }, []]);
    if (arrived) await node.ask('alert.close', { id: arrived.id });
    const { db } = node.running.exchange.store;
    const at = new Date(Date.now() - HOUR);
    await db.updateTable('reference').set({ emergency_at: at }).where('originator', '=', partner.issuer).execute();
    for (let times = 0; times < 3; times += 1) await findMissed(node.running.exchange);
    const alert = await raised('emergency-unacknowledged');
    expect(alert.count).toBe(1);
    expect((await feedOf('alert.raised')).at(-1)).toMatchObject({ code: alert.code, detail: { alert: alert.id } });
    await paged(`emergency-unacknowledged ${alert.id}`);
    await node.ask('alert.close', { id: alert.id });
    await findMissed(node.running.exchange);
    expect(await openAlerts()).toEqual([]);
  });
});

test('an older key set is told as a roll-back, and a second one under one number as a fork', async () => {
  await partner.meet(node);
  const send = (keySet: string) =>
    fetch(`${node.issuer}/exchange/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/jwk-set+jwt' },
      body: keySet,
    });
  const newer = { seq: seconds() + 10 };
  expect((await send(partner.keySet(newer))).status).toBe(204);
  await send(partner.keySet({ seq: newer.seq - 5 }));
  await send(partner.keySet({ ...newer, refresh: 7200 }));
  expect((await openAlerts()).map(({ code }) => code).sort()).toEqual(['key-set-fork', 'key-set-rolled-back']);
});

test('the doctor tells of a database server that confirms what a power cut can take back', async () => {
  const { findings } = await node.ask('doctor', {});
  expect(findings).toContainEqual(expect.objectContaining({ level: 'warn', code: 'store-not-durable' }));
  expect(findings.map(({ code }) => code)).not.toContain('store-embedded');
});

describe('the command of the operator', () => {
  test('gets code and id of the alert and nothing of what it is about; what it was not told of is told later', async () => {
    const { db } = node.running.exchange.store;
    await db.updateTable('alert').set({ acknowledged_at: new Date() }).execute();
    await partner.meet(node, receiving('hold'));
    const folder = await mkdtemp(join(tmpdir(), 'caseref-alert-'));
    const program = join(folder, 'tell.sh');
    const told = join(folder, 'told.txt');
    await writeFile(program, `#!/bin/sh\n{ echo "$@"; env; } >> ${told}\necho noise\n`);
    const jti = freshJti();
    await pushed({
      jti,
      events: {
        'urn:caseref:event:1:submitted': wireReference({
          ...emergency,
          handles: [{ system: 'own', id: 'CANARY-4411' }],
        }),
      },
    });
    const [alert] = await openAlerts();
    // Not executable at first: the failure is logged by its code, and the alert is not lost.
    const failing = startTelling(node.running.exchange, [program, 'fixed']);
    await eventually('a logged failure', async () => /"event":"alert.untold","code":"EACCES"/.test(node.logged()));
    await failing.stop();
    await chmod(program, 0o700);
    await db.updateTable('alert').set({ tell_after: new Date() }).execute();
    const telling = startTelling(node.running.exchange, [program, 'fixed']);
    const text = await eventually('a call', async () => {
      const said = await readFile(told, 'utf8').catch(() => '');
      return said.includes(`fixed emergency-held ${alert?.id}\n`) && said;
    });
    await telling.stop();
    expect(text).not.toContain('invented words');
    for (const canary of [CANARY, 'CANARY-4411', 'host.example']) {
      expect(text).not.toContain(canary);
      expect(JSON.stringify([await openAlerts(), await feedOf('alert.raised')])).not.toContain(canary);
      expect(node.logged()).not.toContain(canary);
    }
    await rm(folder, { recursive: true, force: true });
  });
});
