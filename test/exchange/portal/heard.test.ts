import { expect, test } from 'vitest';
import type { ShownCase } from '../../../src/exchange/case/case-view.ts';
import { forLiaisons } from '../../../src/exchange/portal/heard.ts';

test('of a hold that this node was not told of there is no trace, the others stay', () => {
  const desk = (by: string) => ({
    desk: { by },
    binding: true,
    inForce: true,
    since: '2026-11-22T10:00:00Z',
    until: '2026-11-22T10:00:00Z',
  });
  const told = { ...desk('https://told.example'), lateRefusal: false, audience: ['https://self.example'] };
  const secret = { ...desk('https://secret.example'), lateRefusal: false, audience: ['https://other.example'] };
  const entry = (event: string, by: string) => ({ at: '2026-11-22T10:00:00Z', event, by, status: 'taken' });
  const shown = {
    feedback: [],
    holds: [told, secret],
    timeline: [
      entry('hold', 'https://told.example'),
      entry('hold', 'https://secret.example'),
      entry('hold-ended', 'https://secret.example'),
      entry('assessed', 'https://secret.example'),
    ],
  } as unknown as ShownCase;
  const heard = forLiaisons(shown, 'https://self.example');
  expect(heard.holds.map((hold) => hold.desk.by)).toEqual(['https://told.example']);
  expect(heard.timeline.map(({ event, by }) => `${event} ${by}`)).toEqual([
    'hold https://told.example',
    'assessed https://secret.example',
  ]);
});

test('what one police tells the originator of its work is told to no liaison of another; one’s own stays', () => {
  const entry = (event: string, by: string) => ({ at: '2026-11-22T10:00:00Z', event, by, status: 'taken' });
  const [own, other] = ['https://self.example', 'https://police.example'];
  const timeline = [entry('feedback', other), entry('feedback', own), entry('acted', other)];
  const shown = { holds: [], timeline, feedback: [{ by: other }, { by: own }] } as unknown as ShownCase;
  const heard = forLiaisons(shown, own);
  expect(heard.timeline.map(({ event, by }) => [event, by])).toEqual([
    ['feedback', own],
    ['acted', other],
  ]);
  expect(heard.feedback.map(({ by }) => by)).toEqual([own]);
});

test('of revisions without end the timeline has those that are told', () => {
  const timeline = Array.from({ length: 300 }, (_, index) => ({
    at: '2026-11-22T10:00:00Z',
    event: index === 0 ? 'submitted' : 'revised',
    revision: index + 1,
    status: 'taken',
  }));
  const heard = forLiaisons({ holds: [], timeline, feedback: [] } as unknown as ShownCase, 'https://self.example');
  expect([heard.timeline.length, heard.timeline[0]?.event, heard.timeline[1]?.revision]).toEqual([
    101,
    'submitted',
    201,
  ]);
});
