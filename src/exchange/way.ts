import { mustEncrypt, willEncrypt } from '../domain/encryption.ts';
import type { Signer } from '../domain/secrets.ts';
import { type EncryptionKey, encryptionKey } from '../wire/encrypt.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry } from './directory.ts';
import { type NoSigner, signerFor } from './signing-key.ts';

/** With which of our keys messages to a partner are signed now, and for which of its keys encrypted. */
export interface Way {
  readonly signer: Signer;
  readonly encryptTo: EncryptionKey | undefined;
}

/** Why nothing goes to a partner now. */
export type NoWay = NoSigner | 'encryption-key-missing';

/**
 * How messages go to a partner at this moment, or why none can: then they wait, and a person is told. `iat`: when the message
 * was issued, in seconds since 1970, where it was signed before.
 */
export async function wayTo(exchange: Exchange, partner: PartnerEntry, iat?: number): Promise<Way | NoWay> {
  const now = Math.floor(exchange.clock() / 1000);
  const signer = await signerFor(exchange, partner.algs, iat ?? now);
  if (typeof signer === 'string') return signer;
  const key = encryptionKey(partner.keys, now);
  if (!key && mustEncrypt(partner.encryption)) return 'encryption-key-missing';
  return { signer, encryptTo: willEncrypt(partner.encryption, key !== undefined) ? key : undefined };
}
