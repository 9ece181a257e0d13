import type { TestProject } from 'vitest/node';
import { type RunningPostgres, startPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A real PostgreSQL for this run; take a `freshDatabase` of it, never its own database. */
    postgresUrl: string;
  }
}

let shared: Promise<RunningPostgres> | undefined;
let users = 0;

/** Starts the one PostgreSQL of a test run, and hands its address to the tests of a project as `inject('postgresUrl')`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  users += 1;
  shared ??= startPostgres();
  const { url, stop } = await shared;
  project.provide('postgresUrl', url);
  return async () => {
    users -= 1;
    if (users === 0) await stop();
  };
}
