import { hash } from 'node:crypto';
import type { RequestSigner } from '../domain/secrets.ts';
import { CLOCK_SKEW } from './claims.ts';
import type { PartnerKeys, PinnedKey } from './pinned.ts';

/**
 * HTTP message signatures (RFC 9421) in the one form that this protocol has: one signature `sig` over the method, the
 * published address, the content type and the digest of the body (RFC 9530). No general parser of structured fields stands
 * here: a field that is not written exactly so is refused, and nobody can read it in two ways.
 */

export const JSON_TYPE = 'application/json';
/** The longest life of a signature, in seconds. */
const LONGEST_LIFE = 60;
/** A nonce is remembered for so many seconds after the signature has ended. */
export const NONCE_MARGIN = 60;
const TAG = 'caseref-poll';
const COMPONENTS = '("@method" "@target-uri" "content-type" "content-digest")';

const instant = '(0|[1-9][0-9]{0,11})';
/** A parameter by its name: exactly these, each once, in any order (RFC 9421, section 2.3). */
const parameterForms: Readonly<Record<string, RegExp>> = {
  created: new RegExp(`^created=${instant}$`),
  expires: new RegExp(`^expires=${instant}$`),
  nonce: /^nonce="([A-Za-z0-9_-]{22})"$/,
  keyid: /^keyid="([\x21\x24-\x5b\x5d-\x7e]{1,512}#[A-Za-z0-9_-]{43})"$/,
  tag: /^tag="(caseref-poll)"$/,
};
const inputForm = /^sig=\("@method" "@target-uri" "content-type" "content-digest"\)((?:;[a-z]+=[^;]+){5})$/;
const signatureForm = /^sig=:([A-Za-z0-9+/]{4,6000}={0,2}):$/;
const digestForm = /^sha-256=:([A-Za-z0-9+/]{43}=):$/;

/** The fields of a request that carry its signature, each as it came; undefined where it came not at all or twice. */
export interface SignedFields {
  readonly contentType: string | undefined;
  readonly contentDigest: string | undefined;
  readonly signature: string | undefined;
  readonly signatureInput: string | undefined;
}

/** A signature that has the form; nothing about it is proven yet. Instants in seconds since 1970. */
export interface UnverifiedRequest {
  readonly issuer: string;
  readonly kid: string;
  readonly nonce: string;
  readonly created: number;
  readonly expires: number;
  readonly digest: string;
  readonly signature: Uint8Array;
  /** The parameters as they came: they are part of what is signed. */
  readonly params: string;
}

/** Reads the fields of a request; undefined for every other form. */
export function readSignature(fields: SignedFields): UnverifiedRequest | undefined {
  if (fields.contentType !== JSON_TYPE) return undefined;
  const digest = digestForm.exec(fields.contentDigest ?? '')?.[1];
  const signature = decode(signatureForm.exec(fields.signature ?? '')?.[1]);
  const input = fields.signatureInput ?? '';
  const named = readParameters(inputForm.exec(input)?.[1]);
  if (digest === undefined || decode(digest) === undefined || !signature || !named) return undefined;
  const { created, expires, nonce = '', keyid = '' } = named;
  const mark = keyid.lastIndexOf('#');
  return {
    issuer: keyid.slice(0, mark),
    kid: keyid.slice(mark + 1),
    nonce,
    created: Number(created),
    expires: Number(expires),
    digest,
    signature,
    params: input.slice('sig='.length),
  };
}

function readParameters(text: string | undefined): Readonly<Record<string, string>> | undefined {
  const found: Record<string, string> = {};
  for (const parameter of text?.slice(1).split(';') ?? []) {
    const name = parameter.slice(0, parameter.indexOf('='));
    const value = Object.hasOwn(parameterForms, name) ? parameterForms[name]?.exec(parameter)?.[1] : undefined;
    if (value === undefined || Object.hasOwn(found, name)) return undefined;
    found[name] = value;
  }
  return Object.keys(found).length === Object.keys(parameterForms).length ? found : undefined;
}

/** Base64 with its padding that encodes back to itself: one signature has one spelling. */
function decode(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Base64 SHA-256 of a body, as `Content-Digest` carries it. */
function digestOf(body: Uint8Array): string {
  return hash('sha256', body, 'base64');
}

/** The signature base (RFC 9421, section 2.5): what is signed, byte for byte. */
function signatureBase(target: string, digest: string, params: string): string {
  return [
    '"@method": POST',
    `"@target-uri": ${target}`,
    `"content-type": ${JSON_TYPE}`,
    `"content-digest": sha-256=:${digest}:`,
    `"@signature-params": ${params}`,
  ].join('\n');
}

/** The fields to send with a body to a partner's published endpoint. `now` in seconds since 1970, `nonce` used once. */
export async function signRequest(
  { target, body }: { readonly target: string; readonly body: Uint8Array },
  signer: RequestSigner,
  { issuer, now, nonce }: { readonly issuer: string; readonly now: number; readonly nonce: string },
): Promise<Readonly<Record<'content-type' | 'content-digest' | 'signature-input' | 'signature', string>>> {
  const digest = digestOf(body);
  const life = `created=${now};expires=${now + LONGEST_LIFE}`;
  const params = `${COMPONENTS};${life};nonce="${nonce}";keyid="${issuer}#${signer.kid}";tag="${TAG}"`;
  const signature = await signer.signBase(signatureBase(target, digest, params));
  return {
    'content-type': JSON_TYPE,
    'content-digest': `sha-256=:${digest}:`,
    'signature-input': `sig=${params}`,
    signature: `sig=:${Buffer.from(signature).toString('base64')}:`,
  };
}

/**
 * Whether a request comes from this partner, for this address, with this body, and now (seconds since 1970). Its nonce is
 * not looked at: whoever calls takes it afterwards, so that what is forged costs no write. An end is an end: a nonce is
 * forgotten soon after it, and the clock of the signer may be ahead but not behind.
 */
export async function verifyRequest(
  request: UnverifiedRequest,
  { target, body, partner, now }: { target: string; body: Uint8Array; partner: PartnerKeys; now: number },
): Promise<boolean> {
  const { created, expires, digest, params, signature } = request;
  if (expires <= created || expires - created > LONGEST_LIFE) return false;
  if (created > now + CLOCK_SKEW || expires < now) return false;
  if (request.issuer !== partner.issuer || digest !== digestOf(body)) return false;
  if (partner.staleAt !== undefined && now >= partner.staleAt) return false;
  const key = usableKey(partner.keys.get(request.kid), request, now);
  if (key === undefined) return false;
  const base = new TextEncoder().encode(signatureBase(target, digest, params));
  const bytes = new Uint8Array(signature);
  return crypto.subtle.verify({ name: key.algorithm.name, hash: 'SHA-256' }, key, bytes, base);
}

/** The algorithm is that of the pinned key: a request names none. */
function usableKey(pinned: PinnedKey | undefined, { created }: UnverifiedRequest, now: number): PinnedKey['key'] {
  if (pinned === undefined || pinned.use !== 'sig' || pinned.revoked !== undefined) return undefined;
  const { nbf = 0, exp = Number.POSITIVE_INFINITY } = pinned;
  return nbf <= created + CLOCK_SKEW && now < exp ? pinned.key : undefined;
}
