import { describe, expect, it } from 'vitest';
import type { CaseReference, Policy } from '../../src/domain/contract.types.ts';
import type { SendInput } from '../../src/domain/decision.ts';
import { decideReceive, decideSend } from '../../src/domain/policy.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const self = 'https://node.hotline-a.example';
const issuer = 'https://node.police-b.example';
const partner = { issuer, type: 'law-enforcement', jurisdictions: ['NL'], state: 'active' } as const;
const reference: CaseReference = {
  revision: 1,
  url: 'https://host.example/path',
  jurisdiction: { hosting: 'NL' },
  category: 'csam',
  marking: { tlp: 'AMBER' },
};
const legal = { basis: 'Invented Act', transfer: 'none' } as const;

function rules<Effect extends string>(...list: [id: string, when: object, effect: Effect][]) {
  return list.map(([id, when, effect]) =>
    Object.fromEntries([
      ['id', id],
      ['when', when],
      ['then', effect],
    ]),
  ) as never[];
}

const policy: Policy = {
  partner: issuer,
  version: 1,
  legal,
  send: { rules: rules(['all', { category: ['*'] }, 'send']) },
  receive: { rules: [] },
};

function decide(over: Partial<SendInput> = {}) {
  return decideSend({ reference, self, home: ['DE'], partner, policy, denies: [], now, ...over });
}

const toIndustry = { partner: { ...partner, type: 'industry' } };
const marked = (notifyHost: string) => ({
  ...toIndustry,
  reference: { ...reference, marking: { tlp: 'AMBER', notifyHost } },
});

describe('each gate says what stopped it and what would lift it', () => {
  const rows: [id: string, over: Partial<SendInput>, note: string, change: string][] = [
    [
      'partner-state',
      { partner: { ...partner, state: 'pending' } },
      'The partner is pending.',
      'The partner would have to be confirmed.',
    ],
    [
      'partner-state',
      { partner: { ...partner, state: 'suspended' } },
      'The partner is suspended.',
      'The partner would have to be resumed.',
    ],
    [
      'no-policy',
      { policy: undefined },
      'There is no policy for this partner.',
      'A policy for this partner would have to be set and approved.',
    ],
    [
      'legal-basis',
      { policy: { ...policy, legal: undefined } },
      'The policy names no legal basis.',
      'A legal basis would have to be recorded in the policy.',
    ],
    [
      'legal-review',
      { policy: { ...policy, legal: { ...legal, reviewBy: '2026-11-01' } } },
      'The review of the legal basis was due by 2026-11-01.',
      'The legal basis would have to be reviewed and a new review date recorded.',
    ],
    [
      'transfer',
      { partner: { ...partner, jurisdictions: ['US'] } },
      'The policy records no ground for a transfer to a third country.',
      'Legal.transfer of the policy would have to name a ground, such as adequacy or safeguards.',
    ],
    [
      'onward',
      { reference: { ...reference, source: { iss: issuer, sub: '0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11' } } },
      'Another organisation originated this reference; it is not passed on.',
      'Only its originator may send it.',
    ],
    [
      'industry-form',
      marked('may'),
      'Industry partners get the reduced form only, and the policy gives no instruction for it.',
      'Send.industry of the policy would have to say what is requested and on what legal basis.',
    ],
    [
      'no-match',
      { policy: { ...policy, send: { rules: [] } } },
      'No rule matched.',
      'A rule that matches and says send would have to be added.',
    ],
  ];
  it.each(rows)('%s', (id, over, note, change) => {
    const decision = decide(over);
    expect([decision.rule, decision.change]).toEqual([id, change]);
    expect(decision.trace.find((step) => step.id === id)?.note).toBe(note);
  });

  it.each([
    [
      'after-clearance',
      'hold',
      'Sending to industry is notifying the host, and the marking does not allow that before clearance.',
    ],
    ['must-not', 'withhold', 'Sending to industry is notifying the host, and the marking does not allow that.'],
  ])('notify-host, where the marking says %s', (notifyHost, effect, note) => {
    const industry = { requested: 'remove', legalBasis: 'court-order' };
    const decision = decide({ ...marked(notifyHost), policy: { ...policy, send: { ...policy.send, industry } } });
    expect(decision).toMatchObject({
      effect,
      rule: 'notify-host',
      change: 'The marking would have to say that the host may be notified.',
    });
    expect(decision.trace.find(({ id }) => id === 'notify-host')?.note).toBe(note);
  });
});

