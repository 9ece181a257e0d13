import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { takeTests } from './collect.ts';
import { type Mutant, mutantsOf, mutate } from './mutants.ts';
import { root, suite } from './scope.ts';

/**
 * Tries the mutants of one file, from a given one on: `node trial.ts FILE FROM`. Says a JSON line for each: its number and
 * the test that noticed it, or none. Each try loads the domain and the suite anew under a query of its own.
 */
const [target = '', from = '0'] = process.argv.slice(2);
const source = readFileSync(new URL(target, root), 'utf8');
const mutants = mutantsOf(target, source);
let current: Mutant | undefined;

const query = /\?m=-?\d+$/;
const versioned = [new URL('src/domain/', root).href, new URL('test/domain/', root).href];

registerHooks({
  resolve(specifier, context, next) {
    const version = query.exec(context.parentURL ?? '')?.[0];
    if (version === undefined) return next(specifier, context);
    if (specifier === 'vitest') return { url: new URL('collect.ts', import.meta.url).href, shortCircuit: true };
    const resolved = next(specifier, context);
    const own = versioned.some((folder) => resolved.url.startsWith(folder));
    return own ? { ...resolved, url: resolved.url + version } : resolved;
  },
  load(url, context, next) {
    if (current === undefined || url.replace(query, '') !== new URL(target, root).href || !query.test(url))
      return next(url, context);
    return { format: 'module', source: stripTypeScriptTypes(mutate(source, current)), shortCircuit: true };
  },
});

/** The name of the test that failed, or of the file that did not load; undefined where all passed. */
async function attempt(version: number): Promise<string | undefined> {
  for (const path of suite) {
    takeTests();
    try {
      await import(`${new URL(path, root).href}?m=${version}`);
    } catch {
      return `${path} does not load`;
    }
    for (const { name, run } of takeTests()) {
      try {
        await run();
      } catch {
        return name;
      }
    }
  }
  return undefined;
}

if (from === '0') {
  const failed = await attempt(-1);
  if (failed !== undefined) throw new Error(`the suite fails without any mutant: ${failed}`);
}
for (const [number, mutant] of mutants.entries()) {
  if (number < Number(from)) continue;
  current = mutant;
  const by = await attempt(number);
  process.stdout.write(`${JSON.stringify({ number, ...(by !== undefined && { by }) })}\n`);
}
