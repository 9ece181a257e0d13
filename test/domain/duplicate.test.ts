import { describe, expect, test } from 'vitest';
import { DUPLICATE_RULE, type Earlier, findDuplicates, type Keys } from '../../src/domain/duplicate.ts';
import { matchKeys } from '../../src/wire/match.ts';
import { start, who } from '../support/case.ts';
import fc from '../support/property.ts';

function earlier(id: string, url: string, changes: Partial<Earlier> = {}): Earlier {
  return { originator: who.originator, id, keys: matchKeys(url), state: 'open', open: true, ...changes };
}

const ask = (url: string, before: readonly Earlier[]) => findDuplicates(matchKeys(url), before);
const one = earlier('1', 'https://host.example/a#top');

describe('an address is', () => {
  test.each([
    ['known where it is the same', 'https://host.example/a#top', 'known'],
    ['known where it is spelt differently', 'https://host.example/%61#top', 'known'],
    ['possible where only the fragment differs', 'https://host.example/a#end', 'possible'],
    ['related where only the host is the same', 'https://host.example/b', 'related'],
    ['new where nothing is', 'https://other.example/a', 'new'],
    ['new at a host below', 'https://www.host.example/a', 'new'],
  ])('%s', (_, url, answer) => {
    expect(ask(url, [one]).answer).toBe(answer);
  });
});

test('an answer says by which rule, whether it is open, and who last saw it online and when', () => {
  const seen = { lastSeenOnline: { at: start, by: who.hotline }, state: 'removed', open: false };
  expect(ask('https://host.example/a#top', [earlier('1', 'https://host.example/a#top', seen)])).toEqual({
    answer: 'known',
    rule: DUPLICATE_RULE,
    hits: [{ originator: who.originator, id: '1', match: 'known', ...seen }],
  });
});

test('the closest come first, then the open ones, then what was seen last', () => {
  const url = 'https://host.example/a';
  const before = [
    earlier('related', 'https://host.example/b'),
    earlier('closed', url, { open: false, state: 'removed' }),
    earlier('seen', url, { lastSeenOnline: { at: start, by: who.hotline } }),
    earlier('seen-later', url, { lastSeenOnline: { at: start + 1, by: who.hotline } }),
    earlier('possible', `${url}#x`),
  ];
  expect(ask(url, before).hits.map(({ id }) => id)).toEqual(['seen-later', 'seen', 'closed', 'possible', 'related']);
});

test('every earlier reference stays as it is, and no order of them changes the answer', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const keys: fc.Arbitrary<Keys> = fc.record({ K1: key, K2: key, K3: key });
  const before = fc.uniqueArray(
    fc.record({ keys, id: fc.uuid(), open: fc.boolean(), originator: fc.constantFrom(who.originator, who.hotline) }),
    { selector: ({ id }) => id },
  );
  fc.assert(
    fc.property(keys, before, (asked, known) => {
      const references = known.map(
        (reference): Earlier => ({ ...reference, state: reference.open ? 'open' : 'removed' }),
      );
      const kept = structuredClone(references);
      const answer = findDuplicates(asked, references);
      expect(references).toEqual(kept);
      expect(findDuplicates(asked, references.toReversed())).toEqual(answer);
      expect(answer.answer === 'known').toBe(references.some((reference) => reference.keys.K1 === asked.K1));
      expect(answer.hits.length).toBe(
        references.filter(({ keys: { K1, K2, K3 } }) => K1 === asked.K1 || K2 === asked.K2 || K3 === asked.K3).length,
      );
    }),
  );
});
