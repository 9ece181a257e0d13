import { sql } from 'kysely';
import type { Database } from '../../src/store/open.ts';

// What a node's store says of its exchange, read as rows and without a single function of the node: whoever judges a node must
// not ask it how it is doing.

/** A node whose store is read: its issuer, and a connection to its own schema. */
export interface WatchedNode {
  readonly issuer: string;
  readonly db: Database;
}

export interface DeliveryFact {
  readonly position: number;
  readonly partner: string;
  readonly jti: string;
  readonly event: string;
  readonly originator: string | null;
  readonly reference: string | null;
  readonly revision: number | null;
  readonly state: 'queued' | 'sent' | 'receipted' | 'overdue' | 'dead' | 'dropped';
  readonly epoch: string | null;
  readonly n: number | null;
  readonly digests: readonly string[];
  /** The signed bytes of what carries no reference. */
  readonly plain: string | null;
  readonly payload: Readonly<Record<string, unknown>> | null;
  /** For a receipt: the message that it answers. */
  readonly answers: string | null;
  readonly outcome: string | null;
  /** The receipt that this outcome is by. */
  readonly receipt: string | null;
  readonly code: string | null;
  readonly createdAt: Date;
}

export interface MessageFact {
  readonly issuer: string;
  readonly jti: string;
  readonly digest: string;
  /** The name without its prefix. */
  readonly event: string;
  readonly epoch: string | null;
  readonly n: number | null;
  readonly originator: string | null;
  readonly reference: string | null;
  readonly revision: number | null;
  readonly outcome: string | null;
  readonly plain: string | null;
  readonly answers: string | null;
  readonly receivedAt: Date;
  /** Its key was in doubt once: what was undone then may have been done again. */
  readonly suspect: boolean;
}

export interface ReferenceFact {
  readonly originator: string;
  readonly id: string;
  readonly direction: 'in' | 'out';
  readonly state: string;
  readonly revision: number;
  readonly createdAt: Date;
  /** Whether its content can still be opened, or looked up. */
  readonly hasKey: boolean;
  readonly hasIndex: boolean;
  /** When it is to be erased, where that was asked for and not done yet. */
  readonly purgeAfter: Date | null;
  /** The messages that brought its revisions, where they came from a partner. */
  readonly broughtBy: readonly string[];
}

export interface DecisionFact {
  readonly originator: string;
  readonly id: string;
  readonly partner: string;
  readonly revision: number;
  readonly effect: string;
}

export interface PartnerFact {
  readonly issuer: string;
  readonly state: 'pending' | 'active' | 'suspended' | 'removed';
  readonly confirmedAt: Date | null;
}

export interface FeedFact {
  readonly position: number;
  readonly type: string;
  readonly at: Date;
  readonly partner: string | null;
  readonly originator: string | null;
  readonly reference: string | null;
  readonly jti: string | null;
  readonly code: string | null;
}

export interface NumbersFact {
  readonly partner: string;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
}

/** Everything that the invariants are judged by, of one node at one moment. */
export interface StoredFacts {
  readonly issuer: string;
  readonly deliveries: readonly DeliveryFact[];
  readonly messages: readonly MessageFact[];
  readonly references: readonly ReferenceFact[];
  /** What was decided about sending. */
  readonly decisions: readonly DecisionFact[];
  readonly partners: readonly PartnerFact[];
  /** The epoch of today and the last number given, by partner. */
  readonly streams: readonly { readonly partner: string; readonly epoch: string; readonly n: number }[];
  /** Numbers that partners said will never come. */
  readonly voided: readonly NumbersFact[];
  readonly feed: readonly FeedFact[];
  readonly alerts: readonly { readonly code: string; readonly partner: string; readonly subject: string }[];
  /** Messages that are to be said again under a good key, by their delivery. */
  readonly owed: readonly { readonly partner: string; readonly delivery: string }[];
  /** Withdrawals that wait for the operator. */
  readonly heldWithdrawals: readonly { readonly issuer: string; readonly jti: string }[];
}

const PREFIX = 'urn:caseref:event:1:';
/** Feed entries that an invariant reads; the feed holds many others. */
const TOLD = [
  'partner.suspended',
  'partner.resumed',
  'reference.received',
  'reference.revised',
  'message.conflict',
  'receipt.mismatched',
];

/** Reads all of it in one transaction, so that nothing moves between two of its queries. */
export function readFacts({ issuer, db }: WatchedNode): Promise<StoredFacts> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute((trx) => factsWithin(issuer, trx));
}

/** The same within a transaction of the caller's. */
export async function factsWithin(issuer: string, trx: Database): Promise<StoredFacts> {
  return {
    issuer,
    deliveries: await deliveries(trx),
    messages: await messages(trx),
    references: await references(trx),
    decisions: await rows<DecisionFact>(
      trx,
      sql`select originator, id, partner, revision, effect from decision where direction = 'out'`,
    ),
    partners: await rows<PartnerFact>(trx, sql`select issuer, state, confirmed_at as "confirmedAt" from partner`),
    streams: await rows(trx, sql`select partner, epoch, n from partner_stream`),
    voided: await rows<NumbersFact>(trx, sql`select partner, epoch, first, last from voided_run`),
    feed: await rows<FeedFact>(
      trx,
      sql`select position, type, at, partner, originator, reference_id as reference, jti, code from event
        where type = any(${TOLD}::text[]) order by position`,
    ),
    alerts: await rows(trx, sql`select code, partner, subject from alert`),
    owed: await rows(trx, sql`select partner, delivery from attestation where state = 'owed'`),
    heldWithdrawals: await rows(trx, sql`select issuer, jti from held_withdrawal`),
  };
}

type Asked = WatchedNode['db'];

async function rows<Row>(db: Asked, query: ReturnType<typeof sql>): Promise<Row[]> {
  return (await query.execute(db)).rows as Row[];
}

function deliveries(db: Asked): Promise<DeliveryFact[]> {
  return rows(
    db,
    sql`select position, partner, jti, event, originator, reference_id as reference, revision, state, epoch, n,
        array_remove(array_append(coalesce(former_digests, '{}'), digest), null) as digests, plain, payload, answers,
        outcome, receipt_jti as receipt, last_code as code, created_at as "createdAt"
      from delivery order by position`,
  );
}

async function messages(db: Asked): Promise<MessageFact[]> {
  const found = await rows<MessageFact>(
    db,
    sql`select issuer, jti, digest, event, epoch, n, originator, reference_id as reference, revision, outcome, plain,
        answers, received_at as "receivedAt", suspect_at is not null or attested_at is not null as suspect
      from message order by received_at, jti`,
  );
  return found.map((row) => ({ ...row, event: row.event.replace(PREFIX, '') }));
}

function references(db: Asked): Promise<ReferenceFact[]> {
  return rows(
    db,
    sql`select r.originator, r.id, r.direction, r.state, r.revision, r.created_at as "createdAt",
        r.purge_after as "purgeAfter",
        exists (select 1 from reference_key k where k.originator = r.originator and k.id = r.id) as "hasKey",
        exists (select 1 from reference_index i where i.originator = r.originator and i.id = r.id) as "hasIndex",
        array(select v.jti from reference_revision v
          where v.originator = r.originator and v.id = r.id and v.jti is not null order by v.revision) as "broughtBy"
      from reference r order by r.position`,
  );
}
