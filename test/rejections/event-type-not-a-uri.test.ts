import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['', 'submitted', 'urn:with space', 'urn:line\nbreak', `urn:${'a'.repeat(200)}`])(
  'the event type %j is refused',
  async (name) => {
    expect(await refusalOf(makeToken({ payload: honestClaims({ events: { [name]: {} } }) }))).toEqual(
      answer('invalid_request', 'event-type-invalid'),
    );
  },
);
