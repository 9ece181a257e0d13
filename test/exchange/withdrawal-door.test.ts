import { expect, test } from 'vitest';
import { readWithdrawal } from '../../src/exchange/withdraw.ts';

// A withdrawal passes the same guard and the published schema as everything else that comes in.

const honest = { reason: 'sent-in-error', purge: true };

test('an honest withdrawal is taken as it is', () => {
  const batch = '0190f3a2-7c1e-7b3a-9d54-2f6a8c1e4b70';
  expect(readWithdrawal({ ...honest, batch })).toEqual({ ...honest, batch });
});

test.each([
  ['a member named for a fingerprint', { ...honest, md5: 'x' }, 'fingerprint-refused', '/md5'],
  ['a member named for media', { ...honest, thumbnail: 'x' }, 'media-refused', '/thumbnail'],
  ['an unknown member', { ...honest, comment: 'x' }, 'schema-invalid', '/comment'],
  ['a member whose name is an address', { ...honest, 'https://host.example/a': 'x' }, 'schema-invalid', ''],
  ['a reason that is no code of the list', { ...honest, reason: 'because' }, 'code-unknown', '/reason'],
  ['the reason unknown', { ...honest, reason: 'unknown' }, 'code-unknown', '/reason'],
  ['a missing purge', { reason: 'sent-in-error' }, 'schema-invalid', '/purge'],
  ['a batch that is no UUID', { ...honest, batch: '0'.repeat(36) }, 'schema-invalid', '/batch'],
  ['no object', 'sent-in-error', 'schema-invalid', ''],
])('%s is refused', (_, input, code, pointer) => {
  expect(readWithdrawal(input)).toMatchObject({ refused: true, code, pointer });
});
