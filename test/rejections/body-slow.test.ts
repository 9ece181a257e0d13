import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Door, everyTable, openDoor } from '../support/door.ts';
import { makeToken } from '../support/tokens.ts';

let door: Door;

beforeAll(async () => {
  door = await openDoor({ requestMs: 300 });
});
afterAll(() => door.close());

test('a token that comes a byte at a time is cut off, and nothing of it is kept', async () => {
  const before = await everyTable(door.exchange);
  const token = makeToken();
  const socket = connect({ port: Number(new URL(door.url).port), host: '127.0.0.1' }).on('error', () => undefined);
  await once(socket, 'connect');
  const head = ['POST /exchange/push HTTP/1.1', 'host: node', 'content-type: application/secevent+jwt'];
  socket.write(`${[...head, `content-length: ${token.length}`].join('\r\n')}\r\n\r\n`);
  let sent = 0;
  const drip = setInterval(() => socket.write(token.charAt(sent++)), 50);
  const answer = await text(socket).catch(() => '');
  clearInterval(drip);
  socket.destroy();
  expect(sent).toBeLessThan(token.length);
  expect(answer === '' || answer.startsWith('HTTP/1.1 408')).toBe(true);
  expect(await everyTable(door.exchange)).toEqual(before);
  expect(door.outbound.begun()).toEqual([]);
});
