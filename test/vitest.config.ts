import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

// Hundreds of processes load the same modules: stripping and compiling them is most of what a small test file takes. Node
// checks each entry against the text of its module, so what was changed is compiled anew.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/caseref/compiled');

/** Files about functions of their arguments alone: no store, listener or process that one could leave to the next. */
const pure = [
  'test/{domain,schemas,wire}/**/*.test.ts',
  'test/rejections/!(through-the-door|body-oversize|body-slow|content-type-wrong|jti-reused|plain-where-encryption-is-required).test.ts',
];

/** Files about parts of a node, which close what they open: a store, a listener, a key file; none ends or starves its process. */
const parts = ['test/{api,exchange,keys,operator,peer,portal,transport}/**/*.test.ts'];

const globalSetup = ['./test/support/global-setup.ts'];

export default defineConfig({
  root,
  test: {
    // Tests start nodes and databases of their own: more than two files at once starve them of time on a small machine.
    maxWorkers: 2,
    reporters: ['default', './test/support/reporter.ts'],
    // Node itself strips the types, as it does in production; Vite's transform would let enums and .tsx through.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    pool: 'forks',
    // For what hangs, not for what is slow: a busy machine must not fail a test.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'nodes',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, ...parts],
          // A process for each file, so that a test that kills, leaks or waits for ever hurts itself only.
          isolate: true,
          globalSetup,
        },
      },
      // Few processes for all the others: loading the modules and compiling the embedded engine is most of what they take.
      { extends: true, test: { name: 'parts', include: parts, isolate: false, globalSetup } },
      { extends: true, test: { name: 'pure', include: pure, isolate: false } },
    ],
  },
});
