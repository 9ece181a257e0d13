import type { JSONColumnType } from 'kysely';

/** An accreditation that is in force or was; what waits for its second signature is an act and no row here. */
export interface LiaisonTable {
  id: string;
  name: string;
  agency: string;
  unit: string;
  jurisdictions: string[];
  legal_basis: string;
  trained_on: string;
  /** The last day on which it is in force. */
  until_on: string;
  /** Whom the identity provider of this issuer says it is. */
  subject_issuer: string | null;
  subject: string | null;
  state: 'active' | 'suspended';
  state_reason: string | null;
  suspended_at: Date | null;
  author: string | null;
  approver: string | null;
  created_at: Date;
  /** The last use, or since when there could have been one. */
  used_at: Date;
  /** The last visit. */
  seen_at: Date | null;
}

export interface LiaisonPasskeyTable {
  /** Credential id (WebAuthn, section 4). */
  id: Buffer;
  liaison: string;
  /** COSE key. */
  public_key: Buffer;
  counter: number;
  transports: string[];
  backed_up: boolean;
  created_at: Date;
  used_at: Date | null;
  revoked_at: Date | null;
}

export interface LiaisonInvitationTable {
  digest: Buffer;
  liaison: string;
  created_at: Date;
  ends_at: Date;
  used_at: Date | null;
  revoked_at: Date | null;
}

export type SessionEnd = 'idle' | 'over' | 'signed-out' | 'replaced' | 'revoked';

export interface PortalSessionTable {
  id: string;
  /** Of the secret in the cookie. */
  digest: Buffer;
  liaison: string;
  unit: string;
  jurisdictions: string[];
  method: 'passkey' | 'oidc';
  begun_at: Date;
  seen_at: Date;
  ends_at: Date;
  /** When the liaison was seen last before this session. */
  previous_at: Date | null;
  stepped_up_at: Date | null;
  ended_at: Date | null;
  why: SessionEnd | null;
  /** When it was first tried after its end. */
  refused_at: Date | null;
}

/** What an authorization request was made with (OpenID Connect Core; RFC 7636). */
export interface OidcChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export type CeremonyKind = 'invitation' | 'passkey' | 'oidc' | 'step-up';

export interface PortalCeremonyTable {
  digest: Buffer;
  kind: CeremonyKind;
  invitation: Buffer | null;
  session: string | null;
  challenge: string | null;
  checks: JSONColumnType<OidcChecks & object, string | null, string | null> | null;
  return_to: string | null;
  begun_at: Date;
  ends_at: Date;
  used_at: Date | null;
}

export interface LiaisonTables {
  liaison: LiaisonTable;
  liaison_passkey: LiaisonPasskeyTable;
  liaison_invitation: LiaisonInvitationTable;
  portal_session: PortalSessionTable;
  portal_ceremony: PortalCeremonyTable;
}
