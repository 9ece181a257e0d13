import { describe, expect, test } from 'vitest';
import { examinePolling, type PollStanding } from '../../../src/exchange/doctor/polling.ts';

const HOUR = 3_600_000;
const now = Date.parse('2026-11-20T12:00:00Z');
const issuer = 'https://node.police-b.example';
const quiet: PollStanding = {
  issuer,
  fetches: false,
  asked: undefined,
  served: undefined,
  answered: undefined,
  waiting: undefined,
};
const found = (changes: Partial<PollStanding>) =>
  examinePolling({ ...quiet, ...changes }, now).map(({ level, code }) => `${level} ${code}`);

describe('a partner that fetches', () => {
  test.each<[string, Partial<PollStanding>, string]>([
    ['asked a minute ago', { served: now - 60_000 }, 'ok poll-served'],
    ['has never asked, and nothing waits', {}, 'ok poll-served'],
    [
      'has never asked, and something waits since a moment',
      { waiting: { count: 1, since: now - 1000 } },
      'ok poll-served',
    ],
    ['has never asked for hours', { waiting: { count: 2, since: now - 2 * HOUR } }, 'warn poll-overdue'],
    ['asked hours ago', { served: now - 2 * HOUR }, 'warn poll-overdue'],
    ['asked days ago, and nothing waits', { served: now - 50 * HOUR }, 'warn poll-overdue'],
    [
      'asked days ago, and something waits since',
      { served: now - 50 * HOUR, waiting: { count: 3, since: now - 49 * HOUR } },
      'bad poll-overdue',
    ],
    [
      'asked a minute ago, and something waits for days',
      { served: now - 60_000, waiting: { count: 3, since: now - 49 * HOUR } },
      'ok poll-served',
    ],
  ])('and %s', (_name, standing, expected) => expect(found({ fetches: true, ...standing })).toEqual([expected]));

  test('is told with how much waits and when it asked last', () => {
    const [one] = examinePolling(
      { ...quiet, fetches: true, served: now - 2 * HOUR, waiting: { count: 2, since: now - 2 * HOUR } },
      now,
    );
    expect(one?.message).toBe(`2 messages wait to be fetched by ${issuer}; it asked last 2026-11-20T10:00:00Z.`);
    expect(one?.next).toContain(`caseref delivery list --state queued --partner ${issuer}`);
  });
});

describe('a partner that we ask', () => {
  const asked = { possible: true };
  test.each<[string, Partial<PollStanding>, string]>([
    ['answered', { asked, answered: { at: now, code: undefined } }, 'ok poll-asked'],
    ['did not answer', { asked, answered: { at: now - HOUR, code: 'http-503' } }, 'warn poll-unanswered'],
    ['was not asked yet', { asked }, 'warn poll-unanswered'],
    ['has no address for it', { asked: { possible: false } }, 'bad poll-missing'],
  ])('and that %s', (_name, standing, expected) => expect(found(standing)).toEqual([expected]));
});

test('a partner that is pushed to and pushes is not spoken of', () => {
  expect(found({ served: now - 99 * HOUR, waiting: { count: 3, since: now - 99 * HOUR } })).toEqual([]);
});
