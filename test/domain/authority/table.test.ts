import { describe, expect, test } from 'vitest';
import { mayRecord, type RecordFacts } from '../../../src/domain/authority/record.ts';
import type { Payloads, Statement } from '../../../src/domain/authority/statement.ts';
import type { CaseEventName } from '../../../src/domain/message.ts';
import type { RefusalCode } from '../../../src/domain/refusal.ts';
import { handedOver, holdUntil, instant, offerJti, parties, say, stateOf, type Who, who } from '../../support/case.ts';

const roles = Object.keys(who) as Who[];
const pen = handedOver(0, 'originator', 'hotline');
const removed = say(10, 'hotline', 'acted', { action: 'removed', at: instant(10), standing: 'final' });
const asked = say(10, 'hotline', 'clearance', { step: 'requested', deadline: instant(600) });

/** Where the reference stands, what led there, and who holds the pen then. */
const states: Readonly<Record<string, { readonly log: readonly Statement[]; readonly holders: readonly Who[] }>> = {
  untouched: { log: [], holders: ['originator'] },
  'handed over': { log: pen, holders: ['hotline'] },
  'offered on': {
    log: [...pen, ...handedOver(10, 'hotline', 'neighbour').slice(0, 1)],
    holders: ['hotline'],
  },
  'accepted and not confirmed': {
    log: [...pen, ...handedOver(10, 'hotline', 'neighbour').slice(0, 2)],
    holders: ['hotline'],
  },
  unplaced: {
    log: [
      ...pen,
      say(10, 'hotline', 'handover', { step: 'returned', code: 'no-capacity' }),
      ...handedOver(12, 'originator', 'neighbour'),
      say(20, 'neighbour', 'handover', { step: 'returned', code: 'not-hosted-here' }),
    ],
    holders: ['originator'],
  },
  'given twice': {
    log: [...pen, ...handedOver(1, 'originator', 'neighbour')],
    holders: ['hotline', 'neighbour'],
  },
  removed: { log: [...pen, removed], holders: ['hotline'] },
  'removed and back': {
    log: [
      ...pen,
      removed,
      say(20, 'bystander', 'acted', { action: 'reappeared', at: instant(20), standing: 'observed' }),
    ],
    holders: ['hotline'],
  },
  'on hold': { log: [...pen, say(10, 'police', 'hold', holdUntil(600))], holders: ['hotline'] },
  'advised to wait': { log: [...pen, say(10, 'policeElsewhere', 'hold', holdUntil(600))], holders: ['hotline'] },
  'clearance asked': { log: [...pen, asked], holders: ['hotline'] },
  'clearance refused': {
    log: [...pen, asked, say(20, 'police', 'clearance', { step: 'refused' })],
    holders: ['hotline'],
  },
  'clearance granted': {
    log: [...pen, asked, say(20, 'police', 'clearance', { step: 'granted' })],
    holders: ['hotline'],
  },
  withdrawn: { log: pen, holders: ['hotline'] },
};

const acted = (action: string, standing: 'final' | 'observed' | 'proposed') =>
  ['acted', { action, at: instant(60), standing }] as const;

const events: Readonly<Record<string, readonly [CaseEventName, Payloads[CaseEventName]]>> = {
  'assesses it': [
    'assessed',
    { scheme: 'iccam', version: '3', code: 'baseline', law: 'DE', method: 'viewed', at: instant(60) },
  ],
  'decides that it is removed': acted('removed', 'final'),
  'decides that it is not illegal': acted('not-illegal', 'final'),
  'saw it removed': acted('removed', 'observed'),
  'saw it reappear': acted('reappeared', 'observed'),
  'proposes that it is unavailable': acted('unavailable', 'proposed'),
  'has told the host': acted('reported-to-isp', 'observed'),
  'proposes to tell the host': acted('reported-to-isp', 'proposed'),
  'has told police, as the holder': acted('reported-to-lea', 'final'),
  'offers the pen': ['handover', { step: 'offered', to: who.bystander }],
  'offers the pen to industry': ['handover', { step: 'offered', to: who.provider }],
  'accepts the pen': ['handover', { step: 'accepted', accepts: offerJti(10, 'neighbour') }],
  'declines the pen': ['handover', { step: 'declined', code: 'no-capacity' }],
  'confirms the hand-over': ['handover', { step: 'confirmed' }],
  'returns the pen': ['handover', { step: 'returned', code: 'no-capacity' }],
  'places a hold': ['hold', holdUntil(1000)],
  'lifts its hold': ['hold', { step: 'lifted' }],
  'asks for clearance': ['clearance', { step: 'requested', deadline: instant(1000) }],
  'grants clearance': ['clearance', { step: 'granted' }],
  'refuses clearance': ['clearance', { step: 'refused' }],
  'has it in hand': ['acknowledged', { at: instant(60) }],
  'gives feedback': ['feedback', { code: 'useful' }],
  'has opened an investigation': ['feedback', { code: 'investigation-opened' }],
};

