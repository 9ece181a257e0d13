import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, referenceId, refusalOf, sender } from '../support/tokens.ts';

test.each([
  undefined,
  'https://node.hotline-a.example',
  {},
  { format: 'email', email: 'desk@hotline-a.example' },
  { format: 'iss_sub', iss: sender },
  { format: 'iss_sub', iss: sender, sub: 'not-a-uuid' },
  { format: 'iss_sub', iss: sender, sub: referenceId.toUpperCase() },
  { format: 'iss_sub', iss: sender, sub: referenceId.replace('-7', '-1') },
  { format: 'iss_sub', iss: `${sender}/`, sub: referenceId },
  { format: 'iss_sub', iss: 'http://node.hotline-a.example', sub: referenceId },
  { format: 'iss_sub', iss: sender, sub: referenceId, note: 'text' },
])('a subject of %j is refused', async (sub_id) => {
  expect(await refusalOf(makeToken({ payload: honestClaims({ sub_id }) }))).toEqual(
    answer('invalid_request', 'sub-id-invalid'),
  );
});
