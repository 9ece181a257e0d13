import { describe, expect, test } from 'vitest';
import { nextStep } from '../../src/cli/case/next-step.ts';
import { printTimeline } from '../../src/cli/case/timeline.ts';
import { printCase, printUrgent } from '../../src/cli/case/view.ts';
import { meantAct } from '../../src/cli/meant-act.ts';
import { createTerminal, type Terminal } from '../../src/cli/terminal.ts';
import type { ShownCase, TimelineEntry } from '../../src/exchange/case/case-view.ts';
import { documentDigest } from '../../src/wire/approval.ts';
import { who } from '../support/case.ts';

// How a case reads: made by hand, one thing at a time.

const id = '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c001';
const at = '2026-11-20T10:00:00Z';
const until = '2026-12-10T10:00:00Z';

const quiet: ShownCase = {
  ...{ originator: who.originator, id, state: 'open' },
  pen: { holders: [who.originator], offers: [], unplaced: false, returns: 0 },
  ...{ assessments: [], actions: [], holds: [], feedback: [], acknowledgements: [], outcomes: [], conflicts: [] },
  clearance: { status: 'none', late: false, contradicted: false },
  urgency: { level: 'routine' },
  host: { notice: 'may', reason: 'clear' },
  timeline: [],
};
const desk: { node: string; type: string; units: [] } = { node: who.originator, type: 'hotline', units: [] };

function printed(print: (terminal: Terminal) => void): string {
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text) };
  print(createTerminal({ stdout: stream, stderr: stream }));
  return lines.join('').replaceAll(/ +/g, ' ');
}

describe('the next step', () => {
  const offer = { from: who.originator, to: who.hotline, offeredAt: at, until };
  const hold = {
    ...{ desk: { by: who.police }, binding: true, inForce: true, since: at, until, lateRefusal: false },
    audience: [],
  };
  const noticed = (reason: ShownCase['host']['reason']) => ({ host: { notice: 'after-clearance' as const, reason } });
  const penAt = (...holders: readonly (typeof who)[keyof typeof who][]) => ({ pen: { ...quiet.pen, holders } });
  const emergency = (recipient: string, state: 'waiting' | 'acknowledged') => ({
    urgency: { level: 'emergency', acknowledgement: [{ recipient: recipient as typeof who.police, state, since: at }] },
  });
  test.each<[string, Partial<ShownCase>, string, Partial<typeof desk> & { unconfirmed?: object }]>([
    ['is to tell the host where that is free', {}, 'act --action'.replace('act', `act ${id}`), {}],
    ['of an emergency that nobody there has is the call', emergency(who.police, 'waiting'), `Call ${who.police}`, {}],
    [
      'of an emergency that we have not taken is to say so',
      emergency(who.hotline, 'waiting'),
      'acknowledge',
      hotline(),
    ],
    [
      'of an emergency that a person has is the case',
      emergency(who.police, 'acknowledged'),
      'The host may be told',
      {},
    ],
    ['of what is held here is the decision', { state: 'held' }, 'caseref reference held', {}],
    [
      'of what a colleague recorded is to confirm it',
      {},
      'caseref operator pending',
      { unconfirmed: { author: 'ada' } },
    ],
    [
      'of an offer to us is the answer',
      offered('offered'),
      `(--accept, or --decline CODE): caseref reference handover ${id}`,
      hotline(),
    ],
    ['of an offer that was accepted is to let go', offered('accepted'), '--confirm', {}],
    ['of two holders is to agree', conflicting(), 'Agree who acts', {}],
    ['of an outcome is nothing, until it reappears', { state: 'removed' }, '--action reappeared --observed', {}],
    ['under a hold is to wait', { holds: [hold] }, `Tell no host before ${until}`, {}],
    ['under an advisory hold is what it was', { holds: [{ ...hold, binding: false }] }, 'The host may be told', {}],
    [
      'of a request is the answer of police',
      asked(),
      `(--grant, or --refuse): caseref reference clear ${id}`,
      { node: who.police, type: 'law-enforcement' },
    ],
    ['of a request is to wait for everybody else', asked(), `Wait for the answer until ${until}`, {}],
    ['without clearance is to ask for it', noticed('clearance-missing'), `clear ${id} --request`, {}],
    ['without an answer in time is the call', noticed('clearance-timed-out'), 'Call the desk that was asked', {}],
    ['of what nobody took is to find somebody', unplaced(), '--offer ISSUER', {}],
    ['without the pen is to report', penAt(who.hotline), `${who.hotline} acts`, {}],
    ['where the marking forbids it is nothing', { host: { notice: 'must-not', reason: 'must-not' } }, 'Nothing', {}],
  ])('%s', (_, changes, expected, here) =>
    expect(nextStep({ ...quiet, ...changes }, { ...desk, ...here } as Parameters<typeof nextStep>[1])).toContain(
      expected,
    ),
  );

  test('names the originator of a partner’s reference, so that the command can be copied', () =>
    expect(nextStep({ ...quiet, ...penAt(who.hotline) }, { ...desk, ...hotline() })).toContain(
      `caseref reference act ${id} --originator ${who.originator} --action`,
    ));

  function hotline() {
    return { node: who.hotline };
  }
  function offered(state: 'offered' | 'accepted') {
    return { pen: { ...quiet.pen, offers: [{ ...offer, state }] } };
  }
  function conflicting(): Partial<ShownCase> {
    return { conflicts: [{ kind: 'pen-conflict', between: [who.hotline, who.neighbour] }] };
  }
  function asked(): Partial<ShownCase> {
    return { ...noticed('clearance-open'), clearance: { ...quiet.clearance, status: 'open', deadline: until } };
  }
  function unplaced(): Partial<ShownCase> {
    return { ...noticed('must-not'), pen: { ...quiet.pen, unplaced: true, returns: 2 } };
  }
});

