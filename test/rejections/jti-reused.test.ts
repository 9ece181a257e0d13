import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Door, openDoor } from '../support/door.ts';
import { wireReference } from '../support/foreign-partner.ts';
import { honestClaims, makeToken } from '../support/tokens.ts';

let door: Door;

beforeAll(async () => {
  door = await openDoor();
  await door.pin({ foreign: true });
});
afterAll(() => door.close());

const token = (path: string) => {
  const events = { 'urn:caseref:event:1:submitted': wireReference({ url: `https://host.example/${path}` }) };
  return makeToken({ payload: honestClaims({ events }) });
};

test('another payload under a jti that was taken is refused, and both digests are kept', async () => {
  expect((await door.push(token('first'))).status).toBe(202);
  const { db } = door.exchange.store;
  const before = await db.selectFrom('message').selectAll().execute();
  const answer = await door.push(token('second'));
  expect({ status: answer.status, body: await answer.json() }).toMatchObject({
    status: 400,
    body: { err: 'invalid_request' },
  });
  expect(await db.selectFrom('message').selectAll().execute()).toEqual(before);
  expect(await db.selectFrom('reference').select('revision').execute()).toEqual([{ revision: 1 }]);
  expect(await db.selectFrom('delivery').select('event').execute()).toEqual([{ event: 'receipt' }]);
  const [conflict] = await db.selectFrom('event').select('body').where('type', '=', 'message.conflict').execute();
  expect(conflict?.body).toMatchObject({ digests: [before[0]?.digest, expect.stringMatching(/^S256:/)] });
  expect(door.outbound.begun()).toEqual([]);
});
