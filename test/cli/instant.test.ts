import { describe, expect, test } from 'vitest';
import { typedInstant } from '../../src/cli/instant.ts';
import { isRefusal } from '../../src/domain/refusal.ts';

const NOW = Date.parse('2026-11-22T09:00:00Z');
const read = (text: string) => typedInstant(text, '/since', NOW);

describe('an instant as an operator writes it', () => {
  test.each([
    ['2026-11-22T00:30:00Z', '2026-11-22T00:30:00Z', false],
    ['now', '2026-11-22T09:00:00Z', false],
    ['2026-11-22T01:30+01:00', '2026-11-22T00:30:00Z', true],
    ['2026-11-22T01:30:15+0100', '2026-11-22T00:30:15Z', true],
    ['2026-11-22 00:30', '2026-11-22T00:30:00Z', true],
    ['2026-11-22', '2026-11-22T00:00:00Z', true],
  ])('%s is %s', (text, iso, said) => {
    const typed = read(text);
    expect(typed).toMatchObject({ iso });
    expect('said' in typed && typed.said !== undefined).toBe(said);
  });

  test('that names no offset is meant in UTC, and is said to be', () => {
    expect(read('2026-11-22 00:30')).toMatchObject({ said: expect.stringContaining('in UTC') });
  });

  test.each(['yesterday', '22.11.2026', '2026-02-30', '2026-11-22T25:00', ''])('%j is none', (text) => {
    const refused = read(text);
    expect(isRefusal(refused) && refused.pointer).toBe('/since');
  });
});
