/** The root of the checkout. */
export const root = new URL('../../', import.meta.url);

/** What decides and what redacts: the modules whose mistakes would let something leave. */
export const targets: readonly string[] = [
  'src/domain/policy.ts',
  'src/domain/policy/rules.ts',
  'src/domain/policy/gates.ts',
  'src/domain/policy/industry.ts',
  'src/domain/clause.ts',
  'src/domain/denies.ts',
  'src/domain/redact.ts',
  'src/domain/marking.ts',
];

/** The tests by example that have to notice; properties are left out, since they take long and say only what must not be. */
export const suite: readonly string[] = [
  'test/domain/policy-vectors.test.ts',
  'test/domain/policy.test.ts',
  'test/domain/policy-gates.test.ts',
  'test/domain/clause.test.ts',
  'test/domain/denies.test.ts',
  'test/domain/redact.test.ts',
  'test/domain/marking.test.ts',
  'test/domain/industry.test.ts',
  'test/domain/explain.test.ts',
];

/** Share of mutants that the suite has to notice. */
export const LEAST_SHARE = 0.85;
