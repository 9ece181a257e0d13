import type { Issuer } from '../domain/contract.types.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { PublicJwk, Signer } from '../domain/secrets.ts';
import { CLOCK_SKEW } from './claims.ts';
import { readCompact, type TokenForm } from './compact.ts';
import { messageDigest } from './digest.ts';
import { checkIdentity } from './identity.ts';
import { type SignedToken, signToken } from './sign.ts';
import type { JsonObject } from './strict.ts';
import { isTokenRefusal } from './token-refusal.ts';

/** What an operator signs: one act on one node in one role. It never goes to a partner. */
export interface Approval {
  /** Issuer of the node that the act is on. */
  readonly node: Issuer;
  /** Kind of the act, such as `policy` or `partner.confirm`. */
  readonly act: string;
  /** What the act is about: a partner, a deny, an operator. */
  readonly subject: string;
  /** `documentDigest` of what becomes effective. */
  readonly digest: string;
  readonly role: 'author' | 'approver';
  /** When it was signed: RFC 3339 in UTC. */
  readonly at: string;
}

/** An approval whose signature and claims were checked. */
export interface OpenedApproval extends Approval {
  /** Thumbprint of the operator's key. */
  readonly kid: string;
  /** `S256:` digest of the signing input: each signature counts once. */
  readonly tokenDigest: string;
}

const BYTES = 4096;
const approvalToken: TokenForm = { typ: 'caseref-approval+jwt', bytes: BYTES, mlDsaBytes: BYTES };

/** Seconds for which a signature waits for its act: one that was read off a screen or a disk is of no use later. */
const LIFE = 600;
const members = ['node', 'act', 'subject', 'digest', 'role', 'at'] as const;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;

/**
 * `S256:` and SHA-256 over the canonical JSON of a document (RFC 8785 for values without fractions), so that the digest is
 * the same from a file, from the store, and on the operator's machine, whatever the order of members.
 */
export function documentDigest(document: object): string {
  return messageDigest(canonicalJson(document));
}

/** Members sorted by UTF-16 code units, no white space; undefined members are left out as in JSON. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const present = Object.entries(value).filter(([, member]) => member !== undefined);
  const sorted = present.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}

/** Signs an approval with an operator's key (typ `caseref-approval+jwt`). */
export function signApproval(approval: Approval, signer: Signer): Promise<SignedToken> {
  const { node, act, subject, digest, role, at } = approval;
  return signToken(approvalToken, { node, act, subject, digest, role, at }, signer);
}

/** Thumbprint that a token names as its key, before anything is proven; undefined for what is no approval at all. */
export function namedKey(token: string): string | undefined {
  const jws = readCompact(token, approvalToken);
  return isTokenRefusal(jws) ? undefined : jws.kid;
}

/**
 * Opens an approval: strict bytes, an Ed25519 key of a registered operator, the signature, then every claim against what
 * is about to be done. `now` in seconds since 1970. Refusals are `approval-invalid`, with the claim that is wrong as
 * pointer, and `operator-unknown` where `keyOf` knows no such key.
 */
export async function openApproval(
  token: string,
  expected: Omit<Approval, 'at'>,
  { now, keyOf }: { readonly now: number; readonly keyOf: (kid: string) => PublicJwk | undefined },
): Promise<OpenedApproval | Refusal> {
  const jws = readCompact(token, approvalToken);
  if (isTokenRefusal(jws)) return invalid('', `This is no approval (${jws.reason}).`);
  const jwk = keyOf(jws.kid);
  if (jwk === undefined) return refuse('operator-unknown', '/signature');
  const forged = await checkIdentity(jws, { ...jwk, alg: 'Ed25519' });
  if (forged !== undefined) return invalid('', `The signature does not verify (${forged.reason}).`);
  const wrong = checkMembers(jws.payload) ?? checkExpected(jws.payload, expected) ?? checkTime(jws.payload, now);
  if (wrong !== undefined) return wrong;
  const { at } = jws.payload as unknown as Approval;
  return { ...expected, at, kid: jws.kid, tokenDigest: messageDigest(jws.signingInput) };
}

function checkMembers(payload: JsonObject): Refusal | undefined {
  const names = Object.keys(payload);
  const closed = names.length === members.length && members.every((name) => typeof payload[name] === 'string');
  return closed ? undefined : invalid('', 'The claims are not those of an approval.');
}

function checkExpected(payload: JsonObject, expected: Omit<Approval, 'at'>): Refusal | undefined {
  for (const name of ['node', 'act', 'subject', 'digest', 'role'] as const) {
    if (payload[name] !== expected[name]) return invalid(`/${name}`, `The signature is for ${others[name]}.`);
  }
  return undefined;
}

const others = {
  node: 'another node',
  act: 'another kind of act',
  subject: 'something else',
  digest: 'another content',
  role: 'the other role',
} as const;

function checkTime({ at }: JsonObject, now: number): Refusal | undefined {
  const signed = instant.test(String(at)) ? Date.parse(String(at)) / 1000 : Number.NaN;
  if (signed <= now + CLOCK_SKEW && signed >= now - LIFE) return undefined;
  return invalid('/at', 'The signature was made too long ago, or by a clock that is ahead.');
}

function invalid(pointer: string, message: string): Refusal {
  return refuse('approval-invalid', `/signature${pointer}`, message);
}