interface Row {
  readonly role: Who;
  readonly state: string;
  readonly event: string;
}

const holds = ({ role, state }: Row) => states[state]?.holders.includes(role) === true;
const mayGetThePen = ({ role, state }: Row) =>
  role === 'neighbour' && ['offered on', 'accepted and not confirmed'].includes(state);
const isPolice = ({ role }: Row) => role.startsWith('police');
const saysOneOf =
  (...wanted: string[]) =>
  ({ event }: Row) =>
    wanted.includes(event);
const decides = saysOneOf('decides that it is removed', 'decides that it is not illegal');
const needsThePen = saysOneOf(
  ...['decides that it is removed', 'decides that it is not illegal', 'has told police, as the holder'],
  ...['offers the pen', 'offers the pen to industry', 'returns the pen'],
);

/** What the answer must be: the first sentence that fits, read from above. */
const rules: readonly (readonly [sentence: string, fits: (row: Row) => boolean, answer: RefusalCode | 'taken'])[] = [
  ['nothing is said about what was withdrawn', ({ state }) => state === 'withdrawn', 'reference-withdrawn'],
  ['who was never sent it learns nothing of it', ({ role }) => role === 'stranger', 'reference-unknown'],
  [
    'a host has no part in the pen',
    ({ role, event }) => role === 'provider' && /pen|hand-over/.test(event),
    'not-competent',
  ],
  ['anybody assesses', saysOneOf('assesses it'), 'taken'],
  [
    'a report of fact is refused for nothing',
    saysOneOf('saw it removed', 'saw it reappear', 'has told the host'),
    'taken',
  ],
  [
    'who knows of a hold that binds, or of clearance that was asked, waits for it with telling the host',
    (row) =>
      row.event === 'proposes to tell the host' &&
      ['on hold', 'clearance asked', 'clearance refused'].includes(row.state) &&
      (holds(row) || row.role === 'police' || (isPolice(row) && row.state === 'clearance asked')),
    'hold-active',
  ],
  // A refusal would tell them that police hold it.
  ['anybody proposes', saysOneOf('proposes that it is unavailable', 'proposes to tell the host'), 'taken'],
  ['who may be about to get the pen waits', (row) => needsThePen(row) && mayGetThePen(row), 'handover-pending'],
  ['only the holder decides, offers and returns', (row) => needsThePen(row) && !holds(row), 'not-assignee'],
  [
    'of two holders none decides or offers',
    (row) =>
      row.state === 'given twice' &&
      !saysOneOf('returns the pen')(row) &&
      needsThePen(row) &&
      row.event !== 'has told police, as the holder',
    'pen-conflict',
  ],
  ['what is decided stays so until it reappears', (row) => decides(row) && row.state === 'removed', 'already-final'],
  ['the holder decides', decides, 'taken'],
  ['the holder says what it has done', saysOneOf('has told police, as the holder'), 'taken'],
  ['industry holds no pen', saysOneOf('offers the pen to industry'), 'not-competent'],
  [
    'one offer at a time',
    (row) => row.event === 'offers the pen' && ['offered on', 'accepted and not confirmed'].includes(row.state),
    'handover-pending',
  ],
  ['the holder offers', saysOneOf('offers the pen'), 'taken'],
  [
    'the originator has nobody to return it to',
    (row) => row.event === 'returns the pen' && row.role === 'originator',
    'state-conflict',
  ],
  ['who got the pen returns it', saysOneOf('returns the pen'), 'taken'],
  [
    'what was offered to one is not accepted by another',
    (row) =>
      row.event === 'accepts the pen' &&
      ['offered on', 'accepted and not confirmed'].includes(row.state) &&
      row.role !== 'neighbour',
    'not-assignee',
  ],
  [
    'an offer is answered once',
    (row) =>
      (row.event === 'accepts the pen' && row.state === 'accepted and not confirmed') ||
      (row.event === 'declines the pen' &&
        ((row.role === 'hotline' && row.state !== 'untouched') ||
          (row.role === 'neighbour' && ['accepted and not confirmed', 'unplaced', 'given twice'].includes(row.state)))),
    'state-conflict',
  ],
  ['an answer may come before its offer', saysOneOf('accepts the pen', 'declines the pen'), 'taken'],
  [
    'the giver confirms what was accepted',
    (row) =>
      row.event === 'confirms the hand-over' && row.role === 'hotline' && row.state === 'accepted and not confirmed',
    'taken',
  ],
  [
    'a hand-over is confirmed once',
    (row) => row.event === 'confirms the hand-over' && row.role === 'originator' && row.state !== 'untouched',
    'state-conflict',
  ],
  ['what nobody accepted cannot be confirmed yet', saysOneOf('confirms the hand-over'), 'handover-pending'],
  [
    'holds are for police that policy trusts with them',
    (row) => saysOneOf('places a hold', 'lifts its hold')(row) && !['police', 'policeElsewhere'].includes(row.role),
    'hold-not-competent',
  ],
  ['police hold, and lift', saysOneOf('places a hold', 'lifts its hold'), 'taken'],
  [
    'who may get the pen asks for clearance when it has it',
    (row) => row.event === 'asks for clearance' && mayGetThePen(row),
    'handover-pending',
  ],
  [
    'the originator and the holder ask for clearance',
    (row) => row.event === 'asks for clearance' && !holds(row) && row.role !== 'originator',
    'not-assignee',
  ],
  ['two may ask at the same time', saysOneOf('asks for clearance'), 'taken'],
  [
    'police answer, nobody else',
    (row) => saysOneOf('grants clearance', 'refuses clearance')(row) && !isPolice(row),
    'not-competent',
  ],
  ['police answer', saysOneOf('grants clearance', 'refuses clearance'), 'taken'],
  ['the originator answers nobody', ({ role }) => role === 'originator', 'not-competent'],
  [
    'only police open investigations',
    (row) => row.event === 'has opened an investigation' && !isPolice(row),
    'not-competent',
  ],
  ['recipients answer the originator', () => true, 'taken'],
];