describe('a line of the timeline', () => {
  const line = (entry: Partial<TimelineEntry> & Pick<TimelineEntry, 'event'>) =>
    printed((terminal) => printTimeline(terminal, [{ at, status: 'taken', by: who.hotline, ...entry }])).trim();
  const said = (event: TimelineEntry['event'], content: Record<string, unknown>) => line({ event, content });
  const toldBy = { channel: 'phone', unit: 'Unit 7', reference: { system: 'own', id: '4711' } };
  test.each([
    [
      said('assessed', { scheme: 'iccam', code: 'national', law: 'NL', method: 'viewed' }),
      'assessed it as iccam national under NL (viewed)',
    ],
    [said('acted', { action: 'moved', standing: 'final', movedTo: 'FR' }), 'moved (final, moved to FR)'],
    [said('acted', { action: 'online', standing: 'observed', seenFrom: 'NL' }), 'online (observed, seen from NL)'],
    [said('handover', { step: 'offered', to: who.neighbour }), `offered the pen to ${who.neighbour}`],
    [said('handover', { step: 'declined', code: 'no-capacity' }), 'declined the pen, no-capacity'],
    [said('handover', { step: 'returned' }), 'returned the pen'],
    [
      said('hold', { step: 'placed', until, ground: 'investigation', authority: 'court' }),
      `placed a hold until ${until} (investigation, by court)`,
    ],
    [said('hold', { step: 'lifted' }), 'lifted its hold'],
    [said('clearance', { step: 'requested', deadline: until }), `asked for clearance until ${until}`],
    [said('clearance', { step: 'refused' }), 'refused clearance'],
    [said('acknowledged', { at }), 'a person has it'],
    [said('feedback', { code: 'forwarded', country: 'NL' }), 'feedback: forwarded, NL'],
    [line({ event: 'sent', to: who.police }), `sent it to ${who.police}`],
    [line({ event: 'revised', revision: 2 }), 'revised it (revision 2)'],
    [
      line({ event: 'handover-lapsed', to: who.police }),
      `its offer of the pen to ${who.police} lapsed: nobody answered`,
    ],
    [line({ event: 'acted', status: 'refused', code: 'not-assignee' }), 'acted - refused: not-assignee'],
  ])('%s', (text, expected) => expect(text).toBe(`${at} ${who.hotline} ${expected}`));

  test('says who told whom, and never that it is so', () => {
    const content = { step: 'lifted' };
    expect(line({ event: 'hold', content, via: who.originator, toldBy })).toBe(
      `${at} ${who.originator} reports that ${who.hotline} states that Unit 7 said (phone, own 4711): lifted its hold`,
    );
  });

  test('what does not count says why', () => {
    const content = { action: 'removed', standing: 'final' };
    expect(line({ event: 'acted', content, status: 'suspect' })).toContain('does not count: signed by a key');
    expect(line({ event: 'acted', content, status: 'waiting', code: 'handover-pending' })).toMatch(
      / - waits: handover-pending$/,
    );
  });

  test('a code that is not known here is shown as it came, and as unknown', () =>
    expect(line({ event: 'feedback', content: { code: 'newer' }, unknown: ['/code'] })).toMatch(
      /feedback: newer \[not known here: code\]$/,
    ));

  test('what nobody said has no speaker', () =>
    expect(
      printed((terminal) => printTimeline(terminal, [{ at, event: 'clearance-timed-out', status: 'taken' }])),
    ).toBe(`${at} nobody answered the request for clearance in time\n`));
});

