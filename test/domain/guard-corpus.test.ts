import { describe, expect, test } from 'vitest';
import { guard } from '../../src/domain/guard.ts';
import { countries } from '../bench/guard/case-numbers.ts';
import { seededChance } from '../bench/guard/chance.ts';
import { measureDetection } from '../bench/guard/detection.ts';
import { digests } from '../bench/guard/digests.ts';
import { honestCard, honestPolicy, honestReference } from '../bench/guard/honest.ts';
import { media, mediaTypes } from '../bench/guard/media.ts';
import { labelledPlaces, mediaPlaces, textPlaces } from '../bench/guard/places.ts';

// The corpus of `npm run bench -- guard`, a smaller share of it: the bench gives the figures, this holds the goals.

const SEED = 4711;
const EACH = 25;

const told = digests.filter(({ tail }) => tail === undefined);
const tails = digests.filter(({ tail }) => tail !== undefined);

describe('every spelling is refused in every place', () => {
  test.each(told)('$name', (spelling) => {
    const places = [...textPlaces, ...labelledPlaces];
    expect(measureDetection(spelling, places, seededChance(SEED), EACH).missed).toEqual({});
  });

  test.each(media)('$name', (spelling) => {
    const places = spelling.inAddress === false ? textPlaces : [...textPlaces, ...mediaPlaces];
    expect(measureDetection(spelling, places, seededChance(SEED), EACH).missed).toEqual({});
  });

  test.each(mediaTypes)('$name', (spelling) => {
    expect(measureDetection(spelling, textPlaces, seededChance(SEED), EACH).missed).toEqual({});
  });
});

test.each(tails)('$name is refused nearly always, and always where an algorithm labels it', (spelling) => {
  const algorithm = labelledPlaces.filter(({ name }) => name !== 'parameter, general');
  expect(measureDetection(spelling, algorithm, seededChance(SEED), EACH).missed).toEqual({});
  const { looked, missed } = measureDetection(spelling, textPlaces, seededChance(SEED), 400);
  const count = Object.values(missed).reduce((sum, one) => sum + one, 0);
  expect(count / looked).toBeLessThan(0.16);
});

describe('nothing honest is refused', () => {
  test('of 4,000 references, with case numbers of more than thirty countries', () => {
    expect(countries.length).toBeGreaterThan(30);
    const chance = seededChance(SEED);
    for (let n = 0; n < 4000; n += 1) {
      const reference = honestReference(chance);
      const refusal = guard(reference, { form: 'reference' });
      expect(refusal && { refusal, reference }).toBeUndefined();
    }
  });

  test('of 500 policies and cards', () => {
    const chance = seededChance(SEED);
    for (let n = 0; n < 500; n += 1) {
      for (const [value, form] of [
        [honestPolicy(chance), 'policy'],
        [honestCard(chance), 'card'],
      ] as const) {
        const refusal = guard(value, { form });
        expect(refusal && { refusal, value }).toBeUndefined();
      }
    }
  });
});
