import { afterAll, beforeAll, expect, test } from 'vitest';
import { moveAbroad, outcomes } from '../../src/cli/demo/abroad.ts';
import { type Cast, makeCast } from '../../src/cli/demo/cast.ts';
import { tellHost } from '../../src/cli/demo/host.ts';
import { expectations, introductions } from '../../src/cli/demo/story.ts';
import { createTerminal } from '../../src/cli/terminal.ts';

// The chapters of the demonstration that follow one case; the others are told by `caseref demo` alone.

let cast: Cast;
beforeAll(async () => {
  cast = await makeCast();
}, 120_000);
afterAll(() => cast?.leave());

test('the demonstration tells one case from its report to its outcome, and every expectation holds', async () => {
  const told: string[] = [];
  const stream = { write: (text: string) => told.push(text) };
  const terminal = createTerminal({ stdout: stream, stderr: stream, noColor: true });
  const found = expectations();
  await introductions(terminal, cast);
  const about = await tellHost(terminal, cast, found);
  await moveAbroad(terminal, cast, about, found);
  await outcomes(terminal, cast, about, found);
  expect(found.broken).toEqual([]);
  expect(found.count).toBe(12);
  const text = told.join('');
  for (const row of [
    /Hotline DE +Hotline NL +DE, NL +removed, reappeared, removed +1 +1/,
    /Hotline NL +Hotline NL +DE, NL +removed, reappeared, removed +1 +0/,
    /Provider DE +- +- +reduced form \(5 members\)/,
  ])
    expect(text).toMatch(row);
  // No address is told, and nobody is said to be anything: who assessed it under which law is.
  expect(text).not.toContain('gallery.example');
  expect(text).toContain('assessed as baseline by Hotline DE under DE');
}, 120_000);
