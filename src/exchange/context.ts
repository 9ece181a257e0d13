import type { NodeSettings } from '../config.ts';
import type { Issuer } from '../domain/contract.types.ts';
import type { Vault } from '../domain/secrets.ts';
import type { KeyStore } from '../keys/keystore.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Store } from '../store/open.ts';
import type { Transport } from '../transport/transport.ts';
import type { Directory } from './directory.ts';

/** What the use cases work with; made once in node.ts. Time and randomness are here so that tests can give their own. */
export interface Exchange {
  readonly self: Issuer;
  readonly settings: NodeSettings;
  /** The URL gate's and issuer rule's test profile: on only when our own issuer is a loopback address. */
  readonly profile: { readonly loopback: boolean };
  readonly store: Store;
  readonly keys: KeyStore;
  readonly vault: Vault;
  readonly directory: Directory;
  readonly transport: Transport;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: () => number;
  readonly chance: Chance;
  /** Wakes the delivery worker of this process; other processes notice by their own tick. */
  readonly wake: { outbox(): void };
}

/** The node's randomness: identifiers of messages and rows, salts, and the jitter of retries. */
export interface Chance {
  /** 128 random bits as 22 base64url characters. */
  jti(): string;
  /** UUID version 7: ordered by time, for clustered keys. */
  uuid(): string;
  uuid4(): string;
  /** A number from 0 (inclusive) to 1. */
  fraction(): number;
}
