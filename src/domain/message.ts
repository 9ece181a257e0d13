import type { Issuer, Uuid } from './contract.types.ts';

/** The event types of protocol version 1 that this node can speak; the others are answered `unsupported-event`. */
export const EVENT_PREFIX = 'urn:caseref:event:1:';
/** Events about the case that any holder of a reference may say; `relayed` carries one of them further. */
export const caseEventNames = [
  'assessed',
  'acted',
  'handover',
  'hold',
  'clearance',
  'acknowledged',
  'feedback',
] as const;
export type CaseEventName = (typeof caseEventNames)[number];
export const eventNames = [
  ...(['submitted', 'revised', 'withdrawn', 'receipt', 'verify', 'voided'] as const),
  ...caseEventNames,
  'relayed',
] as const;
export type EventName = (typeof eventNames)[number];

export type SubjectId =
  | { readonly format: 'iss_sub'; readonly iss: Issuer; readonly sub: Uuid }
  | { readonly format: 'opaque'; readonly id: string };

/** Position of a message in the stream from one sender to one recipient: counted without holes inside an epoch. */
export interface StreamPosition {
  readonly epoch: Uuid;
  readonly n: number;
}

/** The claims of a security event token (RFC 8417) as this protocol closes them. `iat` in seconds since 1970. */
export interface SetClaims {
  readonly iss: Issuer;
  readonly aud: Issuer;
  readonly iat: number;
  readonly jti: string;
  readonly sub_id: SubjectId;
  readonly 'urn:caseref:seq'?: StreamPosition;
  readonly 'urn:caseref:salt'?: string;
  readonly txn?: string;
  readonly toe?: number;
  readonly events: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
