import { expect, test } from 'vitest';
import { keyEntry, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, operational } from '../support/tokens.ts';

test.each([
  { refresh: 299 },
  { refresh: 86_401 },
  { seq: 'first' },
  { keys: {} },
  { keys: [] },
  { keys: [keyEntry(operational, { note: 'text' })] },
  { exp: undefined },
  { endpoints: { push: 'ftp://node.hotline-a.example/' } },
  { note: 'text' },
])('claims beside the schema are refused: %j', async (changes) => {
  expect(await keySetRefusal(makeKeySet(changes))).toEqual(answer('invalid_request', 'claims-invalid'));
});
