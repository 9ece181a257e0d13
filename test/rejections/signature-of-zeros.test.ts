import { expect, test } from 'vitest';
import { answer, encode, makeToken, recordOf, refusalOf, testKey } from '../support/tokens.ts';

const key = testKey('ES256');
const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const zero = Buffer.alloc(32);
const one = Buffer.from([...Buffer.alloc(31), 1]);

test.each([
  ['zeros', Buffer.concat([zero, zero])],
  ['a zero and a one', Buffer.concat([zero, one])],
  ['the order of the curve twice', Buffer.concat([order, order])],
  ['a one and the order of the curve', Buffer.concat([one, order])],
])('an ES256 signature of %s, which a careless verifier takes for any message, is refused', async (_name, bytes) => {
  const input = makeToken({ key }).split('.').slice(0, 2).join('.');
  expect(await refusalOf(`${input}.${encode(bytes)}`, { keys: [recordOf(key)] })).toEqual(
    answer('authentication_failed', 'signature-invalid'),
  );
});
