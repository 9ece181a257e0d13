import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet, takenKeySet } from '../support/introductions.ts';
import { answer, now, testKey } from '../support/tokens.ts';

test('two key sets under one seq are an alarm of their own', async () => {
  const { digest } = await takenKeySet(makeKeySet());
  const fork = makeKeySet({ keys: [keyEntry(testKey())] });
  expect(await keySetRefusal(fork, { floor: { seq: now, digest } })).toEqual(answer('invalid_request', 'key-set-fork'));
});
