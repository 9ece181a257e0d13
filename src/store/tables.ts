import type { JSONColumnType } from 'kysely';
import type { Contact, Coverage, Deny, Endpoints, Policy } from '../domain/contract.types.ts';
import type { TraceStep } from '../domain/decision.ts';
import type { PublicJwk, SigningAlgorithm } from '../domain/secrets.ts';

type Json<T> = JSONColumnType<T & object, string, string>;

export interface NodeTable {
  single: boolean;
  issuer: string;
  created_at: Date;
  directory_version: number;
  key_set: string | null;
  key_set_seq: number;
  /** The newest card that the identity key signed, for a node that runs without that key. */
  card: string | null;
}

export interface PartnerTable {
  issuer: string;
  state: 'pending' | 'active' | 'suspended' | 'removed';
  state_reason: string | null;
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

export interface ReferenceTable {
  originator: string;
  id: string;
  position: number;
  direction: 'in' | 'out';
  state: string;
  revision: number;
  category: string;
  role: string | null;
  urgency: string;
  tlp: string;
  hosting: string | null;
  jurisdictions: string[];
  assignee: string | null;
  report: string | null;
  retain_until: string | null;
  received_at: Date | null;
  created_at: Date;
  updated_at: Date;
  withdrawn_reason: string | null;
  sealed_at: Date | null;
  purge_after: Date | null;
  expires_at: Date | null;
  kept_code: string | null;
  kept_until: Date | null;
}

export interface ReferenceKeyTable {
  originator: string;
  id: string;
  wrapped: Buffer;
}

export interface ReferenceRevisionTable {
  originator: string;
  id: string;
  revision: number;
  body: Buffer;
  jti: string | null;
  at: Date;
}

export interface ReferenceIndexTable {
  mac: Buffer;
  name: string;
  originator: string;
  id: string;
}

export interface DecisionTable {
  originator: string;
  id: string;
  partner: string;
  direction: 'in' | 'out';
  revision: number;
  /** Version of the directory (partners, policies, denies) that the decision was made under. */
  basis: number;
  effect: string;
  rule: string;
  code: string | null;
  policy_version: number;
  trace: Json<TraceStep[]>;
  change: string | null;
  disclosed: string[] | null;
  decided_at: Date;
  decided_by: string | null;
}

export interface MessageTable {
  issuer: string;
  jti: string;
  digest: string;
  payload_digest: string;
  kid: string;
  event: string;
  epoch: string | null;
  n: number | null;
  originator: string | null;
  reference_id: string | null;
  outcome: string | null;
  code: string | null;
  pointer: string | null;
  body: Buffer | null;
  plain: string | null;
  received_at: Date;
  /** When we learned that the key had been lost before this came. */
  suspect_at: Date | null;
  /** When, and under which key, the same payload came again. */
  attested_at: Date | null;
  attested_kid: string | null;
}

export type DeliveryState = 'queued' | 'sent' | 'receipted' | 'overdue' | 'dead' | 'dropped';

export interface DeliveryTable {
  id: string;
  position: number;
  partner: string;
  jti: string;
  event: string;
  originator: string | null;
  reference_id: string | null;
  revision: number | null;
  priority: number;
  payload: JSONColumnType<Record<string, unknown>, string | null, string | null> | null;
  state: DeliveryState;
  epoch: string | null;
  n: number | null;
  body: Buffer | null;
  plain: string | null;
  digest: string | null;
  attempts: number;
  next_at: Date;
  lease: string | null;
  lease_until: Date | null;
  last_code: string | null;
  created_at: Date;
  sent_at: Date | null;
  settled_at: Date | null;
  reissued_at: Date | null;
  outcome: string | null;
  outcome_code: string | null;
  outcome_pointer: string | null;
  receipt_jti: string | null;
  answers: string | null;
  /** The key that signed the stored bytes. */
  kid: string | null;
  /** Digests of earlier signatures over the same payload: receipts may name any of them. */
  former_digests: string[] | null;
}

export interface EventTable {
  position: number;
  type: string;
  at: Date;
  originator: string | null;
  reference_id: string | null;
  partner: string | null;
  jti: string | null;
  code: string | null;
  body: JSONColumnType<Record<string, unknown>, string | null, string | null> | null;
}

export interface ClientTable {
  id: string;
  name: string;
  token_digest: Buffer;
  scopes: string[];
  created_at: Date;
  revoked_at: Date | null;
}

export interface IdempotencyTable {
  client: string;
  key_digest: Buffer;
  body_digest: Buffer;
  originator: string;
  reference_id: string;
  response: Buffer;
  created_at: Date;
}

export interface RefusalCountTable {
  day: string;
  door: string;
  code: string;
  n: number;
}

export interface HeldWithdrawalTable {
  issuer: string;
  jti: string;
  digest: string;
  reference_id: string;
  reason: string;
  purge: boolean;
  batch: string | null;
  received_at: Date;
}

export interface ImportFileTable {
  digest: Buffer;
  path: Buffer;
  line: number;
  begun_at: Date;
  at: Date;
  finished_at: Date | null;
}

/** `partner`, `scope` and `subject` are '' where there is none: the open alert is unique by them. */
export interface AlertTable {
  id: string;
  code: string;
  partner: string;
  scope: string;
  subject: string;
  first_at: Date;
  last_at: Date;
  count: number;
  acknowledged_at: Date | null;
  told_at: Date | null;
  tell_after: Date;
  tellings: number;
}

/** How far the numbers of a partner are accounted for (`floor`), and the highest that came. */
export interface IncomingStreamTable {
  partner: string;
  epoch: string;
  floor: number;
  highest: number;
  first_at: Date;
  walked_at: Date | null;
}

export interface VoidedRunTable {
  partner: string;
  epoch: string;
  first: number;
  last: number;
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

export interface Tables {
  node: NodeTable;
  feed_counter: { single: boolean; position: number };
  partner: PartnerTable;
  partner_key: PartnerKeyTable;
  partner_replacement: PartnerReplacementTable;
  partner_stream: PartnerStreamTable;
  policy: PolicyTable;
  policy_deny: PolicyDenyTable;
  reference: ReferenceTable;
  reference_key: ReferenceKeyTable;
  reference_revision: ReferenceRevisionTable;
  reference_index: ReferenceIndexTable;
  decision: DecisionTable;
  message: MessageTable;
  delivery: DeliveryTable;
  event: EventTable;
  client: ClientTable;
  idempotency: IdempotencyTable;
  refusal_count: RefusalCountTable;
  alert: AlertTable;
  incoming_stream: IncomingStreamTable;
  voided_run: VoidedRunTable;
  import_file: ImportFileTable;
  held_withdrawal: HeldWithdrawalTable;
  operator: OperatorTable;
  act: ActTable;
  act_signature: ActSignatureTable;
}
