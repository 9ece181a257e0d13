import { expect, test } from 'vitest';
import { voidedOf } from '../../src/exchange/queue.ts';
import { checkSchema } from '../../src/wire/schema.ts';

// What ends at one time may have had more numbers than one message can name.

const epoch = 'c1ad6bb8-3c34-4d51-8a3a-2a0a4bd0f1ce';
const unsent = (numbers: readonly number[]) =>
  numbers.map((n) => ({ id: `${n}`, partner: 'https://node.police-b.example', epoch, n }));
const payloads = (numbers: readonly number[]) =>
  voidedOf(unsent(numbers), 'withdrawn').map(({ payload }) => payload as { ranges: [number, number][] });

test('numbers that follow each other are one range', () => {
  expect(payloads([3, 1, 2, 7]).map(({ ranges }) => ranges)).toEqual([
    [
      [1, 3],
      [7, 7],
    ],
  ]);
});

test('six hundred apart are said in messages that the contract allows, each once', () => {
  const numbers = Array.from({ length: 600 }, (_, index) => 2 * index + 1);
  const said = payloads(numbers);
  for (const payload of said) expect(checkSchema('voided', payload)).toEqual([]);
  expect(said.flatMap(({ ranges }) => ranges)).toEqual(numbers.map((n) => [n, n]));
});

test('what had no number is not said', () => {
  expect(voidedOf([{ id: 'x', partner: 'https://node.police-b.example', epoch: null, n: null }], 'dropped')).toEqual(
    [],
  );
});
