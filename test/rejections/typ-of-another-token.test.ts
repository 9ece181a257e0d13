import { expect, test } from 'vitest';
import { identity, keySetRefusal, makeKeySet } from '../support/introductions.ts';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['JWT', 'jwk-set+jwt', 'caseref-peer+jwt', 'caseref-bundle+jwt'])(
  'a token of typ %s is no event',
  async (typ) => {
    expect(await refusalOf(makeToken({ header: honestHeader(undefined, typ) }))).toEqual(
      answer('invalid_request', 'typ-invalid'),
    );
  },
);

test('an event is no key set', async () => {
  const event = makeKeySet({}, { header: honestHeader(identity) });
  expect(await keySetRefusal(event)).toEqual(answer('invalid_request', 'typ-invalid'));
});
