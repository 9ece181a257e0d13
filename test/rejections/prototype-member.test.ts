import { expect, test } from 'vitest';
import { answer, honestClaims, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['__proto__', '\\u005f_proto__'])('a member named %s is refused at any depth', async (name) => {
  const honest = JSON.stringify(honestClaims());
  for (const payload of [
    honest.replace('{', `{"${name}":{},`),
    honest.replace('"revision":1', `"${name}":{"revision":1}`),
  ]) {
    expect(await refusalOf(makeToken({ payload }))).toEqual(answer('invalid_request', 'prototype-member'));
  }
});
