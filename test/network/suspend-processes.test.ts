import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type CliNode, makeNode } from '../support/cli-node.ts';
import { type ForeignPartner, foreignPartner, policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type SecondProcess, secondProcess } from '../support/second-process.ts';

// Two real processes of one node on one PostgreSQL, both sending to a slow partner that one of them is told to suspend.

const TOTAL = 400;
/** Connections that one process has to one partner: more at once come from both. */
const CONNECTIONS = 32;
/** What a process has claimed and found no connection for would be posted this late. */
const SLOW_MS = 6000;

interface SlowReceiver {
  readonly url: string;
  /** When each token came, by its id. */
  readonly arrived: { readonly at: number; readonly jti: string }[];
  most: number;
  delayMs: number;
  readonly server: Server;
}

async function slowReceiver(): Promise<SlowReceiver> {
  let under = 0;
  const server = createServer(async (request, response) => {
    const at = Date.now();
    const compact = await text(request).catch(() => '');
    const [, payload] = compact.split('.');
    if (payload === undefined) return;
    const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string };
    receiver.arrived.push({ at, jti });
    under += 1;
    receiver.most = Math.max(receiver.most, under);
    await pause(receiver.delayMs);
    under -= 1;
    response.writeHead(202).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const receiver: SlowReceiver = { url, arrived: [], most: 0, delayMs: SLOW_MS, server };
  return receiver;
}

let database: Awaited<ReturnType<typeof freshDatabase>>;
let node: CliNode;
let first: ChildProcess;
let second: SecondProcess;
let partner: ForeignPartner;
let slow: SlowReceiver;

beforeAll(async () => {
  database = await freshDatabase(inject('postgresUrl'));
  [partner, slow] = await Promise.all([foreignPartner(), slowReceiver()]);
  node = await makeNode({ name: 'Hotline A', type: 'hotline', jurisdiction: 'DE', database: database.url });
  const file = (name: string) => join(node.directory, name);
  const endpoints = { push: `${slow.url}/exchange/push`, keys: `${partner.issuer}/exchange/keys` };
  await writeFile(file('partner.card'), partner.card({ key_set: partner.keySet({ endpoints }) }));
  await writeFile(file('policy.json'), JSON.stringify(policyFor(partner.issuer)));
  const lines = Array.from({ length: TOTAL }, (_, n) => JSON.stringify(inventedReference(n + 1)));
  await writeFile(file('drop.ndjson'), `${lines.join('\n')}\n`);
  first = await node.serve();
  second = await secondProcess(node);
  await node.json('partner', 'add', file('partner.card'));
  await node.json('partner', 'confirm', partner.issuer, '--fingerprint', partner.identity.kid);
  await node.json('policy', 'set', partner.issuer, file('policy.json'));
}, 60_000);

afterAll(async () => {
  await second.stop();
  first.kill('SIGTERM');
  if (first.exitCode === null) await once(first, 'exit');
  slow.server.closeAllConnections();
  slow.server.close();
  await partner.close();
  await node.remove();
  await database.drop();
});

async function until(what: string, look: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (look()) return;
    await pause(50);
  }
  throw new Error(`it never came to this: ${what}`);
}

const distinct = () => new Set(slow.arrived.map(({ jti }) => jti)).size;

test('nothing is posted by either process more than a second after a suspension, and all of it after its end', async () => {
  const imported = await node.run('reference', 'import', join(node.directory, 'drop.ndjson'));
  expect(imported.code, imported.err).toBe(0);
  await until('both processes post at once', () => slow.most > CONNECTIONS);

  const suspended = await node.run(
    'partner',
    'suspend',
    '--all',
    '--reason',
    'a drop that should not have been',
    '--yes',
  );
  // The command has ended, so the commit was before this instant.
  const committed = Date.now();
  expect(suspended.code, suspended.err).toBe(0);
  expect(suspended.err).toContain(`${partner.issuer} holds `);
  expect(suspended.err).toContain(`caseref reference withdraw --partner ${partner.issuer} --no-longer-allowed`);
  await pause(SLOW_MS + 1000);
  expect(slow.arrived.filter(({ at }) => at > committed + 1000)).toEqual([]);
  const stopped = distinct();
  expect(stopped).toBeLessThan(TOTAL);

  slow.delayMs = 0;
  const resumed = await node.run('partner', 'resume', partner.issuer);
  expect(resumed.code, resumed.err).toBe(0);
  await until('the rest arrives', () => distinct() === TOTAL);
}, 90_000);
