import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test('a header of more than 1 KiB is refused before it is parsed', async () => {
  const jwe = makeJwe({ header: { kid: 'a'.repeat(1024) } });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_request', 'header-too-large'));
});
