// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { sql } from 'kysely';
import { expect, inject, test } from 'vitest';
import { beginAct } from '../../src/exchange/acts.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { addOperator, approveOperator } from '../../src/exchange/operators.ts';
import { approvePolicy, setPolicy } from '../../src/exchange/policies.ts';
import { supersedePending } from '../../src/store/operators.ts';
import { endPendingPolicies, policyVersions } from '../../src/store/policies.ts';
import { befriend, testExchange } from '../support/exchange.ts';
import { eventually } from '../support/node.ts';
import { actAs, type Person, person, register } from '../support/operators.ts';
import { freshDatabase } from '../support/postgres.ts';

// Two persons at the same time: on a real PostgreSQL, because the embedded store has one connection.

const self = 'http://127.0.0.1:8440';
const partner = 'http://127.0.0.1:9440';
const [ada, ben, eve] = [person('ada'), person('ben'), person('eve')];

const policy = {
  partner,
  legal: { basis: 'Invented act, section 1', transfer: 'none' },
  send: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'hold' }] },
  receive: { rules: [{ id: 'all', when: { category: ['*'] }, then: 'hold' }] },
};

const setBy = (who: Person, exchange: Exchange) =>
  actAs(exchange, who, (signing) => setPolicy(exchange, partner, policy, { signing }));
const approveBy = (who: Person, version: number, exchange: Exchange) =>
  actAs(exchange, who, (signing) => approvePolicy(exchange, partner, version, signing));
const inForce = async (exchange: Exchange) => {
  const { partners } = await exchange.directory.within(exchange.store.db);
  return partners.get(partner)?.policy?.version;
};

test('of two approvals at once one counts; an approval and a newer version leave one in force', async () => {
  const database = await freshDatabase(inject('postgresUrl'));
  const shared = await testExchange({
    issuer: self,
    store: { kind: 'postgres', url: database.url, schema: 'caseref' },
  });
  try {
    await befriend(shared.exchange, partner);
    await register(shared.exchange, ada, ben);
    await actAs(shared.exchange, ada, (by) => addOperator(shared.exchange, { name: 'eve', jwk: eve.key.jwk }, by));
    await actAs(shared.exchange, ben, (by) => approveOperator(shared.exchange, { name: 'eve', kid: eve.key.kid }, by));
    let version = 1;
    for (let round = 0; round < 6; round += 1) {
      await setBy(ada, shared.exchange);
      version += 1;
      const both = await Promise.all([
        approveBy(ben, version, shared.exchange),
        approveBy(eve, version, shared.exchange),
      ]);
      expect(both.filter((one) => 'state' in one)).toHaveLength(1);
      expect(both.filter((one) => 'code' in one)).toMatchObject([{ code: 'state-conflict' }]);
      expect(await inForce(shared.exchange)).toBe(version);
    }
    for (let round = 0; round < 6; round += 1) {
      const before = await inForce(shared.exchange);
      const { version: waits } = (await setBy(ada, shared.exchange)) as { version: number };
      const [approved, newer] = await Promise.all([
        approveBy(ben, waits, shared.exchange),
        setBy(ada, shared.exchange),
      ]);
      expect(newer).toMatchObject({ version: waits + 1, state: 'pending' });
      expect(await inForce(shared.exchange)).toBe('state' in approved ? waits : before);
      const rows = await shared.exchange.store.db.selectFrom('policy').select(['version', 'state']).execute();
      expect(rows.filter(({ state }) => state === 'active')).toHaveLength(1);
      expect(rows.filter(({ state }) => state === 'pending')).toMatchObject([{ version: waits + 1 }]);
    }
    await setBy(ada, shared.exchange);
    const { last } = await shared.exchange.store.db.transaction().execute((trx) => policyVersions(trx, partner));
    const { asked } = await shared.exchange.store.db.transaction().execute(async (trx) => {
      await beginAct(trx);
      const approval = approveBy(ben, last, shared.exchange);
      await eventually('the approval waits', async () => {
        const waiting = await sql`select 1 from pg_locks where not granted`.execute(shared.exchange.store.db);
        return waiting.rows.length > 0;
      });
      const at = new Date(shared.exchange.clock());
      await supersedePending(trx, ['policy'], partner, at);
      await endPendingPolicies(trx, [partner]);
      return { asked: approval };
    });
    expect(await asked).toMatchObject({ code: 'state-conflict' });
  } finally {
    await shared.close();
    await database.drop();
  }
});
