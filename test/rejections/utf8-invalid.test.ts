import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])(
  'bytes that are not UTF-8 are refused: %i',
  async (...bytes) => {
    const [before = '', after = ''] = JSON.stringify(honestClaims()).split('/path');
    const payload = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
    expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'not-utf8'));
  },
);
