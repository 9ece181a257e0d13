import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each(['apu', 'apv', 'skid', 'iss', 'aud'])(
  'an encrypted token with %s in its header is refused',
  async (member) => {
    const jwe = makeJwe({ header: { [member]: 'QWxpY2U' } });
    expect(await refusalOf(jwe)).toEqual(answer('invalid_request', 'header-member-not-allowed'));
  },
);
