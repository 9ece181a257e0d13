import type { Decrypter } from '../../src/domain/secrets.ts';
import type { KeySetVerifier } from '../../src/wire/keyset.ts';
import type { KeyRecord, PartnerKeys } from '../../src/wire/pinned.ts';
import type { TokenRefusal } from '../../src/wire/token-refusal.ts';

/** What a test says of the one partner, of our own encryption keys and of the horizon; the honest ones where it says nothing. */
export interface Circumstances {
  readonly keys?: readonly KeyRecord[];
  readonly state?: PartnerKeys['state'];
  readonly foreign?: boolean;
  readonly staleAt?: number;
  readonly horizonSeconds?: number;
  readonly decrypter?: (kid: string) => Decrypter | undefined;
}

type Answer = Pick<TokenRefusal, 'status' | 'err' | 'reason'>;

/**
 * Sees every input that a test of test/rejections proves forbidden, with what it was answered. Nobody looks on when such
 * a file runs alone; test/rejections/through-the-door.test.ts runs them all again and puts a real node here.
 */
export interface Witness {
  token(compact: string | Uint8Array, shape: Circumstances, answer: Answer): Promise<void>;
  keySet(compact: string, changes: Partial<KeySetVerifier>, answer: Answer): Promise<void>;
  card(compact: string, answer: { readonly code: string; readonly pointer: string }): Promise<void>;
}

let present: Witness | undefined;

export function witness(): Witness | undefined {
  return present;
}

export function letWitness(next: Witness | undefined): void {
  present = next;
}
