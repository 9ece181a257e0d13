import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Door, everyTable, openDoor } from '../support/door.ts';
import { makeToken } from '../support/tokens.ts';

let door: Door;

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

test.each([
  'application/json',
  'application/jwt',
  'application/jwk-set+jwt',
  'application/secevent+jwt; charset=utf-8',
  'application/secevent+jwt, application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
])('a token that comes as %s is refused before it is read', async (type) => {
  const before = await everyTable(door.exchange);
  const answer = await door.push(makeToken(), type);
  expect({ status: answer.status, body: await answer.json() }).toMatchObject({
    status: 415,
    body: { code: 'media-type-unsupported' },
  });
  expect(await everyTable(door.exchange)).toEqual(before);
  expect(door.outbound.begun()).toEqual([]);
});
