import { describe, expect, test } from 'vitest';
import { examineSuspect } from '../../../src/exchange/doctor/suspect.ts';
import { examineTold, type ToldStanding } from '../../../src/exchange/doctor/told.ts';

const at = (iso: string) => new Date(iso);
const partner: ToldStanding = {
  issuer: 'https://node-1.example',
  state: 'active',
  confirmed_at: at('2026-10-01T00:00:00Z'),
  told_seq: 90,
  told_code: null,
  told_at: at('2026-11-20T00:00:00Z'),
};
const first = { seq: 0, at: null };
const replaced = { seq: 100, at: at('2026-11-22T00:00:00Z') };
const refused = { told_code: 'invalid_key', told_at: at('2026-11-22T00:00:01Z') };

describe('what a partner answered to our key sets', () => {
  test.each<[string, Partial<ToldStanding>, typeof first | typeof replaced, string[]]>([
    ['it took the last one', {}, first, []],
    ['it was never told', { told_seq: null, told_at: null }, first, []],
    ['it refused the last one', refused, first, ['bad key-set-refused']],
    ['it took none of the new identity', {}, replaced, ['bad identity-unconfirmed']],
    ['it refused the new identity', refused, replaced, ['bad identity-unconfirmed']],
    ['it took the new identity', { told_seq: 100 }, replaced, []],
    ['it was introduced since', { confirmed_at: at('2026-11-22T01:00:00Z') }, replaced, []],
    ['it is not confirmed', { ...refused, state: 'pending' }, replaced, []],
  ])('%s', (_name, change, identity, codes) => {
    const findings = examineTold({ ...partner, ...change }, identity);
    expect(findings.map(({ level, code }) => `${level} ${code}`)).toEqual(codes);
    for (const { message, next } of findings)
      expect([message, next]).toEqual([expect.stringContaining(partner.issuer), expect.stringContaining('Call it')]);
  });
});

test('what is left in doubt is told with its number and its begin', () => {
  expect(examineSuspect(partner.issuer, undefined)).toEqual([]);
  const [finding] = examineSuspect(partner.issuer, { count: 3, since: at('2026-11-20T10:00:00Z') });
  expect(finding).toMatchObject({ level: 'warn', code: 'messages-suspect' });
  expect(finding?.message).toMatch(/^3 messages .* 2026-11-20T10:00:00Z/);
});
