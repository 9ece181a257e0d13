import { describe, expect, test } from 'vitest';
import { hostNoticeOf, type OnTimeout, onTimeoutOf } from '../../../src/domain/authority/notice.ts';
import type { Statement } from '../../../src/domain/authority/statement.ts';
import type { CaseReference, Policy } from '../../../src/domain/contract.types.ts';
import { decideSend } from '../../../src/domain/policy.ts';
import { checkPolicy } from '../../../src/domain/policy-check.ts';
import { redact } from '../../../src/domain/redact.ts';
import { holdUntil, instant, say, start, stateOf, who } from '../../support/case.ts';

const asked = say(0, 'originator', 'clearance', { step: 'requested', deadline: instant(60) });
const answer = (step: 'granted' | 'refused') => say(10, 'police', 'clearance', { step });
const hold = say(10, 'police', 'hold', holdUntil(600));
const advice = say(10, 'policeElsewhere', 'hold', holdUntil(600));

function notice(
  notifyHost: string | undefined,
  log: readonly Statement[],
  onTimeout: OnTimeout = 'escalate',
  now = 30,
) {
  return hostNoticeOf({ tlp: 'AMBER', ...(notifyHost !== undefined && { notifyHost }) }, stateOf(log, now), onTimeout);
}

describe('whether the host may be told', () => {
  test.each([
    ['may', [], 'clear'],
    ['after-clearance', [], 'clearance-missing'],
    [undefined, [], 'clearance-missing'],
    ['must-not', [asked, answer('granted')], 'must-not'],
    ['of-tomorrow', [asked, answer('granted')], 'must-not'],
    ['may', [hold], 'hold'],
    ['may', [advice], 'clear'],
    ['after-clearance', [asked, answer('granted'), hold], 'hold'],
    ['may', [asked], 'clearance-open'],
    ['may', [asked, answer('refused')], 'clearance-refused'],
    ['after-clearance', [asked, answer('granted')], 'clear'],
    [undefined, [asked, answer('granted')], 'clear'],
  ] as const)('marked %s', (notifyHost, log, expected) => {
    expect(notice(notifyHost, log)).toBe(expected);
  });

  test('after a deadline only where the policy says so', () => {
    expect(notice('after-clearance', [asked], 'escalate', 90)).toBe('clearance-timed-out');
    expect(notice('may', [asked], 'wait', 90)).toBe('clearance-timed-out');
    expect(notice('after-clearance', [asked], 'notify', 90)).toBe('clear');
    expect(notice('after-clearance', [asked, hold], 'notify', 90)).toBe('hold');
    expect(notice('after-clearance', [asked, answer('refused')], 'notify', 90)).toBe('clearance-refused');
  });
});

const policy: Policy = {
  partner: who.provider,
  version: 1,
  legal: { basis: 'invented', transfer: 'adequacy' },
  send: {
    rules: [{ id: 'all', when: { category: ['*'] }, then: 'send' }],
    industry: { requested: 'remove', legalBasis: 'notice-and-action' },
  },
  receive: { rules: [] },
};

test('notify needs an agreement that is named', () => {
  const wanting = (onTimeout: OnTimeout): Policy => ({ ...policy, clearance: { onTimeout } });
  const agreed: Policy = { ...wanting('notify'), legal: { basis: 'invented', agreement: 'of 2026', transfer: 'none' } };
  expect([onTimeoutOf(undefined), onTimeoutOf(policy), onTimeoutOf(wanting('wait'))]).toEqual([
    'escalate',
    'escalate',
    'wait',
  ]);
  expect([onTimeoutOf(wanting('notify')), onTimeoutOf(agreed)]).toEqual(['escalate', 'notify']);
  expect(checkPolicy(wanting('notify')).refusals).toMatchObject([
    { code: 'policy-invalid', pointer: '/clearance/onTimeout' },
  ]);
  expect(checkPolicy(agreed).refusals).toEqual([]);
});

describe('an industry partner', () => {
  const reference: CaseReference = {
    revision: 1,
    url: 'https://host.example/path',
    jurisdiction: { hosting: 'NL' },
    category: 'csam',
    marking: { tlp: 'AMBER', notifyHost: 'after-clearance' },
  };
  const partner = { issuer: who.provider, type: 'industry', jurisdictions: ['NL'], state: 'active' } as const;
  const decide = (log: readonly Statement[], marking = reference.marking) => {
    const given = hostNoticeOf(marking, stateOf(log, 30), 'escalate');
    const decision = decideSend({
      ...{ reference: { ...reference, marking }, self: who.originator, home: ['DE'], partner, policy, denies: [] },
      notice: given,
      now: start,
    });
    return { decision, context: { partner, policy, now: start, notice: given } };
  };

  test('gets the reduced form once clearance is given', () => {
    const { decision, context } = decide([asked, answer('granted')]);
    expect(decision.effect).toBe('send');
    expect(redact(reference, decision, context)).toMatchObject({ requested: 'remove', url: reference.url });
  });

  test.each([
    ['a hold', [asked, answer('granted'), hold], 'a hold is in force'],
    ['a clearance that is open', [asked], 'clearance was asked and is not given yet'],
    ['a clearance that was refused', [asked, answer('refused')], 'clearance was refused'],
  ] as const)('gets nothing during %s, whatever the marking says', (_, log, why) => {
    for (const notifyHost of ['may', 'after-clearance']) {
      const { decision, context } = decide(log, { tlp: 'AMBER', notifyHost });
      expect(decision).toMatchObject({ effect: 'hold', rule: 'notify-host', code: 'hold-active' });
      expect(decision.trace.find(({ id }) => id === 'notify-host')?.note).toContain(why);
      expect(() => redact(reference, { ...decision, effect: 'send' }, context)).toThrow('host');
    }
  });

  test('gets nothing at all where the marking forbids it', () => {
    expect(decide([asked, answer('granted')], { tlp: 'AMBER', notifyHost: 'must-not' }).decision.effect).toBe(
      'withhold',
    );
  });
});
