import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['[]', 'null', '"text"', '7'])('a payload of %s is refused', async (payload) => {
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'payload-not-object'));
});

test.each(['[]', 'null', '"text"'])('a header of %s is refused', async (header) => {
  expect(await refusalOf(makeToken({ header }))).toEqual(answer('invalid_request', 'header-not-object'));
});

test.each(['', '{', '{"iss":1,}', 'iss=1'])('a payload that is no JSON is refused: %j', async (payload) => {
  expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'not-json'));
});
