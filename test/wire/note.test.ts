import { describe, expect, test } from 'vitest';
import { checkNotes } from '../../src/wire/note.ts';

const code = (text: string) => checkNotes({ reason: text })?.code;

describe('a note of an operator', () => {
  test.each([
    'cooperation agreement 2026-11, section 4/2',
    'Article 37(1)(a) of Directive (EU) 2016/680; § 184b StGB, Abs. 1/2',
    'A. Invented, by telephone, i.e. on the number of 2026-01-02',
    'z.B. St.Gallen, No.4, called by a.smith and/or b.jones',
    'its node was broken into at 12.30, version 1.2.3',
    'annex 2 of agreement.pdf',
    '',
  ])('may say %j', (text) => {
    expect(code(text)).toBeUndefined();
  });

  test.each([
    'it published https://gallery.example/album/77',
    'hxxp://gallery.example',
    'see www.gallery',
    'see WWW.Gallery.Example',
    'see gallery.example/album/77',
    'it is on gallery.example.',
    'it is on gallery.com',
    'it is on Ｇallery.example',
    'invented.onion has it',
    'at 192.0.2.7/x',
    'mail to desk@node.example',
    'see handle ICCAM 4711',
    'cybertipline:123456',
    'SIENA no. 778899',
  ])('must not say %j', (text) => {
    expect(checkNotes({ reason: text }, '/legal')).toMatchObject({
      code: 'usage-invalid',
      pointer: '/legal/reason',
      next: expect.stringContaining('without'),
    });
  });

  test('is looked at by the guard as before', () => {
    expect(code('d41d8cd98f00b204e9800998ecf8427e')).toBe('fingerprint-refused');
  });
});
