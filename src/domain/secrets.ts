/** JOSE algorithms of protocol version 1. The accepted algorithm is a property of the pinned key, never of the token. */
export type SigningAlgorithm = 'Ed25519' | 'EdDSA' | 'ES256' | 'ML-DSA-65';

/** A public key as it stands in a key set or card (RFC 7517, RFC 8037), private members never present. */
export interface PublicJwk {
  readonly kty: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly pub?: string;
}

/** One private key that can sign; built in keys, used by wire. File keys first, PKCS#11 and KMS later. */
export interface Signer {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** Signs a payload under the header {alg, typ, kid} and returns the compact JWS (RFC 7515, section 7.1). */
  sign(typ: string, payload: Uint8Array): Promise<string>;
}

/**
 * The same key for one more purpose: HTTP requests to partners (RFC 9421). It signs signature bases and nothing else, and
 * no base can be read as a JWS: a base begins with a quotation mark, which no character of a JWS signing input is.
 */
export interface RequestSigner {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** The raw signature over a signature base (RFC 9421, section 2.5; ES256 as r and s); throws for any other text. */
  signBase(base: string): Promise<Uint8Array>;
}

/** One private key that decrypts messages to us: ECDH-ES with X25519, A256GCM (RFC 7516; RFC 7518, section 4.6; RFC 8037). */
export interface Decrypter {
  readonly kid: string;
  /** The content of a compact JWE whose header was checked before; undefined where it does not decrypt. */
  decrypt(compact: string): Promise<Uint8Array | undefined>;
}

/** The table, row and column that a ciphertext belongs to: associated data, so that no ciphertext can be moved. */
export interface Place {
  readonly table: string;
  readonly row: string;
  readonly column: string;
}

/** An unwrapped data key of one reference: 32 bytes that never leave the process. */
export type DataKey = { readonly bytes: Uint8Array };

/** Which comparison key of a URL a blind index is over (schemas/README.md, "Match keys"). */
export type MatchKeyName = 'K1' | 'K2' | 'K3' | 'K4';

/** What the store encrypts and indexes with. Synchronous: AES-256-GCM and HMAC-SHA-256 of small values. */
export interface Vault {
  /** Makes a data key for one reference (`owner` = originator + ' ' + id) and wraps it with the node's key. */
  newDataKey(owner: string): { readonly key: DataKey; readonly wrapped: Uint8Array };
  /** Unwraps a stored data key; throws when it was wrapped for another owner or another node. */
  unwrap(wrapped: Uint8Array, owner: string): DataKey;
  /** Encrypts; the result carries its version and nonce. */
  seal(key: DataKey, place: Place, plain: Uint8Array): Uint8Array;
  /** Decrypts what `seal` made for the same place; throws otherwise. */
  open(key: DataKey, place: Place, sealed: Uint8Array): Uint8Array;
  /** Keyed blind index of a match key: HMAC-SHA-256 over `<name>\0<value>` with a key of its own per name. */
  index(name: MatchKeyName, value: string): Uint8Array;
  /** Keyed digest for look-ups that must not be guessed (idempotency bodies, client tokens). */
  digest(purpose: string, value: string | Uint8Array): Uint8Array;
}
