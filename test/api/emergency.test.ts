import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bumpDirectory } from '../../src/store/partners.ts';
import { inTransaction } from '../../src/store/transaction.ts';
import { type TestApi, testApi } from '../support/api.ts';
import { befriend } from '../support/exchange.ts';
import { inventedReference } from '../support/invented.ts';
import { type Json, operational, self, sender } from '../support/tokens.ts';

let api: TestApi;
beforeAll(async () => {
  api = await testApi({}, self);
  await befriend(api.exchange, sender, {}, operational);
});
afterAll(() => api.close());

const submit = (urgency: Json) =>
  api.call('POST', '/v1/references', { body: { ...inventedReference(1), category: 'csam', urgency } });

test('the answer to an emergency says first whom to call, with number and hours, and so does its delivery', async () => {
  const contact = { emergencyPhone: '+49 30 0000001', hours: 'Mo-Fr 08:00-17:00', timezone: 'Europe/Berlin' };
  const { db } = api.exchange.store;
  await sql`update partner set contact = ${JSON.stringify(contact)}::jsonb where issuer = ${sender}`.execute(db);
  await inTransaction(db, bumpDirectory);
  const call = { partner: sender, says: 'Call now: this does not replace the call.', contact };
  const answer = await submit({ level: 'emergency', code: 'live-now' });
  expect(answer.statusCode).toBe(201);
  const { calls, reference } = answer.json<{ calls: Json[]; reference: { id: string } }>();
  expect(calls).toMatchObject([call]);
  const deliveries = await api.call('GET', `/v1/references/${reference.id}/deliveries`);
  expect(deliveries.json()).toMatchObject({ items: [{ call }] });
  const routine = await submit({ level: 'priority', code: 'live-now' });
  expect(routine.json()).not.toHaveProperty('calls');
});
