import { expect, test } from 'vitest';
import { answer, honestClaims, jti, makeToken, referenceId, refusalOf, sender } from '../support/tokens.ts';

const claimsOf = (name: string, sub_id: unknown) =>
  honestClaims({ sub_id, events: { [`urn:caseref:event:1:${name}`]: {} } });
const reference = { format: 'iss_sub', iss: sender, sub: referenceId };

test.each(['submitted', 'revised', 'withdrawn', 'acted'])('an opaque subject on %s is refused', async (name) => {
  const token = makeToken({ payload: claimsOf(name, { format: 'opaque', id: jti }) });
  expect(await refusalOf(token)).toEqual(answer('invalid_request', 'sub-id-invalid'));
});

test.each(['verify', 'voided', 'inquiry'])('any subject but its own jti on %s is refused', async (name) => {
  for (const sub_id of [reference, { format: 'opaque', id: jti.toLowerCase() }]) {
    expect(await refusalOf(makeToken({ payload: claimsOf(name, sub_id) }))).toEqual(
      answer('invalid_request', 'sub-id-invalid'),
    );
  }
});

test('a reference as the subject of an answer is refused', async () => {
  expect(await refusalOf(makeToken({ payload: claimsOf('answer', reference) }))).toEqual(
    answer('invalid_request', 'sub-id-invalid'),
  );
});
