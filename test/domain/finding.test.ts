import { expect, test } from 'vitest';
import { countLevels, type Finding, wantsPerson, worstFirst } from '../../src/domain/finding.ts';

const found = (level: Finding['level'], code: string): Finding => ({ level, code, message: 'A sentence.' });
const mixed = [found('ok', 'a'), found('warn', 'b'), found('bad', 'c'), found('note', 'd'), found('bad', 'e')];

test('what is wrong comes first, in the order in which it was looked at', () => {
  expect(worstFirst(mixed).map(({ code }) => code)).toEqual(['c', 'e', 'b', 'd', 'a']);
});

test('a note needs nobody, a warning does', () => {
  expect(mixed.filter(wantsPerson).map(({ code }) => code)).toEqual(['b', 'c', 'e']);
  expect(countLevels(mixed)).toEqual({ bad: 2, warn: 1, note: 1, ok: 1 });
});
