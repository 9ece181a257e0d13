import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Decrypter, Signer, SigningAlgorithm } from '../../src/domain/secrets.ts';
import { openSet, type SetVerifier, type VerifiedSet } from '../../src/wire/open.ts';
import { type KeyRecord, type PartnerKeys, pinKeys } from '../../src/wire/pinned.ts';
import { isTokenRefusal, type TokenRefusal } from '../../src/wire/token-refusal.ts';
import { witness } from './witness.ts';

// Tokens made by hand with node:crypto: nothing here shares code with what it tests, and every part can be wrong.

export const sender = 'https://node.hotline-a.example';
export const self = 'https://node.police-b.example';
/** Seconds since 1970: the clock of every wire test. */
export const now = 1_795_000_000;
export const referenceId = '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c001';
export const epoch = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
export const jti = 'AAECAwQFBgcICQoLDA0ODw';

export type Json = Readonly<Record<string, unknown>>;

export interface TestKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly jwk: {
    readonly kty: string;
    readonly crv?: string;
    readonly x?: string;
    readonly y?: string;
    readonly pub?: string;
  };
  readonly privateKey: KeyObject;
}

const measured: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  AKP: ['alg', 'kty', 'pub'],
};

export function thumbprintOf(jwk: TestKey['jwk']): string {
  const key: Json = { alg: 'ML-DSA-65', ...jwk };
  const ordered = measured[jwk.kty]?.map((member) => `"${member}":"${key[member]}"`).join(',');
  return createHash('sha256').update(`{${ordered}}`).digest('base64url');
}

function pairOf(alg: SigningAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return alg === 'ML-DSA-65' ? generateKeyPairSync('ml-dsa-65') : generateKeyPairSync('ed25519');
}

/** A fresh key pair; its kid is computed here and not by the code under test. */
export function testKey(alg: SigningAlgorithm = 'Ed25519'): TestKey {
  const pair = pairOf(alg);
  const { kty = '', crv, x, y, pub } = pair.publicKey.export({ format: 'jwk' });
  const jwk = { kty, ...(crv && { crv }), ...(x && { x }), ...(y && { y }), ...(pub ? { pub: String(pub) } : {}) };
  return { kid: thumbprintOf(jwk), alg, jwk, privateKey: pair.privateKey };
}

/** The sender's operational key, and the key that stands in every honest token. */
export const operational = testKey();

export function encode(part: string | Uint8Array): string {
  return Buffer.from(part).toString('base64url');
}

function textOf(part: Json | string | Uint8Array): string | Uint8Array {
  return typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify(part);
}

function signatureOf(signingInput: string, key: TestKey): string {
  const input = Buffer.from(signingInput);
  if (key.alg !== 'ES256') return sign(null, input, key.privateKey).toString('base64url');
  return sign('sha256', input, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

/** Signs encoded parts as they are, canonical or not. */
export function signParts(header: string, payload: string, key: TestKey = operational): string {
  return `${header}.${payload}.${signatureOf(`${header}.${payload}`, key)}`;
}

export function honestHeader(key: TestKey = operational, typ = 'secevent+jwt'): Json {
  return { alg: key.alg, typ, kid: key.kid };
}

/** Claims of an honest `submitted`; a change of `undefined` takes a claim away. */
export function honestClaims(changes: Json = {}): Json {
  const claims: Json = {
    iss: sender,
    aud: self,
    iat: now,
    jti,
    sub_id: { format: 'iss_sub', iss: sender, sub: referenceId },
    'urn:caseref:seq': { epoch, n: 1 },
    'urn:caseref:salt': 'Dw4NDAsKCQgHBgUEAwIBAA',
    events: { 'urn:caseref:event:1:submitted': { revision: 1, url: 'https://host.example/path' } },
    ...changes,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

export interface TokenParts {
  readonly key?: TestKey;
  /** The whole header, as a value or as bytes; where absent the honest one. */
  readonly header?: Json | string | Uint8Array;
  readonly payload?: Json | string | Uint8Array;
}

/** A token signed by hand: honest where nothing is said. */
export function makeToken({ key = operational, header, payload }: TokenParts = {}): string {
  return signParts(encode(textOf(header ?? honestHeader(key))), encode(textOf(payload ?? honestClaims())), key);
}

export function recordOf(key: TestKey, changes: Partial<KeyRecord> = {}): KeyRecord {
  const { kid, alg, jwk } = key;
  return { kid, alg, use: 'sig', jwk, nbf: now - 86_400, exp: now + 86_400, ...changes };
}

export interface PartnerShape {
  readonly keys?: readonly KeyRecord[];
  readonly state?: PartnerKeys['state'];
  readonly foreign?: boolean;
  readonly staleAt?: number;
  readonly horizonSeconds?: number;
  /** Our own private keys; none where absent. */
  readonly decrypter?: (kid: string) => Decrypter | undefined;
}

/** A verifier that knows the sender as its one partner. */
export async function verifierOf(shape: PartnerShape = {}): Promise<SetVerifier> {
  const { keys = [recordOf(operational)], state = 'active', foreign = false, staleAt } = shape;
  const { horizonSeconds, decrypter } = shape;
  const partner = await pinKeys({ issuer: sender, state, foreign, keys, ...(staleAt !== undefined && { staleAt }) });
  return {
    self,
    lookup: (issuer) => (issuer === sender ? partner : undefined),
    now,
    ...(horizonSeconds !== undefined && { horizonSeconds }),
    ...(decrypter !== undefined && { decrypter }),
  };
}

/** The answer to a token: what the sender reads and the reason in our log; throws where the token was taken. */
export async function refusalOf(
  compact: string | Uint8Array,
  shape: PartnerShape = {},
): Promise<Pick<TokenRefusal, 'status' | 'err' | 'reason'>> {
  const opened = await openSet(compact, await verifierOf(shape));
  if (!isTokenRefusal(opened)) throw new Error('the token was taken');
  const { status, err, reason } = opened;
  await witness()?.token(compact, shape, { status, err, reason });
  return { status, err, reason };
}

/** Opens a token that must be taken; throws with the reason where it was not. */
export async function taken(compact: string | Uint8Array, shape: PartnerShape = {}): Promise<VerifiedSet> {
  const opened = await openSet(compact, await verifierOf(shape));
  if (isTokenRefusal(opened)) throw new Error(`the token was refused: ${opened.reason}`);
  return opened;
}

/** The answer of the protocol's Push table for each code. */
export function answer(err: TokenRefusal['err'], reason: TokenRefusal['reason']) {
  return { status: err === 'temporarily_unavailable' ? 503 : 400, err, reason };
}

/** A signer over a test key, as src/keys would build one. */
export function signerOf(key: TestKey): Signer {
  const { kid, alg } = key;
  return {
    kid,
    alg,
    sign: async (typ, payload) => signParts(encode(JSON.stringify({ alg, typ, kid })), encode(payload), key),
  };
}
