export { expect } from './expect.ts';

/** Stands for the test runner in a run under mutation: tests are collected when their file is loaded, and run one by one. */
interface Collected {
  readonly name: string;
  readonly run: () => unknown;
}

let collected: Collected[] = [];

/** Takes what was collected since the last time. */
export function takeTests(): readonly Collected[] {
  const taken = collected;
  collected = [];
  return taken;
}

type Body = (...row: readonly never[]) => unknown;

function add(name: string, run: Body, row: readonly unknown[] = []): void {
  collected.push({ name, run: () => run(...(row as readonly never[])) });
}

function each(rows: readonly unknown[]) {
  return (name: string, run: Body): void => {
    for (const row of rows) add(name, run, Array.isArray(row) ? row : [row]);
  };
}

export const test: ((name: string, run: Body) => void) & { each: typeof each } = Object.assign(
  (name: string, run: Body) => add(name, run),
  { each },
);
export const it: typeof test = test;

export function describe(_name: string, body: () => void): void {
  body();
}
