import type { Issuer } from '../contract.types.ts';

/** A reference to an address and who holds its pen. */
export interface HeldCase {
  readonly originator: Issuer;
  readonly id: string;
  readonly holders: readonly Issuer[];
}

/**
 * The organisations that hold the pen for one address, where they are several (rule 1): each of them is told, and nothing is
 * refused for it. Takes every reference to the address that is open here.
 */
export function penConflict(cases: readonly HeldCase[]): readonly Issuer[] {
  const holders = new Set(cases.flatMap((one) => one.holders));
  return holders.size > 1 ? [...holders].sort() : [];
}
