import { expect, test } from 'vitest';
import { answer, honestHeader, makeToken, refusalOf } from '../support/tokens.ts';

test.each(['none', 'None', 'NONE', 'nOnE'])(
  'a token that says alg %s and carries no signature is refused',
  async (alg) => {
    const [header, payload] = makeToken({ header: { ...honestHeader(), alg } }).split('.');
    expect(await refusalOf(`${header}.${payload}.`)).toEqual(answer('invalid_key', 'alg-mismatch'));
  },
);
