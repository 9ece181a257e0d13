import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['9007199254740992', '-9007199254740992', '18446744073709551616'])(
  'the number %s is refused',
  async (number) => {
    const payload = JSON.stringify(honestClaims()).replace('"n":1', `"n":${number}`);
    expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'number-unsafe'));
  },
);
