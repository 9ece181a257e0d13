import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { openNode } from '../../src/node.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, type TestNode, testNode } from '../support/node.ts';
import { freshDatabase } from '../support/postgres.ts';

// A node whose store is put back to an older state beside a partner that has gone on. Between the backup and the restore both
// sides shared, revised and withdrew.

/** How a store is saved and put back while its node does not run. */
interface Backup {
  save(): Promise<void>;
  restore(): Promise<void>;
}

function ofDirectory(node: TestNode): Backup {
  const [live, saved] = [join(node.directory, 'store'), join(node.directory, '..', 'saved')];
  return {
    save: () => cp(live, saved, { recursive: true }),
    async restore() {
      await rm(live, { recursive: true });
      await rename(saved, live);
    },
  };
}

/** Every table of the schema copied into another one, and back: what a dump does, without its program. */
function ofDatabase(url: string): Backup {
  const run = async (work: (client: pg.Client) => Promise<void>) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await work(client).finally(() => client.end());
  };
  const tables = async (client: pg.Client) => {
    const { rows } = await client.query<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'caseref' order by tablename",
    );
    return rows.map(({ name }) => name);
  };
  return {
    save: () =>
      run(async (client) => {
        await client.query('create schema saved');
        for (const name of await tables(client))
          await client.query(`create table saved."${name}" as table caseref."${name}"`);
      }),
    restore: () =>
      run(async (client) => {
        const names = await tables(client);
        await client.query('set session_replication_role = replica');
        await client.query(`truncate ${names.map((name) => `caseref."${name}"`).join(', ')} cascade`);
        for (const name of names) await client.query(`insert into caseref."${name}" select * from saved."${name}"`);
      }),
  };
}

describe.each(['embedded', 'postgres'] as const)(
  'a node on the %s store that was put back to an older state',
  (kind) => {
    let node: TestNode;
    let partner: TestNode;
    let backup: Backup;
    let database: Awaited<ReturnType<typeof freshDatabase>>;
    beforeEach(async () => {
      database = await freshDatabase(inject('postgresUrl'));
      const [own, other] = kind === 'embedded' ? [undefined, database.url] : [database.url, undefined];
      node = await testNode({ name: 'Hotline A', ...(own !== undefined && { database: own }) });
      partner = await testNode({ name: 'Hotline B', ...(other !== undefined && { database: other }) });
      backup = own === undefined ? ofDirectory(node) : ofDatabase(own);
      await befriendNode(node, partner);
      await befriendNode(partner, node);
    });
    afterEach(async () => {
      await node.remove();
      await partner.remove();
      await database.drop();
    });

    const share = async (from: TestNode, n: number) =>
      (await from.ask('reference.submit', { reference: { ...inventedReference(n), category: 'csam' } })).reference.id;

    const answered = (from: TestNode, id: string, event: string, ...outcomes: string[]) =>
      eventually(`${event} of ${id} is ${outcomes.join(' or ')}`, async () =>
        (await from.ask('reference.show', { id })).deliveries.find(
          (one) => one.event === event && outcomes.includes(one.receipt?.outcome ?? ''),
        ),
      );

    async function shared(from: TestNode, n: number): Promise<string> {
      const id = await share(from, n);
      await answered(from, id, 'submitted', 'accepted');
      return id;
    }

    async function withdrawn(from: TestNode, id: string): Promise<void> {
      await from.ask('reference.withdraw', { id, reason: 'sent-in-error', purge: true });
      await answered(from, id, 'withdrawn', 'sealed', 'purged');
    }

    async function visible(at: TestNode, from: TestNode): Promise<string[]> {
      const { items } = await at.ask('reference.list', { limit: 500, partner: from.issuer, direction: 'in' });
      return items.map(({ id }) => id).sort();
    }

    const alerts = async (at: TestNode) => (await at.ask('alert.list', {})).items.map(({ code }) => code).sort();
    const recovered = () =>
      eventually('it has everything back', async () => {
        const { recovery } = await node.ask('reconcile', { issuer: partner.issuer, look: true });
        return recovery?.references === 'open' && recovery.sending === 'resumed' && recovery;
      });

    test('has what was withdrawn meanwhile sealed before anything shows, and nothing conflicts or comes twice', async () => {
      const [kept, gone] = [await shared(partner, 1), await shared(partner, 2)];
      const [ours, takenBack] = [await shared(node, 3), await shared(node, 4)];
      await partner.stop();
      const waiting = await share(node, 5);
      await node.stop();
      await backup.save();

      await Promise.all([node.restart(), partner.restart()]);
      await answered(node, waiting, 'submitted', 'accepted');
      await withdrawn(partner, gone);
      const late = await shared(partner, 6);
      const lateGone = await shared(partner, 7);
      await withdrawn(partner, lateGone);
      const lost = await shared(node, 8);
      await withdrawn(node, takenBack);
      const before = await visible(partner, node);
      expect(before).toEqual([lost, ours, waiting].sort());

      await node.stop();
      await backup.restore();
      // Opened by a command, before anything listens or is sent.
      const opened = await openNode(node.options);
      if (isRefusal(opened)) throw new Error(opened.message);
      const first = await opened.operations['reference.list']({ limit: 500, direction: 'in' });
      expect(first).toMatchObject({ ok: true, value: { items: [] } });
      await opened.close();

      await node.restart();
      expect(await recovered()).toMatchObject({ because: 'store-restored' });
      expect(await visible(node, partner)).toEqual([kept, late].sort());
      for (const id of [gone, lateGone]) {
        const shown = await node.ask('reference.show', { id, originator: partner.issuer });
        expect(['sealed', 'purged']).toContain(shown.state);
      }
      await answered(node, waiting, 'submitted', 'accepted');
      const after = await shared(node, 9);
      expect(await visible(partner, node)).toEqual([...before, after].sort());
      const { items } = await partner.ask('events', { limit: 500 });
      const received = items.filter(({ type }) => type === 'reference.received').map(({ reference }) => reference?.id);
      expect(received.length).toBe(new Set(received).size);
      expect(items.filter(({ type }) => type === 'message.conflict' || type === 'message.refused')).toEqual([]);
      // They met today: the epoch that we began with is no change, and one restore is nothing to call about.
      expect(await alerts(partner)).toEqual([]);

      // What this side withdrew and shared in the lost time is for a person: one is closed, the other one is named.
      expect(await alerts(node)).toEqual(['withdrawn-before-loss']);
      expect(await node.ask('reference.show', { id: takenBack })).toMatchObject({ state: 'sealed' });
      const { unknown, tasks } = await node.ask('reconcile', { issuer: partner.issuer, look: true });
      expect(unknown).toMatchObject({ closed: [takenBack], strange: [{ id: lost, outcome: 'accepted' }] });
      expect(tasks).toHaveLength(2);
      await node.ask('reconcile.lift', { issuer: partner.issuer });
      expect(await node.ask('reference.show', { id: takenBack })).toMatchObject({ state: 'open' });
    }, 60_000);
  },
);
