import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Door, everyTable, openDoor } from '../support/door.ts';
import { makeToken } from '../support/tokens.ts';

let door: Door;

beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

test.each([64 * 1024 + 1, 5_000_000])('a body of %i bytes is refused, whatever it begins with', async (bytes) => {
  const before = await everyTable(door.exchange);
  const answer = await door.push(makeToken().padEnd(bytes, 'A')).catch(() => undefined);
  // A large one may be cut off while it is still being sent.
  if (answer) expect(answer.status).toBe(413);
  expect(await everyTable(door.exchange)).toEqual(before);
  expect(door.outbound.begun()).toEqual([]);
});

test('a length that is only claimed is refused before a byte of the body came', async () => {
  const socket = connect({ port: Number(new URL(door.url).port), host: '127.0.0.1' });
  await once(socket, 'connect');
  const head = ['POST /exchange/push HTTP/1.1', 'host: node', 'content-type: application/secevent+jwt'];
  socket.write(`${[...head, 'content-length: 1000000000'].join('\r\n')}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(first.toString()).toMatch(/^HTTP\/1\.1 413 /);
});
