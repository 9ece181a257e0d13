/** Why a loss of our state was believed. */
export type LossCause = 'counter-overtaken' | 'receipt-unknown' | 'store-restored' | 'operator';

/**
 * What ended a veil. On a partner's word alone it ends too when the partner refuses its replay, or after a day (`time`), and it is
 * `undrawn` where it would be the second one within a week.
 */
export type OpenedBy = 'replay' | 'operator' | 'refused' | 'time' | 'undrawn';

/** One noticed loss: `epoch` is the one that our numbers to this partner go on in. */
export interface RecoveryTable {
  partner: string;
  epoch: string;
  because: LossCause;
  at: Date;
  /** The `verify` whose receipt shows where the partner's own numbers stand. */
  verify: string | null;
  /** Since when references go to it again. */
  resumed_at: Date | null;
  resumed_by: 'replay' | 'operator' | null;
  /** Since when its references show again. */
  opened_at: Date | null;
  opened_by: OpenedBy | null;
}

/** An epoch of ours that ended, and the highest number that this store knows of it. */
export interface OwnEpochTable {
  partner: string;
  epoch: string;
  n: number;
  ended_at: Date;
}

/** What lies between one loss of the whole store and the next; `settled_at` is null while partners are still to be marked. */
export interface StoreLifeTable {
  id: string;
  began_at: Date;
  position: number;
  settled_at: Date | null;
}

/** A signed receipt for a message that this store does not know. */
export interface UnknownReceiptTable {
  partner: string;
  jti: string;
  answers: string;
  outcome: string;
  code: string | null;
  originator: string | null;
  reference_id: string | null;
  /** When the partner says that it received the message. */
  received_at: Date;
  at: Date;
  looked_at: Date | null;
  /** The own reference that it names was restricted here because of it. */
  restricted: boolean;
}
