import { describe, expect, test } from 'vitest';
import { alertMeaning, alertNext, alerts, alertsOf, isAlertCode } from '../../src/domain/alert.ts';

const partner = 'https://node.hotline-b.example';
const codes = (event: Parameters<typeof alertsOf>[0]) => alertsOf(event).map(({ code }) => code);

describe('what happened is told', () => {
  test.each([
    ['delivery.dead', {}, 'dead-letter'],
    ['delivery.overdue', {}, 'receipt-overdue'],
    ['delivery.refused', { outcome: 'refused' }, 'receipt-refused'],
    ['delivery.refused', { outcome: 'refused', urgency: 'emergency' }, 'emergency-refused'],
    ['delivery.receipted', { outcome: 'held', urgency: 'emergency' }, 'emergency-held-there'],
    ['receipt.mismatched', {}, 'receipt-mismatched'],
    ['message.conflict', {}, 'message-conflict'],
    ['message.refused', { urgency: 'emergency' }, 'emergency-refused-here'],
    ['decision.held', { urgency: 'emergency' }, 'emergency-held'],
    ['reference.received', { urgency: 'emergency', state: 'held' }, 'emergency-held'],
    ['reference.revised', { urgency: 'emergency', state: 'held' }, 'emergency-held'],
    ['reference.received', { urgency: 'emergency', state: 'open' }, 'emergency-arrived'],
    ['reference.revised', { urgency: 'emergency', state: 'open' }, 'emergency-arrived'],
    ['withdrawal.held', {}, 'withdrawals-held'],
    ['reference.received', { urgency: 'priority', stated: 'emergency', state: 'held' }, 'emergencies-exceeded'],
    ['reference.revised', { urgency: 'priority', stated: 'emergency', state: 'open' }, 'emergencies-exceeded'],
  ])('%s with %j as %s', (type, body, code) => expect(codes({ type, partner, body })).toEqual([code]));

  test.each([
    ['key-set-fork', 'key-set-fork'],
    ['seq-below-floor', 'key-set-rolled-back'],
  ])('a key set refused as %s as %s', (code, alert) =>
    expect(codes({ type: 'key-set.refused', partner, code })).toEqual([alert]),
  );

  test('by its reference, or by its message where it has none', () => {
    const [named] = alertsOf({ type: 'delivery.dead', partner, reference: 'r', originator: 'o', jti: 'j' });
    expect(named).toEqual({ code: 'dead-letter', partner, subject: 'r', originator: 'o' });
    expect(alertsOf({ type: 'delivery.dead', partner, jti: 'j' })[0]).toMatchObject({ subject: 'j' });
  });
});

test.each([
  ['reference.received', {}],
  ['decision.held', {}],
  ['delivery.receipted', { outcome: 'accepted', urgency: 'emergency' }],
  ['delivery.receipted', { outcome: 'held' }],
  ['message.refused', {}],
  ['alert.raised', {}],
  ['key-set.accepted', {}],
])('%s with %j is nothing that somebody must be told', (type, body) =>
  expect(codes({ type, partner, body })).toEqual([]),
);

describe.each(Object.entries(alerts))('%s', (code, meaning) => {
  test('is one plain sentence and a next step that names what it is about', () => {
    expect(isAlertCode(code)).toBe(true);
    expect(meaning.says).toMatch(/^[A-Z].*\.$/);
    const next = alertNext({ code, partner, subject: 'SUBJ' });
    expect(next).toMatch(/caseref /);
    expect(next).not.toMatch(/PARTNER|SUBJECT/);
  });
});

test('a code of a newer release is shown as unknown', () => {
  expect(alertMeaning('from-the-future').says).toContain('from-the-future');
});
