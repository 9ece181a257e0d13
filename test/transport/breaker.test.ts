import { expect, test } from 'vitest';
import { createBreaker } from '../../src/transport/breaker.ts';

const partner = 'https://node.hotline-b.example';

function failing(times: number, now = 0) {
  const breaker = createBreaker();
  for (let at = 0; at < times; at += 1) breaker.failed(partner, now);
  return breaker;
}

test('a partner is tried until five attempts in a row have failed', () => {
  expect(failing(4).allowance(partner, 0)).toBeGreaterThan(0);
  expect(failing(5).allowance(partner, 0)).toBe(0);
});

test('a success in between starts the count anew', () => {
  const breaker = failing(4);
  breaker.succeeded(partner);
  breaker.failed(partner, 0);
  expect(breaker.allowance(partner, 0)).toBeGreaterThan(0);
});

test('one partner that fails closes nobody else off', () => {
  expect(failing(50).allowance('https://node.police-c.example', 0)).toBeGreaterThan(0);
});

test('many posts that fail in one outage cost one pause, not a pause for each', () => {
  const breaker = failing(64);
  expect(breaker.allowance(partner, 4999)).toBe(0);
  expect(breaker.allowance(partner, 5000)).toBeGreaterThan(0);
});

test('after the pause one attempt may be under way, and its failure doubles the pause', () => {
  const breaker = failing(5);
  expect(breaker.allowance(partner, 5000)).toBe(1);
  for (let at = 0; at < 64; at += 1) breaker.failed(partner, 6000);
  expect(breaker.allowance(partner, 15_999)).toBe(0);
  expect(breaker.allowance(partner, 16_000)).toBeGreaterThan(0);
});

test('the pause never grows beyond five minutes', () => {
  const breaker = failing(5);
  let now = 0;
  for (let round = 0; round < 20; round += 1) {
    now += 5 * 60_000;
    expect(breaker.allowance(partner, now)).toBeGreaterThan(0);
    breaker.failed(partner, now);
  }
  expect(breaker.allowance(partner, now + 5 * 60_000)).toBeGreaterThan(0);
});

test('a probe that succeeds opens the way for everybody', () => {
  const breaker = failing(5);
  breaker.succeeded(partner);
  expect(breaker.allowance(partner, 5001)).toBe(Number.POSITIVE_INFINITY);
});

test('a caller that may probe and finds nothing to send does not lock the partner out for ever', () => {
  const breaker = failing(5);
  expect(breaker.allowance(partner, 5000)).toBeGreaterThan(0);
  expect(breaker.allowance(partner, 65_000)).toBeGreaterThan(0);
});

test('a person ends a pause: one probe goes at once, and its failure begins the next pause', () => {
  const breaker = createBreaker();
  for (let n = 0; n < 5; n += 1) breaker.failed('p', 0);
  expect([breaker.allowance('p', 1), breaker.shutUntil('p', 1)]).toEqual([0, 5000]);
  breaker.tryNow('p');
  expect([breaker.allowance('p', 1), breaker.shutUntil('p', 1)]).toEqual([1, undefined]);
  breaker.failed('p', 1);
  expect([breaker.allowance('p', 2), breaker.shutUntil('p', 2)]).toEqual([0, 10_001]);
});