describe('a case', () => {
  test('shows claims of several laws one below the other, each with who made it', () => {
    const claim = { scheme: 'iccam', version: '3', method: 'viewed', at, said: at };
    const assessments = [
      { ...claim, by: who.hotline, code: 'national', law: 'NL' },
      { ...claim, by: who.neighbour, via: who.originator, code: 'not-illegal', law: 'BE' },
      { ...claim, by: who.hotline, code: 'baseline', toldBy: { channel: 'letter', unit: 'Unit 7' } },
    ];
    const text = printed((terminal) => printCase(terminal, { ...quiet, assessments }, desk));
    expect(text).toContain(
      [
        `assessed by ${who.hotline} as iccam national under NL on ${at} (viewed)`,
        `assessed by ${who.neighbour} as iccam not-illegal under BE on ${at} (viewed) (reported by ${who.originator})`,
        `assessed by Unit 7, as ${who.hotline} states, as iccam baseline on ${at} (viewed)`,
      ].join('\n'),
    );
  });

  test('says what was gone before clearance came, and that the answers contradict each other', () => {
    const clearance = {
      ...quiet.clearance,
      status: 'granted' as const,
      answeredAt: until,
      late: true,
      contradicted: true,
    };
    const answered = { ...clearance, answeredBy: { by: who.police }, goneBefore: at };
    const text = printed((terminal) => printCase(terminal, { ...quiet, clearance: answered }, desk));
    const marks = 'after its deadline, one desk granted and another refused';
    expect(text).toContain(`clearance granted (${until} by ${who.police}, ${marks})\ngone before clearance ${at}\n`);
  });

  test('names a conflict between whom it is', () => {
    const conflicts = [{ kind: 'contradictory-outcomes' as const, between: [who.hotline, who.neighbour] }];
    expect(printed((terminal) => printCase(terminal, { ...quiet, conflicts }, desk))).toContain(
      `conflict contradictory-outcomes between ${who.hotline} and ${who.neighbour}`,
    );
  });
});

describe('an emergency', () => {
  const urgent = { ...quiet, urgency: { level: 'emergency', acknowledgement: [] } };
  const call = { partner: who.police, name: 'Police', says: '', contact: { phone: '+49 30 5550001' } };
  test('that has not reached a partner says whom to call', () =>
    expect(printed((terminal) => printUrgent(terminal, urgent, [{ call }]))).toContain(
      `call +49 30 5550001\nit has not reached ${who.police}\n`,
    ));
  test('that has not reached a partner has the call as its next step', () =>
    expect(printed((terminal) => printCase(terminal, urgent, desk, { deliveries: [{ call }] }))).toContain(
      `Call ${who.police} now: it has not reached them.`,
    ));
  test('says where no number is recorded', () => {
    const acknowledgement = [{ recipient: who.police, state: 'overdue' as const, since: at }];
    const text = printed((terminal) =>
      printUrgent(terminal, { ...quiet, urgency: { level: 'emergency', acknowledgement } }, []),
    );
    expect(text).toMatch(/^call no number is recorded here/m);
    expect(text).toContain(`nobody has it yet ${who.police}, since ${at}: overdue`);
  });
  test('is nothing that a routine case begins with', () =>
    expect(printed((terminal) => printUrgent(terminal, quiet, [{ call }]))).toBe(''));
});

test('what is signed for another party are the words of the command, whatever the node says they are', async () => {
  const payload = { step: 'lifted', toldBy: { channel: 'phone', unit: 'Unit 7' } };
  const said = { originator: who.originator, id: 'another', event: 'feedback', words: 'S256:other' };
  const meant = await meantAct('reference.say', { id, event: 'hold', payload }, said);
  expect(meant).toMatchObject({
    ...{ act: 'case.told-by', subject: `${who.originator} ${id}` },
    document: { originator: who.originator, id, event: 'hold', words: documentDigest(payload) },
  });
  const named = { id, event: 'hold', payload, originator: who.hotline } as const;
  expect((await meantAct('reference.say', named, said)).subject).toBe(`${who.hotline} ${id}`);
});
