import { createHash } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { checkHandle, isPoliceHandle, leavesToPoliceOnly } from '../../src/domain/handle.ts';
import fc from '../support/property.ts';

const md5 = createHash('md5').update('').digest('hex');

function ofId(id: string) {
  return checkHandle({ system: 'own', id }, '/handles/0');
}

describe('a handle is', () => {
  test.each([
    '1',
    '4711',
    'DE-2026/00123',
    'CT-123456789',
    'a.b_c:d/e#f-g',
    'Az. 4 Js 12/26',
    'Дело 123/26',
    'क्ष-१२३',
    '案件 12',
    '0190f2f0-5f3c-7a10-9c44-1f0a2b3c4d5e',
    '𠮷'.repeat(64),
  ])('%s', (id) => {
    expect(ofId(id)).toBeUndefined();
  });
});

describe('handle-invalid', () => {
  test.each([
    ['empty', ''],
    ['longer than 64 characters', '1'.repeat(30).padEnd(65, '/')],
    ['a leading space', ' 4711'],
    ['a trailing space', '4711 '],
    ['two spaces', '47  11'],
    ['a line feed', '47\n11'],
    ['a trailing line feed', '4711\n'],
    ['a comma', '47,11'],
    ['an e-mail address', 'a@hotline.example'],
    ['a query', 'case?id=1'],
    ['an emoji', '4711 👍'],
    ['brackets', '<4711>'],
  ])('an id that is %s', (_, id) => {
    expect(ofId(id)).toMatchObject({ code: 'handle-invalid', pointer: '/handles/0/id' });
  });

  test.each(['ICCAM', 'interpol', 'national', 'national:', 'national:de', 'national:UK', 'national:ZZ', 'national:XX'])(
    'the system %s',
    (system) => {
      expect(checkHandle({ system, id: '1' }, '/handles/3')).toMatchObject({
        code: 'handle-invalid',
        pointer: '/handles/3/system',
      });
    },
  );

  it('but on the wire a system of a newer list passes, and no country that does not exist', () => {
    expect(checkHandle({ system: 'new-system', id: '1' }, '', 'open')).toBeUndefined();
    expect(checkHandle({ system: 'national:ZZ', id: '1' }, '', 'open')?.code).toBe('handle-invalid');
  });
});

describe('fingerprint-refused', () => {
  it('a UUID without its hyphens, and the next step says so', () => {
    const refusal = ofId('0190f2f05f3c7a109c441f0a2b3c4d5e');
    expect(refusal).toMatchObject({ code: 'fingerprint-refused', pointer: '/handles/0/id' });
    expect(refusal?.next).toContain('hyphens');
  });

  test.each([md5, md5.toUpperCase(), `sha1:${md5}`, md5.match(/../g)?.join(':') ?? '', '1B2M2Y8AsgTpgAmY7PhCfg'])(
    '%s',
    (id) => {
      expect(ofId(id)?.code).toBe('fingerprint-refused');
    },
  );

  it('every digest in hexadecimal, wherever it is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 20 }), fc.integer({ min: 1, max: 31 }), (source, cut) => {
        const hex = createHash('sha1').update(source).digest('hex');
        expect(ofId(hex)?.code).toBe('fingerprint-refused');
        expect(ofId(`${hex.slice(0, cut)}/${hex.slice(cut)}`)?.code).toBe('fingerprint-refused');
      }),
    );
  });
});

describe('systems of police', () => {
  it.each(['icse', 'siena', 'i247', 'national:DE', 'national:US-CA'])('%s', (system) => {
    expect(checkHandle({ system, id: '1' }, '')).toBeUndefined();
    expect(isPoliceHandle(system)).toBe(true);
    expect(leavesToPoliceOnly(system)).toBe(true);
  });

  it.each(['iccam', 'scart', 'cybertipline', 'iwf', 'own'])('are not %s', (system) => {
    expect(isPoliceHandle(system)).toBe(false);
    expect(leavesToPoliceOnly(system)).toBe(false);
  });

  it('may be among those that this node does not know', () => {
    expect(isPoliceHandle('new-system')).toBe(false);
    expect(leavesToPoliceOnly('new-system')).toBe(true);
  });
});
