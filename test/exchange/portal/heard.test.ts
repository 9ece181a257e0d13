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
