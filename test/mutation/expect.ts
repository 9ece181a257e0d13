/** As much of the test runner's `expect` as the suite under mutation needs: thousands of runs in one process, in no time. */

type Check = (...wanted: readonly unknown[]) => void;
type Matchers = Readonly<Record<string, Check>>;

class Asymmetric {
  readonly matches: (found: unknown) => boolean;
  constructor(matches: (found: unknown) => boolean) {
    this.matches = matches;
  }
}

class Unexpected extends Error {}

function membersOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, member]) => member !== undefined);
}

/** Deep equality that takes an undefined member for an absent one; with `part`, further members of `found` do not count. */
function equal(found: unknown, wanted: unknown, part = false): boolean {
  if (wanted instanceof Asymmetric) return wanted.matches(found);
  if (Object.is(found, wanted)) return true;
  if (typeof found !== 'object' || typeof wanted !== 'object' || found === null || wanted === null) return false;
  if (Array.isArray(found) || Array.isArray(wanted)) {
    if (!Array.isArray(found) || !Array.isArray(wanted) || found.length !== wanted.length) return false;
    return wanted.every((one, index) => equal(found[index], one, part));
  }
  const has = new Map(membersOf(found));
  const wants = membersOf(wanted);
  return (
    (part || has.size === wants.length) &&
    wants.every(([name, one]) => has.has(name) && equal(has.get(name), one, part))
  );
}

function throws(work: unknown, wanted: unknown): boolean {
  try {
    (work as () => unknown)();
  } catch (failure) {
    return wanted === undefined || String(failure).includes(String(wanted));
  }
  return false;
}

function contains(found: unknown, wanted: unknown): boolean {
  if (typeof found === 'string') return found.includes(String(wanted));
  return Array.isArray(found) && found.includes(wanted);
}

const tests: Readonly<Record<string, (found: never, wanted: never) => boolean>> = {
  toBe: (found: unknown, wanted: unknown) => Object.is(found, wanted),
  toEqual: (found: unknown, wanted: unknown) => equal(found, wanted),
  toMatchObject: (found: unknown, wanted: unknown) => equal(found, wanted, true),
  toBeUndefined: (found: unknown) => found === undefined,
  toContain: contains,
  toHaveProperty: (found: object, wanted: string) => wanted in found,
  toHaveLength: (found: { length: number }, wanted: number) => found.length === wanted,
  toThrow: throws,
  toMatch: (found: string, wanted: RegExp | string) =>
    typeof wanted === 'string' ? found.includes(wanted) : wanted.test(found),
  toBeGreaterThan: (found: number, wanted: number) => found > wanted,
  toBeGreaterThanOrEqual: (found: number, wanted: number) => found >= wanted,
  toBeLessThan: (found: number, wanted: number) => found < wanted,
  toBeLessThanOrEqual: (found: number, wanted: number) => found <= wanted,
};

function matchers(found: unknown, right: boolean): Matchers {
  const checks = Object.entries(tests).map(([name, test]): [string, Check] => [
    name,
    (wanted) => {
      if (test(found as never, wanted as never) !== right) throw new Unexpected(`${right ? '' : 'not '}${name}`);
    },
  ]);
  return Object.fromEntries(checks);
}

/** What a test says of a value. */
export function expect(found: unknown): Matchers & { readonly not: Matchers } {
  return { ...matchers(found, true), not: matchers(found, false) } as Matchers & { readonly not: Matchers };
}

expect.arrayContaining = (wanted: readonly unknown[]) =>
  new Asymmetric(
    (found) => Array.isArray(found) && wanted.every((one) => found.some((candidate) => equal(candidate, one))),
  );
expect.stringMatching = (wanted: RegExp) => new Asymmetric((found) => typeof found === 'string' && wanted.test(found));
