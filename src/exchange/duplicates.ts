import type { Hit } from '../store/references.ts';
import type { Duplicate } from './sharing.ts';

/** Duplicates named in one answer at most; more are found by search. */
export const MOST_DUPLICATES = 20;

interface Candidate {
  readonly originator: string;
  readonly id: string;
  /** Blind indexes of the address with (K1) and without (K2) its fragment. */
  readonly macs: { readonly K1: Uint8Array; readonly K2: Uint8Array };
}

/** Finds duplicates among stored references and, since those are not stored yet, among the ones of its batch that it was asked for before. */
export function duplicateFinder(hits: readonly Hit[]): (one: Candidate) => Duplicate[] {
  const byMac = Map.groupBy(hits, (hit) => hit.mac);
  return ({ originator, id, macs }) => {
    const found = new Map<string, Duplicate>();
    const kinds = [
      ['known', 'K1', macs.K1],
      ['possible', 'K2', macs.K2],
    ] as const;
    for (const [match, name, bytes] of kinds) {
      const mac = Buffer.from(bytes).toString('hex');
      const before = byMac.get(mac) ?? [];
      for (const hit of before) {
        const key = `${hit.originator} ${hit.id}`;
        if (!found.has(key)) found.set(key, { originator: hit.originator, id: hit.id, match, state: hit.state });
      }
      byMac.set(mac, [{ originator, id, state: 'open', mac, name }, ...before]);
    }
    return [...found.values()].slice(0, MOST_DUPLICATES);
  };
}
