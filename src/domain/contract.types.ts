// Generated from schemas/ by `npm run contract`. Change the schemas, not this file.

export type Instant = string;
export type Issuer = string;
export type Uuid = string;

export interface Acknowledged {
  at: Instant;
  ownReference?: Handle;
  toldBy?: ToldBy;
}
export interface Handle {
  system: string;
  id: string;
}
export interface ToldBy {
  channel: string;
  unit: string;
  reference?: Handle;
}
export interface Acted {
  action: string;
  reason?: string;
  at: Instant;
  standing: 'final' | 'observed' | 'proposed';
  seenFrom?: string;
  movedTo?: string;
  toldBy?: ToldBy;
}
export interface Assessed {
  scheme: string;
  version: string;
  code: string;
  law?: string;
  method: string;
  by?: Issuer;
  at: Instant;
  toldBy?: ToldBy;
}
export interface Clearance {
  step: 'requested' | 'granted' | 'refused';
  deadline?: Instant;
  toldBy?: ToldBy;
}
export interface Deny {
  id: string;
  destination?: string[];
  when?: When;
  hosts?: string[];
  ground: 'legal' | 'death-penalty' | 'human-rights' | 'sanctions' | 'mandate';
}
export interface When {
  category?: string[];
  features?: string[];
  role?: string[];
  'jurisdiction.hosting'?: string[];
  'jurisdiction.reporting'?: string[];
  'jurisdiction.concerned'?: string[];
  'assessment.scheme'?: string[];
  'assessment.code'?: string[];
  'assessment.method'?: string[];
  'assessment.law'?: string[];
  'site.type'?: string[];
  'urgency.level'?: string[];
  'urgency.code'?: string[];
  'marking.tlp'?: string[];
  'partner.type'?: string[];
  ageDays?: {
    min?: number;
    max?: number;
  };
}
export interface Feedback {
  code: string;
  country?: string;
  toldBy?: ToldBy;
}
export interface Handover {
  step: 'offered' | 'accepted' | 'declined' | 'confirmed' | 'returned';
  to?: Issuer;
  answerBy?: Instant;
  code?: string;
  accepts?: string;
  toldBy?: ToldBy;
}
export interface Hold {
  step: 'placed' | 'lifted';
  until?: Instant;
  review?: Instant;
  ground?: string;
  authority?: string;
  toldBy?: ToldBy;
}
export interface IndustryReference {
  revision: number;
  url: string;
  category: string;
  requested: string;
  legalBasis: string;
  marking: Marking;
}
export interface Marking {
  tlp: string;
  notifyHost?: string;
  portal?: string;
  onward?: string;
  leo?: string;
}
export interface IndustryRevised {
  revision: number;
  url: string;
  category: string;
  requested: string;
  legalBasis: string;
  marking: Marking;
  supersedes: string;
}
export interface KeySet {
  iss: Issuer;
  seq: number;
  iat: number;
  exp: number;
  refresh: number;
  keys: KeySetKey[];
  endpoints: Endpoints;
  algs?: ('Ed25519' | 'EdDSA' | 'ES256' | 'ML-DSA-65')[];
  encryption?: 'required' | 'none';
  max_set_bytes?: number;
}
export interface KeySetKey {
  kty: 'OKP' | 'EC' | 'AKP';
  crv?: 'Ed25519' | 'X25519' | 'P-256';
  x?: string;
  y?: string;
  pub?: string;
  kid: string;
  alg: 'Ed25519' | 'EdDSA' | 'ES256' | 'ML-DSA-65' | 'ECDH-ES';
  use: 'sig' | 'enc';
  nbf: number;
  exp: number;
  revoked?: {
    revoked_at: number;
    reason?: string;
  };
}
export interface Endpoints {
  push?: string;
  poll?: string;
  replay?: string;
  keys?: string;
}
export interface PeerCard {
  iss: Issuer;
  iat: number;
  exp: number;
  organisation: Organisation;
  identity_key: {
    kty: 'OKP' | 'EC' | 'AKP';
    crv?: 'Ed25519' | 'X25519' | 'P-256';
    x?: string;
    y?: string;
    pub?: string;
    kid?: string;
    alg?: 'Ed25519' | 'EdDSA' | 'ES256' | 'ML-DSA-65';
    use?: 'sig';
  };
  key_set: string;
  contact?: Contact;
}
export interface Organisation {
  name: string;
  type: string;
  jurisdictions: string[];
  coverage?: Coverage[];
}
export interface Coverage {
  country: string;
  mandate: string;
}
export interface Contact {
  desk?: string;
  email?: string;
  phone?: string;
  emergencyPhone?: string;
  hours?: string;
  timezone?: string;
  languages?: string[];
}
export interface Policy {
  partner: Issuer;
  version: number;
  legal?: {
    basis: string;
    agreement?: string;
    transfer: 'none' | 'adequacy' | 'safeguards' | 'derogation' | 'led-36' | 'led-37' | 'led-38' | 'led-39';
    route?: 'own-police' | 'direct' | 'ncb' | 'europol';
    reviewBy?: string;
  };
  send: {
    rules: SendRule[];
    disclose?: Disclose;
    marking?: {
      tlpFloor?: string;
      portal?: string;
      onward?: string;
    };
    industry?: Instruction;
    retainDays?: number;
    transport?: 'push' | 'poll';
    perMinute?: number;
    perDay?: number;
  };
  receive: {
    rules: ReceiveRule[];
    perMinute?: number;
    perDay?: number;
    withdrawalsPerHour?: number;
    emergenciesPerDay?: number;
    mayHold?: boolean;
    holdsPerDay?: number;
    inquiries?: 'refuse' | 'manual' | 'automatic';
    purgeAfterHours?: number;
    bindingAssessments?: string[];
  };
  clearance?: {
    onTimeout?: 'wait' | 'escalate' | 'notify';
    withinHours?: number;
    desk?: Desk;
  };
  security?: {
    algs?: ('Ed25519' | 'EdDSA' | 'ES256' | 'ML-DSA-65')[];
    encryption?: 'required' | 'none';
    receiptWithinHours?: number;
  };
}
export interface SendRule {
  id: string;
  when: When;
  then: 'send' | 'hold' | 'withhold';
}
export interface Disclose {
  handles?: 'never' | 'law-enforcement' | 'always';
  url?: true;
  assessments?: boolean;
  site?: boolean;
  access?: boolean;
  hosting?: boolean;
  report?: boolean;
}
export interface Instruction {
  requested: string;
  legalBasis: string;
}
export interface ReceiveRule {
  id: string;
  when: When;
  then: 'accept' | 'hold' | 'refuse';
}
export interface Desk {
  timezone: string;
  hours: DeskHours[];
}
export interface DeskHours {
  days: ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  from: string;
  to: string;
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  errors?: {
    pointer: string;
    code: string;
    message: string;
    next: string;
  }[];
}
export interface Receipt {
  for: {
    jti: string;
  };
  digest: string;
  receivedAt: Instant;
  outcome: 'accepted' | 'held' | 'refused' | 'sealed' | 'purged' | 'retained';
  code?: string;
  pointer?: string;
  until?: Instant;
  backupsUntil?: Instant;
}
export interface CaseReference {
  revision: number;
  url: string;
  role?: string;
  report?: Uuid;
  related?: Uuid[];
  jurisdiction: Jurisdiction;
  assignee?: Issuer;
  category: string;
  features?: string[];
  assessments?: Assessment[];
  site?: Site;
  access?: Access;
  hosting?: Hosting[];
  handles?: Handle[];
  urgency?: Urgency;
  marking: Marking;
  receivedAt?: Instant;
  observedAt?: Instant;
  retainUntil?: string;
  source?: SourceRef;
}
export interface Jurisdiction {
  hosting?: string;
  reporting?: string;
  concerned?: Concerned[];
}
export interface Concerned {
  country: string;
  basis: string;
}
export interface Assessment {
  scheme: string;
  version: string;
  code: string;
  law?: string;
  method: string;
  by?: Issuer;
  at: Instant;
}
export interface Site {
  type?: string;
  commercial?: string;
  payment?: string[];
}
export interface Access {
  referrer?: string;
  login?: boolean;
  geo?: boolean;
  parts?: boolean;
}
export interface Hosting {
  country: string;
  asn?: number;
  cdn?: boolean;
  method: string;
  at: Instant;
}
export interface Urgency {
  level: string;
  code?: string;
}
export interface SourceRef {
  iss: Issuer;
  sub: Uuid;
}
export interface Relayed {
  by: Issuer;
  event: 'assessed' | 'acted' | 'handover' | 'hold' | 'clearance' | 'acknowledged' | 'feedback';
  jti: string;
  digest: string;
  body: {};
}
export interface Revised {
  revision: number;
  url: string;
  role?: string;
  report?: Uuid;
  related?: Uuid[];
  jurisdiction: Jurisdiction;
  assignee?: Issuer;
  category: string;
  features?: string[];
  assessments?: Assessment[];
  site?: Site;
  access?: Access;
  hosting?: Hosting[];
  handles?: Handle[];
  urgency?: Urgency;
  marking: Marking;
  receivedAt?: Instant;
  observedAt?: Instant;
  retainUntil?: string;
  source?: SourceRef;
  supersedes: string;
}
export interface Submission {
  id?: Uuid;
  url: string;
  role?: string;
  report?: Uuid;
  related?: Uuid[];
  jurisdiction: Jurisdiction;
  assignee?: Issuer;
  category: string;
  features?: string[];
  assessments?: Assessment[];
  site?: Site;
  access?: Access;
  hosting?: Hosting[];
  handles?: Handle[];
  urgency?: Urgency;
  marking: Marking;
  receivedAt?: Instant;
  observedAt?: Instant;
  retainUntil?: string;
  source?: SourceRef;
}
export interface Verify {}
export interface Voided {
  epoch: Uuid;
  ranges: number[][];
  reason: 'withdrawn' | 'expired' | 'refused' | 'dropped' | 'policy';
}
export interface Withdrawn {
  reason: string;
  purge: boolean;
  batch?: Uuid;
}
