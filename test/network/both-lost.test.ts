import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, type TestNode, testNode } from '../support/node.ts';
import { freshDatabase } from '../support/postgres.ts';

// Two nodes whose stores were both put back, each with a message that it had signed and not sent: neither may wait for the other.

const MINUTE = 60_000;

async function hasSigned(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=caseref' });
  await client.connect();
  try {
    const found = await client.query(
      "select 1 from delivery where state = 'queued' and digest is not null and event = 'submitted'",
    );
    return found.rows.length > 0;
  } finally {
    await client.end();
  }
}

async function share(from: TestNode, n: number): Promise<string> {
  const answer = await from.ask('reference.submit', { reference: { ...inventedReference(n), category: 'csam' } });
  return (answer as { reference: { id: string } }).reference.id;
}

const accepted = (from: TestNode, id: string) =>
  eventually('accepted', async () => {
    const { deliveries } = await from.ask('reference.show', { id });
    return deliveries.find(({ receipt }) => receipt?.outcome === 'accepted');
  });

async function recovery(of: TestNode, partner: TestNode) {
  const compared = await of.ask('reconcile', { issuer: partner.issuer, look: true });
  return compared.recovery;
}

test('both recover, and what had waited arrives', async () => {
  const databases = await Promise.all([1, 2].map(() => freshDatabase(inject('postgresUrl'))));
  const [first, second] = databases.map(({ url }) => url);
  let ahead = 0;
  const clock = () => Date.now() + ahead;
  const a = await testNode({ name: 'A', database: first ?? '', clock });
  const b = await testNode({ name: 'B', database: second ?? '', clock });
  try {
    await befriendNode(a, b);
    await befriendNode(b, a);
    await Promise.all([accepted(a, await share(a, 1)), accepted(b, await share(b, 2))]);
    await b.stop();
    const waited = await share(a, 3);
    await eventually('signed by A', async () => (await hasSigned(first ?? '')) || undefined);
    await a.stop();
    await b.restart();
    const alsoWaited = await share(b, 4);
    await eventually('signed by B', async () => (await hasSigned(second ?? '')) || undefined);
    await a.restart();
    // In one moment, so that neither has sent what waited before.
    await Promise.all([a.ask('reconcile.restored', { all: true }), b.ask('reconcile.restored', { all: true })]);
    await eventually('both recovered', async () => {
      const standing = await Promise.all([recovery(a, b), recovery(b, a)]);
      if (standing.every((one) => one?.sending === 'resumed' && one.references === 'open')) return true;
      // A partner is asked every ten minutes, and tried again after a pause.
      ahead += 2 * MINUTE;
      return undefined;
    });
    await Promise.all([accepted(a, waited), accepted(b, alsoWaited)]);
    expect(await a.ask('delivery.list', { state: 'dead' })).toMatchObject({ items: [] });
  } finally {
    await Promise.all([a.remove(), b.remove()]);
    for (const database of databases) await database.drop();
  }
});
