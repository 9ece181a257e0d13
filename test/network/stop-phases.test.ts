import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { servedBy, type Twin } from '../support/doubled-node.ts';
import { type FrozenLine, frozenLine } from '../support/frozen-line.ts';
import { type TestNode, testNode } from '../support/node.ts';
import { type FreshDatabase, freshDatabase } from '../support/postgres.ts';

// A node that is told to stop before it has quite begun, by a store that does not answer.

/** What a node that is told to stop takes at most, and what a loaded machine may add to it. */
const LATEST_MS = 20_000;
const SLACK_MS = 10_000;

interface Place {
  readonly node: TestNode;
  readonly database: FreshDatabase;
  readonly line: FrozenLine;
  readonly served: Twin;
}

const places: Place[] = [];

beforeAll(async () => {
  for (let count = 0; count < 2; count += 1) {
    const database = await freshDatabase(inject('postgresUrl'));
    const line = await frozenLine(database.url);
    const node = await testNode({ database: database.url });
    await node.stop();
    places.push({ node, database, line, served: await servedBy(node.directory, line.url) });
  }
}, 60_000);
afterAll(async () => {
  for (const { node, database, line, served } of places) {
    await served.kill();
    line.close();
    await node.remove();
    await database.drop();
  }
});

/** Its exit code, unless it goes on. */
function toldToStop({ served }: Place): Promise<number | null | 'never'> {
  served.signal('SIGTERM');
  return Promise.race([served.ended(), pause(LATEST_MS + SLACK_MS, 'never' as const)]);
}

test.concurrent('SIGTERM during the start, while somebody else keeps the tables locked', async () => {
  const [place] = places as [Place, Place];
  const other = new Client({ connectionString: place.database.url });
  await other.connect();
  await other.query('begin; lock table caseref.kysely_migration in access exclusive mode');
  const started = place.served.start().catch(() => undefined);
  const waiting = `select 1 from pg_locks where not granted and relation = 'caseref.kysely_migration'::regclass`;
  while ((await other.query(waiting)).rowCount === 0) await pause(50);
  const code = await toldToStop(place);
  await other.end();
  expect(code).toBe(0);
  await started;
}, 60_000);

test.concurrent('SIGTERM as soon as it answers, and the store has just gone silent', async () => {
  const [, place] = places as [Place, Place];
  await place.served.start();
  place.line.freeze();
  expect(await toldToStop(place)).toBe(0);
}, 60_000);
