import type { JSONColumnType } from 'kysely';
import type { CodeList } from '../domain/code-lists.ts';
import type { Contact, Coverage, Deny, Endpoints, Policy } from '../domain/contract.types.ts';
import type { PublicJwk, SigningAlgorithm } from '../domain/secrets.ts';

// Whom the node trusts with what: partners and their keys, policies, operators and their acts, and our own lost keys.

/** A document as it is stored: text goes in, a value comes out. */
export type Json<T> = JSONColumnType<T & object, string, string>;

export interface PartnerTable {
  issuer: string;
  state: 'pending' | 'active' | 'suspended' | 'removed';
  state_reason: string | null;
  /** When it was suspended last. */
  suspended_at: Date | null;
  name: string;
  type: string;
  jurisdictions: string[];
  coverage: Json<Coverage[]>;
  contact: JSONColumnType<Contact, string | null, string | null> | null;
  card: string;
  card_iat: number;
  identity_kid: string;
  identity_jwk: Json<PublicJwk>;
  foreign_client: boolean;
  is_local: boolean;
  verified_by: string | null;
  key_set: string;
  key_set_seq: number;
  key_set_exp: number;
  key_set_at: Date;
  endpoints: Json<Endpoints>;
  added_at: Date;
  confirmed_at: Date | null;
  /** Since when somebody wants its key set asked for out of turn; null where nobody does. */
  refresh_wanted_at: Date | null;
  refresh_tried_at: Date | null;
  /** When its key set was last seen to be the newest, asked for or pushed. */
  refreshed_at: Date | null;
  refresh_failures: number;
  /** When it is to be asked for next in its turn: after its own `refresh`, or after a pause that grows with the failures. */
  refresh_due_at: Date | null;
  key_set_etag: string | null;
  /** The newest key set of ours that it took, why it refused the last one, and when it was last told. */
  told_seq: number | null;
  told_code: string | null;
  told_at: Date | null;
}

/** A card with another identity key for a known issuer, before its fingerprint is confirmed. */
export interface PartnerReplacementTable {
  issuer: string;
  card: string;
  card_iat: number;
  identity_kid: string;
  added_at: Date;
}

export interface PartnerKeyTable {
  issuer: string;
  kid: string;
  alg: SigningAlgorithm;
  use: 'sig' | 'enc';
  jwk: Json<PublicJwk>;
  nbf: number | null;
  exp: number;
  revoked_at: number | null;
  revoked_reason: string | null;
  /** When we learned of the revocation. */
  revocation_seen_at: Date | null;
  first_seen_at: Date;
}

export interface PartnerStreamTable {
  partner: string;
  epoch: string;
  n: number;
}

export interface PolicyTable {
  partner: string;
  version: number;
  document: Json<Policy>;
  digest: string;
  state: 'pending' | 'active' | 'superseded';
  author: string | null;
  approver: string | null;
  created_at: Date;
  approved_at: Date | null;
}

export interface PolicyDenyTable {
  id: string;
  document: Json<Deny>;
  author: string | null;
  created_at: Date;
  removed_at: Date | null;
}

export interface OperatorTable {
  name: string;
  kid: string;
  jwk: Json<PublicJwk>;
  state: 'active' | 'removed';
  added_at: Date;
  removed_at: Date | null;
}

/** Something that an operator signed; `subject` is what it is about, `document` what becomes effective. */
export interface ActTable {
  id: string;
  kind: string;
  subject: string;
  digest: string;
  document: Json<Record<string, unknown>>;
  state: 'pending' | 'effective' | 'superseded';
  author: string | null;
  approver: string | null;
  created_at: Date;
  settled_at: Date | null;
}

export interface ActSignatureTable {
  act: string;
  role: 'author' | 'approver';
  operator: string;
  kid: string;
  token: string;
  /** Over the signing input: a signature counts once. */
  token_digest: string;
  at: Date;
}

/** A party that runs no node and is heard through this one. */
export interface UnitTable {
  name: string;
  jurisdiction: string;
  phone: string | null;
  added_at: Date;
  removed_at: Date | null;
}

/** A lost signing key of ours, and when its deliveries are looked at again. */
export interface KeyLossTable {
  kid: string;
  since: Date;
  told_at: Date;
  looks: number;
  look_at: Date | null;
}

/** A message to be said again under a good key. */
export interface AttestationTable {
  delivery: string;
  partner: string;
  kid: string;
  state: 'owed' | 'done' | 'never';
  code: string | null;
  attempts: number;
  next_at: Date;
  lease: string | null;
  lease_until: Date | null;
  settled_at: Date | null;
}

/** A version of a code list that was imported; one that waits for its second person counts for nothing. */
export interface CodeListTable {
  list: string;
  version: string;
  document: Json<CodeList>;
  digest: string;
  state: 'pending' | 'active' | 'superseded';
  author: string | null;
  approver: string | null;
  imported_at: Date;
}
