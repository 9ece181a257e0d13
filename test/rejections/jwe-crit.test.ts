import { expect, test } from 'vitest';
import { makeJwe, readable } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test('an encrypted token with an extension that must be understood is refused', async () => {
  const jwe = makeJwe({ header: { crit: ['exp'] } });
  expect(await refusalOf(jwe)).toEqual(answer('invalid_request', 'header-member-not-allowed'));
  expect(await refusalOf(jwe, readable)).toEqual(answer('invalid_request', 'header-member-not-allowed'));
});
