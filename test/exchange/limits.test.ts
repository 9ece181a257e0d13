// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { listAlerts } from '../../src/exchange/alerts.ts';
import { browseDeliveries, browseReferences, showReference } from '../../src/exchange/browse.ts';
import { setPolicy } from '../../src/exchange/policies.ts';
import { createReceive } from '../../src/exchange/receive.ts';
import { messagePlace, openText, ownerOf } from '../../src/exchange/record.ts';
import { decideAgain } from '../../src/exchange/redecide.ts';
import { createRevise } from '../../src/exchange/revise.ts';
import { claimWithinLimits } from '../../src/exchange/send-limits.ts';
import { createShare } from '../../src/exchange/share.ts';
import type { Shared } from '../../src/exchange/sharing.ts';
import { withdraw } from '../../src/exchange/withdraw.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { befriend, type TestExchange, testExchange } from '../support/exchange.ts';
import { freshJti, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { freshDatabase } from '../support/postgres.ts';
import {
  epoch,
  honestClaims,
  type Json,
  makeToken,
  self,
  now as start,
  type TestKey,
  testKey,
} from '../support/tokens.ts';

// The limits of a policy, each partner's by itself, as counters in the store: nothing of them is in the process.

const MINUTE = 60_000;
const DAY = 86_400_000;
const emergency = { urgency: { level: 'emergency', code: 'live-now' } };

describe.each(['postgres', 'embedded'] as const)('on the store %s', (kind) => {
  let node: TestExchange;
  let database: Awaited<ReturnType<typeof freshDatabase>> | undefined;
  let partner: string;
  let key: TestKey;
  let time = start * 1000;
  let made = 0;

  beforeAll(async () => {
    database = kind === 'postgres' ? await freshDatabase(inject('postgresUrl')) : undefined;
    const store = database && ({ kind: 'postgres', url: database.url, schema: 'caseref' } as const);
    node = await testExchange({ issuer: self, clock: () => time, ...(store && { store }) });
  });
  afterAll(async () => {
    await node.close();
    await database?.drop();
  });
  beforeEach(() => {
    made += 1;
    partner = `https://node.p${made}.example`;
    key = testKey();
    // A second into a day, so that no test runs into the next one by itself.
    time = Math.ceil((start * 1000) / DAY) * DAY + 1000;
  });

  const rules = (...then: string[]) => [{ id: 'all', when: { category: ['csam'] }, then: then[0] }];
  const sending = (limits: Json) => ({ send: { rules: rules('send'), ...limits } });
  const taking = (limits: Json) => ({
    send: { rules: rules('withhold') },
    receive: { rules: rules('accept'), ...limits },
  });
  const meet = (policy: Json) => befriend(node.exchange, partner, policy, key);

  async function share(count: number, changes: Json = {}): Promise<string[]> {
    const put = createShare(node.exchange);
    const ids: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const answer = await put({ ...inventedReference(6 * n), category: 'csam', ...changes });
      if (Array.isArray(answer)) throw new Error(JSON.stringify(answer));
      ids.push((answer as Shared).id);
    }
    return ids;
  }

  /** As the delivery worker does it: what is to be decided again is claimed anew after that. */
  async function claim(limit = 100) {
    const { exchange } = node;
    const lease = crypto.randomUUID();
    const claimed = await inTransaction(exchange.store.db, async (trx) => {
      const { version, partners } = await exchange.directory.within(trx);
      return claimWithinLimits(trx, partners.get(partner)?.policy?.send, {
        partner,
        suspended: false,
        basis: version,
        limit,
        now: new Date(time),
        lease,
        leaseUntil: new Date(time + 1),
      });
    });
    const undecided = claimed.filter(({ decided }) => !decided);
    await decideAgain(exchange, partner, undecided, lease);
    return claimed;
  }

  async function waiting() {
    const answer = await browseDeliveries(node.exchange, { partner, state: 'queued' }, { limit: 100 });
    if (!('items' in answer)) throw new Error(answer.code);
    return answer.items.filter(({ seq }) => seq === undefined);
  }

  let numbered = 0;
  function token(payload: Json = wireReference(), event = 'submitted', changes: Json = {}): Buffer {
    const sub_id = { format: 'iss_sub', iss: partner, sub: crypto.randomUUID() };
    const events = { [`urn:caseref:event:1:${event}`]: payload };
    const iat = Math.floor(time / 1000);
    numbered += 1;
    const seq = { 'urn:caseref:seq': { epoch, n: numbered } };
    const claims = { iss: partner, iat, jti: freshJti(), sub_id, events, ...seq, ...changes };
    return Buffer.from(makeToken({ key, payload: honestClaims(claims) }));
  }
  const named = (id: string, revision: number, changes: Json) =>
    token({ ...wireReference({ revision }), ...changes }, 'submitted', {
      sub_id: { format: 'iss_sub', iss: partner, sub: id },
    });
  const take = (bytes: Buffer) => createReceive(node.exchange)(bytes);
  const kept = () => node.exchange.store.db.selectFrom('message').selectAll().where('issuer', '=', partner).execute();
  const look = async (id: string) => showReference(node.exchange, partner, id, 'masked');

  describe('what is sent', () => {
    test('over perMinute waits in the outbox, says so, is not dead, and goes in the next minute', async () => {
      await meet(sending({ perMinute: 2 }));
      await share(5);
      expect(await claim()).toHaveLength(2);
      time += 10;
      expect((await claim()).filter(({ attempts }) => attempts === 1)).toEqual([]);
      const left = await waiting();
      expect(left).toHaveLength(3);
      const nextMinute = new Date(Math.ceil(time / MINUTE) * MINUTE).toISOString().replace('.000Z', 'Z');
      for (const one of left) {
        expect(one).toMatchObject({ state: 'queued', attempts: 0, lastCode: 'send-limit', nextAttemptAt: nextMinute });
      }
      time += MINUTE;
      expect((await claim()).filter(({ attempts }) => attempts === 1)).toHaveLength(2);
      time += MINUTE;
      expect((await claim()).filter(({ attempts }) => attempts === 1)).toHaveLength(1);
      expect(await waiting()).toEqual([]);
    });

    test('over perDay waits for the next day, minute after minute', async () => {
      await meet(sending({ perDay: 1 }));
      await share(2);
      expect(await claim()).toHaveLength(1);
      time += 10 * MINUTE;
      expect((await claim()).filter(({ attempts }) => attempts === 1)).toEqual([]);
      const [left] = await waiting();
      expect(left?.nextAttemptAt).toBe(`${new Date(time + DAY).toISOString().slice(0, 10)}T00:00:00Z`);
      time += DAY;
      expect((await claim()).filter(({ attempts }) => attempts === 1)).toHaveLength(1);
    });

    test('as an emergency goes first and is not held back, and counts', async () => {
      await meet(sending({ perDay: 2 }));
      await share(3);
      const [urgent] = await share(1, emergency);
      const [first, second] = await claim(2);
      expect(first).toMatchObject({ reference_id: urgent, n: 1 });
      expect(second).toMatchObject({ n: 2 });
      const more = await share(2, emergency);
      const next = (await claim()).filter(({ attempts }) => attempts === 1);
      expect(next.map(({ reference_id: id }) => id).sort()).toEqual([...more].sort());
      expect(await waiting()).toHaveLength(2);
    });

    test('as a withdrawal, a receipt or a voided number is never held back', async () => {
      await meet(sending({ perDay: 1 }));
      const [sent, other] = await share(2);
      await claim();
      await withdraw(node.exchange, sent ?? '', { reason: 'sent-in-error', purge: true });
      await take(token());
      const claimed = (await claim()).filter(({ attempts }) => attempts === 1);
      expect(claimed.map(({ event }) => event).sort()).toEqual(['receipt', 'voided', 'withdrawn']);
      expect((await waiting()).map(({ reference }) => reference?.id)).toEqual([other]);
    });

    test('a second time is not counted a second time', async () => {
      await meet(sending({ perDay: 2 }));
      await share(1);
      for (let attempts = 1; attempts <= 4; attempts += 1) {
        expect(await claim()).toMatchObject([{ attempts }]);
        time += 1000;
      }
      await share(2);
      expect((await claim()).filter(({ attempts }) => attempts === 1)).toHaveLength(1);
    });

    test('goes at once when the limit is raised', async () => {
      await meet(sending({ perDay: 1 }));
      await share(3);
      expect(await claim()).toHaveLength(1);
      await setPolicy(node.exchange, partner, {
        partner,
        legal: { basis: 'Invented act, section 1', transfer: 'none' },
        ...sending({ perDay: 2 }),
        receive: { rules: rules('accept') },
      });
      // Decided under another directory: it is decided again first, and takes no room by that.
      expect((await claim()).filter(({ decided }) => !decided)).toHaveLength(1);
      time += 10;
      expect((await claim()).filter(({ attempts }) => attempts === 1)).toHaveLength(1);
      expect(await waiting()).toHaveLength(1);
    });

    test('by processes at the same time stays within one limit', async () => {
      await meet(sending({ perDay: 5 }));
      await share(12);
      const claims = await Promise.all(Array.from({ length: 6 }, () => claim(3)));
      expect(new Set(claims.flat().map(({ id }) => id)).size).toBe(5);
      expect(await waiting()).toHaveLength(7);
    });

    test('without a limit is not counted', async () => {
      await meet(sending({}));
      await share(3);
      expect(await claim()).toHaveLength(3);
      const rows = await node.exchange.store.db
        .selectFrom('traffic')
        .select('n')
        .where('partner', '=', partner)
        .execute();
      expect(rows).toEqual([]);
    });

    test('and revised while it waits goes once, in its newest revision', async () => {
      await meet(sending({ perDay: 1 }));
      const [, late] = await share(2);
      await claim();
      const revise = createRevise(node.exchange);
      await revise(late ?? '', 1, { ...inventedReference(6), category: 'csam', features: ['self-generated'] });
      time += DAY;
      const claimed = (await claim()).filter(({ reference_id: id }) => id === late);
      expect(claimed).toMatchObject([{ revision: 2, attempts: 1 }]);
    });
  });

  describe('what is received', () => {
    test('over perDay is answered 429 until the next day, and nothing of it is kept', async () => {
      await meet(taking({ perDay: 2 }));
      for (let n = 0; n < 2; n += 1) expect(await take(token())).toEqual({ status: 'taken' });
      const over = token();
      const answer = await take(over);
      expect(answer).toEqual({ status: 'limited', retryAfter: (DAY - 1000) / 1000 });
      expect(await kept()).toHaveLength(2);
      const alerts = (await listAlerts(node.exchange)).filter((alert) => alert.partner === partner);
      expect(alerts).toMatchObject([{ code: 'quota-exceeded', count: 1 }]);
      time += DAY;
      expect(await take(over)).toEqual({ status: 'taken' });
    });

    test('and refused counts as well', async () => {
      await meet(taking({ perDay: 1 }));
      expect(await take(token({ ...wireReference(), odd: 1 }))).toEqual({ status: 'taken' });
      expect(await take(token())).toMatchObject({ status: 'limited' });
    });

    test('a second time is answered as the first time, over the quota too', async () => {
      await meet(taking({ perDay: 1 }));
      const one = token();
      for (let n = 0; n < 3; n += 1) expect(await take(one)).toEqual({ status: 'taken' });
      const two = token();
      const receive = createReceive(node.exchange);
      const answers = await Promise.all([receive(two), receive(two), receive(one)]);
      expect(answers.map(({ status }) => status)).toEqual(['limited', 'limited', 'taken']);
    });

    test('at the same time stays within one quota', async () => {
      await meet(taking({ perDay: 4 }));
      const answers = await Promise.all(Array.from({ length: 12 }, () => take(token())));
      expect(answers.filter(({ status }) => status === 'taken')).toHaveLength(4);
      expect(await kept()).toHaveLength(4);
    });

    test('as a withdrawal or voided number is taken over perDay', async () => {
      await meet(taking({ perDay: 1 }));
      const id = crypto.randomUUID();
      await take(named(id, 1, {}));
      const sub_id = { format: 'iss_sub', iss: partner, sub: id };
      expect(await take(token({ reason: 'sent-in-error', purge: true }, 'withdrawn', { sub_id }))).toEqual({
        status: 'taken',
      });
      expect(await look(id)).toMatchObject({ state: 'sealed' });
      const jti = freshJti();
      const payload = { epoch: crypto.randomUUID(), ranges: [[1, 1]], reason: 'expired' };
      const voided = token(payload, 'voided', { jti, sub_id: { format: 'opaque', id: jti } });
      expect(await take(voided)).toEqual({ status: 'taken' });
    });

    test('as an emergency is taken over perDay', async () => {
      await meet(taking({ perDay: 1, emergenciesPerDay: 1 }));
      await take(token());
      expect(await take(token(wireReference(emergency)))).toEqual({ status: 'taken' });
      expect(await take(token(wireReference(emergency)))).toMatchObject({ status: 'limited' });
    });
  });

  describe('an emergency', () => {
    test('over the quota is taken and shown as priority with the reason, and its bytes stay as they came', async () => {
      await meet(taking({ emergenciesPerDay: 1 }));
      const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
      await take(named(first, 1, emergency));
      const bytes = named(second, 1, emergency);
      expect(await take(bytes)).toEqual({ status: 'taken' });
      const shown = await look(first);
      expect(shown).toMatchObject({ state: 'open', urgency: { level: 'emergency' } });
      expect(shown).not.toHaveProperty('lowered');
      expect(await look(second)).toMatchObject({
        state: 'open',
        urgency: { level: 'priority', code: 'live-now' },
        lowered: { stated: 'emergency', code: 'emergencies-exceeded' },
      });
      const row = (await kept()).find(({ reference_id: id }) => id === second);
      const { wrapped } = await node.exchange.store.db
        .selectFrom('reference_key')
        .select('wrapped')
        .where('id', '=', second)
        .executeTakeFirstOrThrow();
      const data = node.exchange.vault.unwrap(wrapped, ownerOf({ originator: partner, id: second }));
      const place = messagePlace(partner, row?.jti ?? '');
      expect(openText(node.exchange.vault, data, place, row?.body as Buffer)).toBe(bytes.toString());
      expect(row?.outcome).toBe('accepted');
    });

    test('over the quota is listed among priority, and raises an alert of its own', async () => {
      await meet(taking({ emergenciesPerDay: 0 }));
      const id = crypto.randomUUID();
      await take(named(id, 1, emergency));
      const found = async (urgency: string) => {
        const page = await browseReferences(node.exchange, { partner, urgency }, { limit: 10 }, 'masked');
        return 'items' in page ? page.items.map((one) => one.id) : page;
      };
      expect([await found('priority'), await found('emergency')]).toEqual([[id], []]);
      const alerts = (await listAlerts(node.exchange)).filter((alert) => alert.partner === partner);
      expect(alerts).toMatchObject([{ code: 'emergencies-exceeded', urgent: true, subject: id }]);
    });

    test('is the eleventh of a day by a partner whose policy is silent', async () => {
      await meet(taking({}));
      const ids = Array.from({ length: 11 }, () => crypto.randomUUID());
      for (const id of ids) await take(named(id, 1, emergency));
      const shown = await Promise.all(ids.map(look));
      const levels = shown.map((one) => ('urgency' in one ? one.urgency?.level : undefined));
      expect(levels).toEqual([...Array.from({ length: 10 }, () => 'emergency'), 'priority']);
    });

    test('takes no second place when it is revised, and gets one on another day', async () => {
      await meet(taking({ emergenciesPerDay: 1 }));
      const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
      await take(named(first, 1, emergency));
      await take(named(second, 1, emergency));
      for (const revision of [2, 3]) await take(named(first, revision, emergency));
      await take(named(second, 2, emergency));
      expect(await look(first)).toMatchObject({ revision: 3, urgency: { level: 'emergency' } });
      expect(await look(second)).toMatchObject({ revision: 2, urgency: { level: 'priority' } });
      time += DAY;
      await take(named(second, 3, emergency));
      const later = await look(second);
      expect(later).toMatchObject({ revision: 3, urgency: { level: 'emergency' } });
      expect(later).not.toHaveProperty('lowered');
    });

    test('that policy refuses takes no place', async () => {
      const refusing = {
        receive: {
          rules: [{ id: 'no', when: { category: ['grooming'] }, then: 'refuse' }, ...rules('accept')],
          emergenciesPerDay: 1,
        },
      };
      await meet(refusing);
      await take(token(wireReference({ category: 'grooming', ...emergency })));
      const id = crypto.randomUUID();
      await take(named(id, 1, emergency));
      expect(await look(id)).toMatchObject({ urgency: { level: 'emergency' } });
    });

    test('that another partner raised takes no place of this one', async () => {
      await meet(taking({ emergenciesPerDay: 1 }));
      await take(token(wireReference(emergency)));
      partner = `https://other.p${made}.example`;
      await meet(taking({ emergenciesPerDay: 1 }));
      const id = crypto.randomUUID();
      await take(named(id, 1, emergency));
      expect(await look(id)).toMatchObject({ urgency: { level: 'emergency' } });
    });
  });
});
