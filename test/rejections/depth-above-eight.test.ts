import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf, taken } from '../support/tokens.ts';

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
const claimsOf = (levels: number) =>
  honestClaims({ events: { 'urn:caseref:event:1:submitted': { x: nested(levels) } } });

test('a payload nested nine deep is refused, and one nested eight deep is not', async () => {
  expect(await refusalOf(makeToken({ payload: claimsOf(6) }))).toEqual(answer('invalid_request', 'too-deep'));
  expect((await taken(makeToken({ payload: claimsOf(5) }))).event.payload).toEqual({ x: nested(5) });
});
