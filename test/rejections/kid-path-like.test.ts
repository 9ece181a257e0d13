import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each([
  '../../../../dev/null',
  '/proc/self/environ',
  'https://keys.example/key.pem',
  "' or '1'='1",
  '__proto__',
  'constructor',
  '',
  'a\u0000b',
])('the kid %j names no key, whatever a file system, a database or an object would make of it', async (kid) => {
  expect(await refusalOf(makeToken({ header: { ...honestHeader(), kid } }))).toEqual(
    answer('temporarily_unavailable', 'kid-unknown'),
  );
});
