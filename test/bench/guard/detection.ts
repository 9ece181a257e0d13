import { guard } from '../../../src/domain/guard.ts';
import { gateUrl } from '../../../src/domain/url.ts';
import type { Chance } from './chance.ts';
import type { Spelling } from './digests.ts';
import type { GuardedPlace } from './places.ts';

export interface Detection {
  readonly looked: number;
  /** How many got through, by place; empty when all were refused. */
  readonly missed: Readonly<Record<string, number>>;
  readonly examples: readonly string[];
}

const schemes = new Set(['url-scheme-refused', 'url-invalid']);

/** Writes so many of a spelling and looks whether the guard refuses each in each place (or the URL gate, what is no address). */
export function measureDetection(
  spelling: Spelling,
  places: readonly GuardedPlace[],
  chance: Chance,
  each: number,
): Detection {
  const missed: Record<string, number> = {};
  const examples: string[] = [];
  for (let n = 0; n < each; n += 1) {
    const text = spelling.write(chance);
    for (const place of places) {
      if (isRefused(place, text)) continue;
      missed[place.name] = (missed[place.name] ?? 0) + 1;
      if (examples.length < 3) examples.push(text.slice(0, 80));
    }
  }
  return { looked: each * places.length, missed, examples };
}

function isRefused({ form, around, gated }: GuardedPlace, text: string): boolean {
  const code = guard(around(text), { form })?.code;
  if (code === 'fingerprint-refused' || code === 'media-refused') return true;
  return gated === true && schemes.has(gateUrl(text, { loopback: false }, '/url')?.code ?? '');
}
