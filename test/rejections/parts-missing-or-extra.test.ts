import { expect, test } from 'vitest';
import { answer, makeToken, refusalOf } from '../support/tokens.ts';

test('a token of any number of parts but three is refused', async () => {
  const [header, payload, signature] = makeToken().split('.');
  for (const token of [
    '',
    `${header}`,
    `${header}.${payload}`,
    `${header}.${payload}.${signature}.`,
    '.'.repeat(5000),
  ]) {
    expect(await refusalOf(token)).toEqual(answer('invalid_request', 'parts-invalid'));
  }
});

test('a JSON serialisation is refused', async () => {
  const [header, payload, signature] = makeToken().split('.');
  const json = JSON.stringify({ protected: header, payload, signature });
  expect(await refusalOf(json)).toEqual(answer('invalid_request', 'parts-invalid'));
});
