/** What speaks for and against plain messages between this node and one partner. */
export interface EncryptionTerms {
  /** Both issuers name this machine: nothing leaves it. */
  readonly bothLoopback: boolean;
  /** The operator's word at confirmation that the partner is a client that cannot encrypt. */
  readonly foreign: boolean;
  /** `security.encryption` of our policy for the partner. */
  readonly policy: 'required' | 'none' | undefined;
  /** `encryption` of the partner's key set. */
  readonly keySet: 'required' | 'none' | undefined;
}

/**
 * Whether a plain message is refused, in either direction (protocol, "Encryption"). Required unless both nodes stand on
 * one machine or the operator has named a foreign client; even then one side that asks for it is enough.
 */
export function mustEncrypt({ bothLoopback, foreign, policy, keySet }: EncryptionTerms): boolean {
  if (policy === 'required' || keySet === 'required') return true;
  return !bothLoopback && !foreign;
}

/** Whether a message goes out encrypted: where it must, and wherever the partner can read it and no policy says `none`. */
export function willEncrypt(terms: EncryptionTerms, hasKey: boolean): boolean {
  return mustEncrypt(terms) || (hasKey && terms.policy !== 'none');
}
