import type { Generated } from 'kysely';

export interface CaseStatementTable {
  id: string;
  position: Generated<number>;
  originator: string;
  reference_id: string;
  /** Who sent it to this node: the speaker, or the originator who relays it; this node itself for an own one. */
  sender: string;
  speaker: string;
  event: string;
  /** The message of the sender that brought it; null for an own one. */
  carrier: string | null;
  jtis: string[];
  /** Digest of the message in which it was said. */
  digest: string | null;
  direction: 'in' | 'out';
  relayed: boolean;
  told_by: boolean;
  said_at: Date;
  received_at: Date;
  state: 'taken' | 'held' | 'refused';
  code: string | null;
  pointer: string | null;
  held_until: Date | null;
  payload: Buffer | null;
  /** A data key of its own, for what came before its reference. */
  wrapped: Buffer | null;
}

export interface CaseTellingTable {
  statement: string;
  partner: string;
  jti: string;
  at: Date;
}

export interface CaseCourseTable {
  originator: string;
  reference_id: string;
  /** The word that faces show; null while the reference has not come. */
  face: string | null;
  /** What the feed was told of, once each. */
  noted: string[];
  due_at: Date | null;
  settled_at: Date;
}
