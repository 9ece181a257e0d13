import { expect, test } from 'vitest';
import { cardRefusal, identity, makeCard } from '../support/introductions.ts';
import { honestHeader, testKey } from '../support/tokens.ts';

test('a card that names one identity key and was signed by another is refused', async () => {
  const header = honestHeader(identity, 'caseref-peer+jwt');
  const refused = await cardRefusal(makeCard({}, { key: testKey(), header }));
  expect(refused).toMatchObject({
    code: 'card-invalid',
    pointer: '',
    message: expect.stringContaining('not signed by'),
  });
});
