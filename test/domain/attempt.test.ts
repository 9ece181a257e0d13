import { expect, test } from 'vitest';
import { afterAttempt, mayHaveArrived } from '../../src/domain/attempt.ts';

const DAY = 86_400_000;
const young = { attempts: 1, ageMs: 1000, everlasting: false, lastCode: null, keyLost: false };
const refused = (err: string) => ({ status: 'refused', http: 400, err }) as const;

test('what was taken is sent', () => {
  expect(afterAttempt({ status: 'accepted' }, young, 0.5)).toEqual({ state: 'sent', code: null, delayMs: 0 });
});

test.each(['invalid_request', 'authentication_failed', 'invalid_audience'])('%s ends the delivery', (err) => {
  expect(afterAttempt(refused(err), young, 0.5)).toMatchObject({ state: 'dead', code: err });
});

test('invalid_key is tried once more, after both key sets can have been looked at, and then given up', () => {
  const first = afterAttempt(refused('invalid_key'), { ...young, attempts: 7, lastCode: 'timeout' }, 0.5);
  expect(first).toMatchObject({ state: 'queued', code: 'invalid_key' });
  expect(first.delayMs).toBeGreaterThan(60_000);
  const second = afterAttempt(refused('invalid_key'), { ...young, attempts: 8, lastCode: 'invalid_key' }, 0.5);
  expect(second).toMatchObject({ state: 'dead', code: 'invalid_key' });
});

test('what a key signed that was revoked meanwhile is signed again soon', () => {
  const step = afterAttempt(refused('invalid_key'), { ...young, keyLost: true }, 0.5);
  expect(step).toEqual({ state: 'queued', code: 'invalid_key', delayMs: 1000 });
});

test.each(['invalid_issuer', 'access_denied'])('%s is asked again once a day', (err) => {
  expect(afterAttempt(refused(err), young, 0.5)).toEqual({ state: 'queued', code: err, delayMs: DAY });
});

test('after 14 days a message is given up, and a withdrawal is tried daily to the horizon of 90 days', () => {
  const old = { ...young, ageMs: 15 * DAY };
  const away = { status: 'unreachable', code: 'timeout' } as const;
  expect(afterAttempt(away, old, 0.5)).toMatchObject({ state: 'dead', code: 'expired' });
  const recall = { ...old, everlasting: true };
  expect(afterAttempt(away, recall, 0.5)).toEqual({ state: 'queued', code: 'timeout', delayMs: DAY });
  expect(afterAttempt(away, { ...recall, ageMs: 90 * DAY }, 0.5)).toMatchObject({ state: 'queued' });
  expect(afterAttempt(away, { ...recall, ageMs: 90 * DAY + 1 }, 0.5)).toMatchObject({ state: 'dead', code: 'expired' });
});

test.each(['invalid_issuer', 'access_denied'])('%s is asked for 14 days and no longer', (err) => {
  expect(afterAttempt(refused(err), { ...young, ageMs: 14 * DAY }, 0.5)).toMatchObject({ state: 'queued', code: err });
  expect(afterAttempt(refused(err), { ...young, ageMs: 14 * DAY + 1 }, 0.5)).toMatchObject({ state: 'dead' });
});

test('a partner that asks for more time has it, up to a day, and never shortens our own pause', () => {
  const busy = (retryAfterMs: number) => ({ status: 'refused', http: 503, retryAfterMs }) as const;
  const delay = (asked: number) => afterAttempt(busy(asked), { ...young, attempts: 3 }, 1).delayMs;
  expect(delay(120_000)).toBe(120_000);
  expect(delay(0)).toBe(20_000);
  expect(delay(999 * DAY)).toBe(DAY);
});

test.each([200, 204, 302, 400, 500, 502])(
  'a recipient that answered %s without a word of its own may have taken it',
  (http) => {
    expect(mayHaveArrived({ status: 'refused', http })).toBe(true);
  },
);

test.each([404, 413, 415, 429])('a recipient that answered %s has not taken it', (http) => {
  expect(mayHaveArrived({ status: 'refused', http })).toBe(false);
});
