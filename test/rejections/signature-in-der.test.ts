import { sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { answer, makeToken, recordOf, refusalOf, testKey } from '../support/tokens.ts';

test('an ES256 signature in DER is refused', async () => {
  const key = testKey('ES256');
  const input = makeToken({ key }).split('.').slice(0, 2).join('.');
  const der = sign('sha256', Buffer.from(input), key.privateKey).toString('base64url');
  const keys = [recordOf(key)];
  expect(await refusalOf(`${input}.${der}`, { keys })).toEqual(answer('authentication_failed', 'signature-invalid'));
});
