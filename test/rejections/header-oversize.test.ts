import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test('a header of more than 1 KiB is refused', async () => {
  const header = JSON.stringify({ ...honestHeader(), kid: 'k'.repeat(1024) });
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-too-large'));
});
