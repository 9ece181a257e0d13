import { expect, test } from 'vitest';
import { receiptWords } from '../../src/cli/delivery.ts';
import { printSuspect } from '../../src/cli/partner-suspect.ts';
import { createTerminal } from '../../src/cli/terminal.ts';

function printed(suspect: Parameters<typeof printSuspect>[1]): string {
  let text = '';
  const stream = {
    write: (part: string) => {
      text += part;
    },
  };
  printSuspect(createTerminal({ stdout: stream, stderr: stream }), suspect);
  return text;
}

test('a receipt that a lost key signed is marked in the list of deliveries', () => {
  expect(receiptWords(undefined)).toBe('');
  expect(receiptWords({ outcome: 'refused', code: 'schema-invalid' })).toBe('refused schema-invalid');
  expect(receiptWords({ outcome: 'accepted', suspect: true })).toBe('accepted (suspect)');
});

test('the messages of a partner that are in doubt are listed with their number and begin', () => {
  expect(printed({ count: 0, items: [] })).toBe('');
  const jti = 'A'.repeat(22);
  const items = [{ jti, event: 'submitted', receivedAt: '2026-11-20T10:00:00Z' }];
  const text = printed({ count: 2, since: '2026-11-20T09:00:00Z', items });
  expect(text).toContain('In doubt: 2 since 2026-11-20T09:00:00Z, the newest 1 of them');
  expect(text).toMatch(new RegExp(`${jti} +submitted +2026-11-20T10:00:00Z`));
});
