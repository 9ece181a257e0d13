import { describe, expect, it } from 'vitest';
import {
  contradicts,
  deliveryStates,
  isOverdue,
  mayBecome,
  type ReceiptOutcome,
  receiptOutcomes,
  settle,
} from '../../src/domain/receipt.ts';
import fc from '../support/property.ts';

describe('settling a receipt', () => {
  it.each(receiptOutcomes)('takes %s as the first receipt', (outcome) => {
    expect(settle(undefined, outcome)).toBe('first');
  });

  it.each([
    ['held', 'accepted'],
    ['held', 'refused'],
    ['held', 'sealed'],
    ['held', 'purged'],
    ['sealed', 'purged'],
    ['sealed', 'retained'],
    ['retained', 'purged'],
  ] as const)('lets %s become %s', (current, next) => {
    expect(settle(current, next)).toBe('change');
  });

  it.each([
    ['accepted', 'held'],
    ['accepted', 'refused'],
    ['refused', 'accepted'],
    ['purged', 'sealed'],
    ['purged', 'retained'],
    ['retained', 'sealed'],
    ['sealed', 'accepted'],
    ['sealed', 'held'],
  ] as const)('ignores %s going to %s', (current, next) => {
    expect(settle(current, next)).toBe('ignored');
  });

  it.each([
    ['refused', 'accepted'],
    ['refused', 'held'],
    ['refused', 'sealed'],
    ['accepted', 'refused'],
    ['purged', 'refused'],
  ] as const)('sees %s and then %s as words of which neither is to be relied on', (current, next) => {
    expect(contradicts(current, next)).toBe(true);
  });

  it.each([
    [undefined, 'refused'],
    ['held', 'refused'],
    ['refused', 'refused'],
    ['accepted', 'held'],
    ['purged', 'sealed'],
  ] as const)('sees nothing strange in %s and then %s', (current, next) => {
    expect(contradicts(current, next)).toBe(false);
  });

  it.each(receiptOutcomes)('sees the same %s again as nothing new', (outcome) => {
    expect(settle(outcome, outcome)).toBe('same');
  });

  it('ends a withdrawal in the same outcome whatever order its receipts arrive in', () => {
    const story: ReceiptOutcome[] = ['sealed', 'retained', 'purged'];
    fc.assert(
      fc.property(fc.shuffledSubarray(story, { minLength: 3 }), (arrivals) => {
        let outcome: ReceiptOutcome | undefined;
        for (const next of arrivals) if (['first', 'change'].includes(settle(outcome, next))) outcome = next;
        expect(outcome).toBe('purged');
      }),
    );
  });
});

describe('the states of a delivery', () => {
  it.each([
    ['queued', 'sent'],
    ['queued', 'receipted'],
    ['sent', 'receipted'],
    ['sent', 'overdue'],
    ['overdue', 'receipted'],
    ['dead', 'receipted'],
    ['dead', 'queued'],
  ] as const)('go from %s to %s', (current, next) => {
    expect(mayBecome(current, next)).toBe(true);
  });

  it.each(deliveryStates)('never go from receipted to %s: the receipt is the evidence', (next) => {
    expect(mayBecome('receipted', next)).toBe(false);
  });

  it('do not go from queued to overdue, nor from dead to sent without a retry', () => {
    expect(mayBecome('queued', 'overdue')).toBe(false);
    expect(mayBecome('dead', 'sent')).toBe(false);
  });

  it('are overdue after the hours of the policy, and after a day without one', () => {
    const hour = 3_600_000;
    expect(isOverdue(0, 24 * hour)).toBe(false);
    expect(isOverdue(0, 24 * hour + 1)).toBe(true);
    expect(isOverdue(0, 3 * hour, 2)).toBe(true);
  });
});
