import { expect, test } from 'vitest';
import { type EncryptionTerms, mustEncrypt, willEncrypt } from '../../src/domain/encryption.ts';
import fc from '../support/property.ts';

const far: EncryptionTerms = { bothLoopback: false, foreign: false, policy: undefined, keySet: undefined };

test.each<[string, Partial<EncryptionTerms>, boolean]>([
  ['two nodes on two machines', {}, true],
  ['two nodes on two machines, whatever policy says', { policy: 'none' }, true],
  ['two nodes on two machines, whatever the key set says', { keySet: 'none' }, true],
  ['two nodes on one machine', { bothLoopback: true }, false],
  ['two nodes on one machine where our policy asks for it', { bothLoopback: true, policy: 'required' }, true],
  [
    'two nodes on one machine where the partner asks for it',
    { bothLoopback: true, policy: 'none', keySet: 'required' },
    true,
  ],
  ['a foreign client by the operator’s word', { foreign: true }, false],
  ['a foreign client whose key set asks for it', { foreign: true, keySet: 'required' }, true],
  ['a foreign client where our policy asks for it', { foreign: true, policy: 'required' }, true],
])('plain messages between %s are refused: %s', (_, terms, must) => {
  expect(mustEncrypt({ ...far, ...terms })).toBe(must);
});

test('what may be plain is encrypted all the same where the partner can read it', () => {
  const near = { ...far, bothLoopback: true };
  expect(willEncrypt(near, true)).toBe(true);
  expect(willEncrypt(near, false)).toBe(false);
  expect(willEncrypt({ ...near, policy: 'none' }, true)).toBe(false);
});

test('what must be encrypted is so without a key too: it waits instead of leaving plain', () => {
  expect(willEncrypt(far, false)).toBe(true);
  expect(willEncrypt({ ...far, policy: 'none' }, false)).toBe(true);
});

const word = fc.constantFrom('required' as const, 'none' as const, undefined);
const anyTerms = fc.record({ bothLoopback: fc.boolean(), foreign: fc.boolean(), policy: word, keySet: word });

test('the stricter side wins: no other word makes plain what one side wants encrypted', () => {
  fc.assert(
    fc.property(anyTerms, fc.boolean(), (terms, hasKey) => {
      expect(mustEncrypt({ ...terms, policy: 'required' })).toBe(true);
      expect(mustEncrypt({ ...terms, keySet: 'required' })).toBe(true);
      if (mustEncrypt(terms)) expect(willEncrypt(terms, hasKey)).toBe(true);
    }),
  );
});
