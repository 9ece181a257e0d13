import { guard } from '../../src/domain/guard.ts';
import { seededChance } from './guard/chance.ts';
import { conflicts } from './guard/conflicts.ts';
import { measureDetection } from './guard/detection.ts';
import { digests } from './guard/digests.ts';
import { honestCard, honestPolicy, honestReference } from './guard/honest.ts';
import { media, mediaTypes } from './guard/media.ts';
import { labelledPlaces, mediaPlaces, textPlaces } from './guard/places.ts';

const SEED = 20_261_121;
const EACH = 400;
const HONEST = 40_000;

type Print = (figure: Record<string, unknown>) => void;

function detection(print: Print): void {
  const rows = [
    ...digests.map((spelling) => ({ kind: 'digest', spelling, places: [...textPlaces, ...labelledPlaces] })),
    ...media.map((spelling) => {
      const places = spelling.inAddress === false ? textPlaces : [...textPlaces, ...mediaPlaces];
      return { kind: 'media', spelling, places };
    }),
    ...mediaTypes.map((spelling) => ({ kind: 'media', spelling, places: textPlaces })),
  ];
  const sums = { looked: 0, missed: 0, missedOutsideTails: 0 };
  for (const { kind, spelling, places } of rows) {
    const { looked, missed, examples } = measureDetection(spelling, places, seededChance(SEED), EACH);
    const count = Object.values(missed).reduce((sum, one) => sum + one, 0);
    sums.looked += looked;
    sums.missed += count;
    if (spelling.tail === undefined) sums.missedOutsideTails += count;
    const tail = spelling.tail === undefined ? {} : { tail: spelling.tail };
    const misses = count === 0 ? {} : { missed, examples };
    print({ bench: 'guard', kind, spelling: spelling.name, looked, detected: looked - count, ...tail, ...misses });
  }
  print({ bench: 'guard', figure: 'detection', spellings: rows.length, ...sums, goal: 'missedOutsideTails 0' });
}

function falseRefusals(print: Print): void {
  const chance = seededChance(SEED + 1);
  const refused: string[] = [];
  const look = (value: Record<string, unknown>, form: 'reference' | 'policy' | 'card') => {
    const refusal = guard(value, { form });
    if (refusal) refused.push(`${refusal.pointer}: ${JSON.stringify(value)}`);
  };
  for (let n = 0; n < HONEST; n += 1) look(honestReference(chance), 'reference');
  const references = refused.length;
  for (let n = 0; n < HONEST / 10; n += 1) {
    look(honestPolicy(chance), 'policy');
    look(honestCard(chance), 'card');
  }
  print({
    bench: 'guard',
    figure: 'false refusals',
    references: HONEST,
    refused: references,
    inTenThousand: Number(((references / HONEST) * 10_000).toFixed(2)),
    policiesAndCards: HONEST / 5,
    policiesAndCardsRefused: refused.length - references,
    goal: 'inTenThousand at most 1',
    ...(refused.length > 0 && { examples: refused.slice(0, 5) }),
  });
}

function bothSides(print: Print): void {
  for (const { name, chosen, write } of conflicts) {
    const chance = seededChance(SEED + 3);
    let refused = 0;
    for (let n = 0; n < EACH; n += 1) if (guard(write(chance), { form: 'reference' })) refused += 1;
    print({ bench: 'guard', kind: 'conflict', honest: name, looked: EACH, refused, chosen });
  }
}

function speed(print: Print): void {
  const chance = seededChance(SEED + 2);
  const references = Array.from({ length: 5000 }, () => honestReference(chance));
  const micros: number[] = [];
  for (let round = 0; round < 5; round += 1)
    for (const reference of references) {
      const begin = process.hrtime.bigint();
      guard(reference, { form: 'reference' });
      // The first round warms up.
      if (round > 0) micros.push(Number(process.hrtime.bigint() - begin) / 1000);
    }
  micros.sort((a, b) => a - b);
  const at = (share: number) => Number((micros[Math.floor(micros.length * share)] ?? 0).toFixed(1));
  print({
    bench: 'guard',
    figure: 'microseconds a reference',
    references: micros.length,
    median: at(0.5),
    p99: at(0.99),
    goal: 'median under 50',
  });
}

/**
 * What the content guard finds of every spelling of a fingerprint or media, in every place where a string can stand; what
 * it refuses of honest input, where honest and forbidden look the same, which side was chosen; and what it costs. `tail` names spellings that nobody can tell from honest input, and why.
 */
export async function bench(print: Print): Promise<void> {
  detection(print);
  falseRefusals(print);
  bothSides(print);
  speed(print);
}
