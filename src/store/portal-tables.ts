import type { PortalStep } from '../domain/portal.ts';
import type { Json } from './trust-tables.ts';

// What liaisons find and what they looked at. Nothing here holds an address; what is closed to them is not in it.

/** References whose place in the portal is not decided yet; until it is, nobody finds them. */
export interface PortalPendingTable {
  position: number;
  originator: string;
  id: string;
}

/** One row for each place under which a reference is found, with what searches ask for. */
export interface PortalPlaceTable {
  /** See `placeKey`. */
  place: string;
  position: number;
  originator: string;
  id: string;
  category: string;
  urgency: string;
  state: string;
  hosting: string | null;
  /** Blind index of the host. */
  host: Buffer;
  created_at: Date;
  expires_at: Date | null;
}

/** One row for each place and each claim about a reference, its own or said since, as `scheme:code`. */
export interface PortalAssessedTable {
  /** See `placeKey`. */
  place: string;
  assessment: string;
  position: number;
}

/** Blind index of the case numbers that a reference carries in its handles. */
export interface PortalHandleTable {
  mac: Buffer;
  position: number;
}

/** What was decided for a unit, under the jurisdictions of `scope`. */
export interface PortalDecisionTable {
  unit: string;
  scope: string;
  originator: string;
  reference_id: string;
  revision: number;
  effect: 'show' | 'withhold';
  rule: string;
  trace: Json<PortalStep[]>;
  decided_at: Date;
}

export type PortalViewKind = 'list' | 'find' | 'case' | 'purpose' | 'address' | 'genuine' | 'refused';

export interface PortalViewTable {
  id: string;
  at: Date;
  liaison: string;
  unit: string;
  session: string;
  kind: PortalViewKind;
  originator: string | null;
  reference_id: string | null;
  purpose: string | null;
  /** The unit's own case number, encrypted with the unit's key. */
  own_reference: Buffer | null;
  /** Of a refusal: the gate that stopped it. */
  code: string | null;
}

/** A search by address, host or case number, as blind indexes: the opaque id is all that a URL carries. */
export interface PortalFindTable {
  id: string;
  liaison: string;
  session: string;
  kind: 'address' | 'host' | 'number';
  macs: Buffer[];
  created_at: Date;
}

export interface PortalSavedTable {
  id: string;
  liaison: string;
  filters: Json<Record<string, string>>;
  created_at: Date;
}

export interface PortalUnitTable {
  unit: string;
  wrapped: Buffer;
  break_hint: boolean;
  exposure_note: boolean;
}

export interface PortalTables {
  portal_pending: PortalPendingTable;
  portal_place: PortalPlaceTable;
  portal_assessed: PortalAssessedTable;
  portal_handle: PortalHandleTable;
  portal_decision: PortalDecisionTable;
  portal_view: PortalViewTable;
  portal_find: PortalFindTable;
  portal_saved: PortalSavedTable;
  portal_unit: PortalUnitTable;
}