describe('the gates at their edges', () => {
  it('take the review day to its last millisecond', () => {
    const due = { policy: { ...policy, legal: { ...legal, reviewBy: '2026-11-21' } } };
    const midnight = Date.parse('2026-11-22T00:00:00Z');
    expect(decide({ ...due, now: midnight - 1 }).effect).toBe('send');
    expect(decide({ ...due, now: midnight }).effect).toBe('hold');
  });

  it('take any of our own countries for home', () => {
    expect(decide({ home: ['US', 'NL'] }).effect).toBe('send');
    expect(decide({ home: ['US', 'GB'] }).effect).toBe('hold');
    expect(decide({ home: ['US', 'GB'], partner: { ...partner, jurisdictions: ['GB-SCT', 'US'] } }).effect).toBe(
      'send',
    );
  });

  it('take no placeless code for home, not even our own', () => {
    for (const place of ['XX', 'XO'])
      expect(decide({ home: [place], partner: { ...partner, jurisdictions: [place] } }).rule).toBe('transfer');
  });

  it('name no change but that of the rule where a person holds', () => {
    const held = {
      ...policy,
      send: { rules: rules(['look', { category: ['*'] }, 'hold'], ['no', { category: ['*'] }, 'withhold']) },
    };
    expect(decide({ policy: held }).change).toBe('Rule look would have to say send.');
  });
});

describe('the nearest change', () => {
  it('is that of a rule which would let it through, however near another one comes', () => {
    const near: Policy['send']['rules'] = rules(
      ['away', { category: ['grooming'] }, 'withhold'],
      ['there', { category: ['grooming'], role: ['source'] }, 'send'],
    );
    expect(decide({ policy: { ...policy, send: { rules: near } } }).change).toBe(
      'Rule there would send it if category were grooming (the reference says csam), and role were source (the reference says nothing of it).',
    );
  });

  it.each([
    ['accept', 'it would be accepted'],
    ['hold', 'it would be held'],
    ['refuse', 'it would be refused'],
  ])('for what came in names what the next rule, which says %s, would do', (next, told) => {
    const list: Policy['receive']['rules'] = rules(
      ['a', { category: ['csam'] }, 'accept'],
      ['b', { category: ['*'] }, next],
    );
    const decision = decideReceive({
      reference,
      originator: partner,
      policy: { ...policy, receive: { rules: list } },
      now,
    });
    expect(decision.change).toBe(`Without rule a, rule b decides: ${told}.`);
  });

  it('for what came in names the queue where no other rule matches', () => {
    const list: Policy['receive']['rules'] = rules(['a', { category: ['csam'] }, 'accept']);
    const decision = decideReceive({
      reference,
      originator: partner,
      policy: { ...policy, receive: { rules: list } },
      now,
    });
    expect(decision.change).toBe('Without rule a it would be held: no other rule matches.');
    const none = decideReceive({ reference, originator: partner, policy: undefined, now });
    expect(none.change).toBe('A policy for this partner would decide it.');
    expect(none.trace[0]?.note).toBe('There is no policy for this partner.');
  });

  it('for what is sent names a rule that sends it too', () => {
    const list = rules<'send'>(['a', { category: ['csam'] }, 'send'], ['b', { category: ['*'] }, 'send']);
    expect(decide({ policy: { ...policy, send: { rules: list } } }).change).toBe(
      'Without rule a, rule b decides: it would be sent.',
    );
  });
});
