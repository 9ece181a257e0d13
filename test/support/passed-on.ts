/**
 * What a process of the command line gets of this one's environment: where programs are, and where Node keeps the modules
 * that it has compiled (test/vitest.config.ts), so that each start does not strip and compile the same files again.
 */
export const passedOn: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
};
