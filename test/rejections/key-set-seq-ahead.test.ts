import { expect, test } from 'vitest';
import { keySetRefusal, makeKeySet, takenKeySet } from '../support/introductions.ts';
import { answer, now } from '../support/tokens.ts';

const refused = answer('invalid_request', 'seq-ahead');

test('a key set whose number runs more than a day ahead of its time is refused: it would be the floor for ever', async () => {
  for (const seq of [now + 86_401, 253_402_300_799]) expect(await keySetRefusal(makeKeySet({ seq }))).toEqual(refused);
  expect((await takenKeySet(makeKeySet({ seq: now + 86_400 }))).claims.seq).toBe(now + 86_400);
});

test('an old one with a number of today is refused as well', async () => {
  const iat = now - 2 * 86_400;
  expect(await keySetRefusal(makeKeySet({ seq: now, iat }))).toEqual(refused);
});
