import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A real PostgreSQL for this run; take a `freshDatabase` of it, never its own database. */
    postgresUrl: string;
  }
}

/** Starts the one PostgreSQL of a test run, and hands its address to the tests as `inject('postgresUrl')`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startPostgres();
  project.provide('postgresUrl', url);
  return stop;
}
