import { expect, test } from 'vitest';
import { keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer } from '../support/tokens.ts';

test('an endpoint without encryption is refused for a node that is not on this machine', async () => {
  const endpoints = { push: 'http://node.hotline-a.example/exchange/push' };
  expect(await keySetRefusal(makeKeySet({ endpoints }))).toEqual(answer('invalid_request', 'endpoint-insecure'));
});
