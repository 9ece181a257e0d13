import type { Generated, JSONColumnType } from 'kysely';
import type { TraceStep } from '../domain/decision.ts';
import type { CaseCourseTable, CaseStatementTable, CaseTellingTable } from './case-tables.ts';
import type { LiaisonTables } from './liaison-tables.ts';
import type { PortalTables } from './portal-tables.ts';
import type { OwnEpochTable, RecoveryTable, StoreLifeTable, UnknownReceiptTable } from './recovery-tables.ts';
import type { GapTable, ReplayRequestTable, ReplayTable } from './replay-tables.ts';
import type {
  ActSignatureTable,
  ActTable,
  AttestationTable,
  CodeListTable,
  Json,
  KeyLossTable,
  OperatorTable,
  PartnerKeyTable,
  PartnerReplacementTable,
  PartnerStreamTable,
  PartnerTable,
  PolicyDenyTable,
  PolicyTable,
  UnitTable,
} from './trust-tables.ts';

export interface NodeTable {
  single: boolean;
  issuer: string;
  created_at: Date;
  directory_version: number;
  key_set: string | null;
  key_set_seq: number;
  /** The newest card that the identity key signed, for a node that runs without that key. */
  card: string | null;
  /** The first key set that the identity of today could sign, and since when it is ours; 0 and null for the first identity. */
  identity_seq: number;
  identity_at: Date | null;
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
  /** Since when an erasure is known to have been asked for by suspect withdrawals alone. */
  doubted_at: Date | null;
  /** What it truly is while it is sealed for no other reason than that its originator's withdrawals are not all in. */
  veiled_state: string | null;
  /** Whether a hold that binds is in force, what clearance has come to, and what is done after its deadline; null while nothing was said. */
  case_held: boolean | null;
  case_clearance: string | null;
  case_timeout: string | null;
  /** Since when it is an emergency, which a revision may have made it. */
  emergency_at: Generated<Date | null>;
  /** What answers whether an address is known: `observedAt` of the content, and what was said in its case since. */
  observed_at: Date | null;
  seen_at: Date | null;
  seen_by: string | null;
  removals: Generated<number>;
  reappearances: Generated<number>;
  /** Who holds the pen; null while that is the originator. */
  pen: string[] | null;
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
  /** That of its reference. */
  position: Generated<number>;
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
  /** The number of the revision that it brought. */
  revision: number | null;
  /** What a withdrawal asked for: why, and when it was to be erased; null where it was only to be sealed. */
  reason: string | null;
  purge_after: Date | null;
  /** The message of ours that a receipt is for. */
  answers: string | null;
}

/** When a partner's key may have been in other hands: since an instant, until we learned of it and a little longer. */
export interface KeyDoubtTable {
  issuer: string;
  kid: string;
  since: Date;
  until: Date;
}

/** Under which other keys the same payload came. */
export interface MessageAttestationTable {
  issuer: string;
  jti: string;
  kid: string;
  at: Date;
}

/** A revision that a lost key may have signed, set aside for one that it did not sign. */
export interface DoubtedRevisionTable {
  originator: string;
  id: string;
  revision: number;
  body: Buffer;
  jti: string;
  at: Date;
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
  /** When a person last asked for another try. */
  retried_at: Date | null;
  outcome: string | null;
  outcome_code: string | null;
  outcome_pointer: string | null;
  receipt_jti: string | null;
  answers: string | null;
  /** The key that signed the stored bytes. */
  kid: string | null;
  /** The version of the directory that the bytes were made for. */
  basis: number | null;
  /** An attempt ended so that the partner may have it. */
  reached: Generated<boolean>;
  /** Digests of earlier signatures over the same payload: receipts may name any of them. */
  former_digests: string[] | null;
  /** The partner signed both that it refused it and that it had it. */
  contradicted: Generated<boolean>;
  /** The statement about a case that it carries. */
  statement: string | null;
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

/** What passed within the window that began at `since`. */
export interface TrafficTable {
  partner: string;
  kind: string;
  since: Date;
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
  /** The message that said it; '' where an earlier release did not keep that. */
  jti: string;
  at: Date;
}

export interface Tables extends LiaisonTables, PortalTables {
  node: NodeTable;
  feed_counter: { single: boolean; position: number };
  partner: PartnerTable;
  partner_key: PartnerKeyTable;
  partner_replacement: PartnerReplacementTable;
  partner_stream: PartnerStreamTable;
  recovery: RecoveryTable;
  own_epoch: OwnEpochTable;
  store_life: StoreLifeTable;
  unknown_receipt: UnknownReceiptTable;
  policy: PolicyTable;
  policy_deny: PolicyDenyTable;
  case_statement: CaseStatementTable;
  case_telling: CaseTellingTable;
  case_course: CaseCourseTable;
  reference: ReferenceTable;
  reference_key: ReferenceKeyTable;
  reference_revision: ReferenceRevisionTable;
  reference_index: ReferenceIndexTable;
  decision: DecisionTable;
  message: MessageTable;
  key_doubt: KeyDoubtTable;
  message_attestation: MessageAttestationTable;
  doubted_revision: DoubtedRevisionTable;
  delivery: DeliveryTable;
  event: EventTable;
  client: ClientTable;
  idempotency: IdempotencyTable;
  refusal_count: RefusalCountTable;
  alert: AlertTable;
  incoming_stream: IncomingStreamTable;
  voided_run: VoidedRunTable;
  replay: ReplayTable;
  gap: GapTable;
  replay_request: ReplayRequestTable;
  import_file: ImportFileTable;
  held_withdrawal: HeldWithdrawalTable;
  traffic: TrafficTable;
  operator: OperatorTable;
  unit: UnitTable;
  code_list: CodeListTable;
  key_loss: KeyLossTable;
  attestation: AttestationTable;
  act: ActTable;
  act_signature: ActSignatureTable;
}
