import { expect, test } from 'vitest';
import { makeJwe } from '../support/encrypted.ts';
import { answer, refusalOf } from '../support/tokens.ts';

test.each([undefined, 'A128GCM', 'A192GCM', 'A128CBC-HS256', 'A256CBC-HS512', 'a256gcm', 7])(
  'an encrypted token with the enc %j is refused',
  async (enc) => {
    expect(await refusalOf(makeJwe({ header: { enc } }))).toEqual(answer('invalid_request', 'enc-invalid'));
  },
);
