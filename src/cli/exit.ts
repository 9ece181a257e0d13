import type { Refusal, RefusalCode } from '../domain/refusal.ts';

/** What the exit code of a command says; scripts depend on it, so it never changes. */
export const exit = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

export type Exit = (typeof exit)[keyof typeof exit];

const usage: ReadonlySet<RefusalCode> = new Set(['usage-invalid', 'setting-invalid', 'query-invalid']);
const unreachable: ReadonlySet<RefusalCode> = new Set(['store-unavailable', 'store-locked', 'unavailable']);

/** The exit code for refusals; the first one decides, since the later ones only add to it. */
export function exitOf(refusals: readonly Refusal[]): Exit {
  const code = refusals[0]?.code;
  if (code === undefined) return exit.done;
  if (usage.has(code)) return exit.usage;
  return unreachable.has(code) ? exit.unreachable : exit.refused;
}
