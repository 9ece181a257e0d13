import { describe, expect, test } from 'vitest';
import { runsFor } from '../../src/exchange/tell.ts';

const alert = (id: number, code = 'dead-letter') => ({ id: `id-${id}`, code });
const ids = (untold: Parameters<typeof runsFor>[0]) => runsFor(untold).map((run) => run.map(({ id }) => id));

describe('runs of the alert command', () => {
  test('a few alerts have a run each, the urgent ones first', () => {
    const few = [alert(1), alert(2, 'emergency-held'), alert(3), alert(4, 'key-set-fork')];
    expect(ids(few)).toEqual([['id-2'], ['id-4'], ['id-1'], ['id-3']]);
  });

  test('many share one run for each code, and none is left out', () => {
    const many = [alert(1), alert(2), alert(3, 'emergency-held'), alert(4), alert(5, 'emergency-held'), alert(6)];
    expect(ids(many)).toEqual([
      ['id-3', 'id-5'],
      ['id-1', 'id-2', 'id-4', 'id-6'],
    ]);
  });

  test('none has none', () => expect(runsFor([])).toEqual([]));
});
