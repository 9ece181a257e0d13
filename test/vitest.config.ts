import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    // A process for each file, so that a test that kills, leaks or waits for ever hurts itself only.
    pool: 'forks',
    // Tests start nodes and databases of their own: more than two files at once starve them of time on a small machine.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Node itself strips the types, as it does in production; Vite's transform would let enums and .tsx through.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    globalSetup: ['./test/support/global-setup.ts'],
    reporters: ['default', './test/support/reporter.ts'],
  },
});