const NOW = 60;

function judge({ role, state, event }: Row): RefusalCode | 'taken' {
  const [name, payload] = events[event] ?? [];
  if (name === undefined || payload === undefined) throw new Error(`no event ${event}`);
  const facts: RecordFacts = {
    originator: who.originator,
    partyOf: (issuer) => parties.get(issuer),
    own: false,
    isHolder: role !== 'stranger',
    withdrawn: state === 'withdrawn',
    confirmed: false,
  };
  const statement = say(NOW, role, name, payload as never);
  return mayRecord(statement, stateOf(states[state]?.log ?? [], NOW), facts)?.code ?? 'taken';
}

const rows = roles.flatMap((role) =>
  Object.keys(states).flatMap((state) => Object.keys(events).map((event): Row => ({ role, state, event }))),
);

describe('every role, in every state, about every event', () => {
  test.each(roles)('as the rules say for the %s', (role) => {
    const wrong = rows
      .filter((row) => row.role === role)
      .map((row) => {
        const [sentence, , expected] = rules.find(([, fits]) => fits(row)) ?? ['no rule', undefined, undefined];
        return { ...row, sentence, expected, answer: judge(row) };
      })
      .filter(({ expected, answer }) => expected !== answer);
    expect(wrong).toEqual([]);
  });

  test('no rule of this table is idle', () => {
    const used = new Set(rows.map((row) => rules.find(([, fits]) => fits(row))?.[0]));
    expect(rules.map(([sentence]) => sentence).filter((sentence) => !used.has(sentence))).toEqual([]);
    expect(rows.length).toBe(roles.length * Object.keys(states).length * Object.keys(events).length);
    expect(rows.length).toBeGreaterThan(2500);
  });

  test.each([
    [{ role: 'hotline', state: 'handed over', event: 'decides that it is removed' }, 'taken'],
    [{ role: 'originator', state: 'handed over', event: 'decides that it is removed' }, 'not-assignee'],
    [{ role: 'originator', state: 'untouched', event: 'decides that it is removed' }, 'taken'],
    [
      { role: 'neighbour', state: 'accepted and not confirmed', event: 'decides that it is removed' },
      'handover-pending',
    ],
    [{ role: 'hotline', state: 'removed', event: 'decides that it is not illegal' }, 'already-final'],
    [{ role: 'hotline', state: 'given twice', event: 'decides that it is removed' }, 'pen-conflict'],
    [{ role: 'bystander', state: 'removed', event: 'saw it reappear' }, 'taken'],
    [{ role: 'hotline', state: 'on hold', event: 'proposes to tell the host' }, 'hold-active'],
    [{ role: 'policeUntrusted', state: 'untouched', event: 'places a hold' }, 'hold-not-competent'],
    [{ role: 'hotline', state: 'untouched', event: 'has opened an investigation' }, 'not-competent'],
    [{ role: 'stranger', state: 'untouched', event: 'gives feedback' }, 'reference-unknown'],
    [{ role: 'hotline', state: 'withdrawn', event: 'saw it removed' }, 'reference-withdrawn'],
  ] as const)('%j: %s', (row, answer) => {
    expect(judge(row)).toBe(answer);
  });
});
