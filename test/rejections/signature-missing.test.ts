import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test('a token with an empty, short or long signature is refused', async () => {
  const [header, payload, signature = ''] = makeToken().split('.');
  const bytes = Buffer.from(signature, 'base64url');
  for (const other of [bytes.subarray(0, 0), bytes.subarray(0, 32), Buffer.concat([bytes, bytes])]) {
    const token = `${header}.${payload}.${other.toString('base64url')}`;
    expect(await refusalOf(token)).toEqual(answer('authentication_failed', 'signature-invalid'));
  }
});
