import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node';

/**
 * Writes the closing line of a run, `N passed, N failed` (`, N skipped` may follow), to the file that
 * `CASEREF_TEST_SUMMARY` names; without it there is nothing to do. A file that could not be loaded and an error outside
 * any test count as failures, so that a run that failed never says `0 failed`.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const file = process.env.CASEREF_TEST_SUMMARY;
    if (file) writeFileSync(file, `${closingLine(modules, errors, reason)}\n`);
  }
}

function closingLine(
  modules: readonly TestModule[],
  errors: readonly SerializedError[],
  reason: TestRunEndReason,
): string {
  const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) counts[test.result().state] += 1;
    counts.failed += module.errors().length;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
  }
  // A test that never came to its end, in a run that was broken off, has not passed.
  const failed = counts.failed + counts.pending;
  const said = `${counts.passed} passed, ${reason === 'passed' ? failed : Math.max(failed, 1)} failed`;
  return counts.skipped > 0 ? `${said}, ${counts.skipped} skipped` : said;
}
