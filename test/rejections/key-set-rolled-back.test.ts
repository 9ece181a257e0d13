import { expect, test } from 'vitest';
import { keySetRefusal, makeKeySet, takenKeySet } from '../support/introductions.ts';
import { answer, now } from '../support/tokens.ts';

test('a key set older than the last one taken is refused', async () => {
  const { digest } = await takenKeySet(makeKeySet());
  const older = makeKeySet({ seq: now - 1 });
  expect(await keySetRefusal(older, { floor: { seq: now, digest } })).toEqual(
    answer('invalid_request', 'seq-below-floor'),
  );
});
