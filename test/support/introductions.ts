import type { Refusal } from '../../src/domain/refusal.ts';
import { isRefusal } from '../../src/domain/refusal.ts';
import { type OpenedCard, openCard } from '../../src/wire/card.ts';
import { type KeySetVerifier, type OpenedKeySet, openKeySet } from '../../src/wire/keyset.ts';
import { isTokenRefusal, type TokenRefusal } from '../../src/wire/token-refusal.ts';
import { honestHeader, type Json, makeToken, now, operational, sender, type TestKey, testKey } from './tokens.ts';
import { witness } from './witness.ts';

// Key sets and peer cards made by hand, on top of the tokens made by hand.

/** The sender's identity key: never one that signs messages. */
export const identity = testKey();

const day = 86_400;

export function keyEntry(key: TestKey = operational, changes: Json = {}): Json {
  return { ...key.jwk, kid: key.kid, alg: key.alg, use: 'sig', nbf: now - day, exp: now + 90 * day, ...changes };
}

export function keySetClaims(changes: Json = {}): Json {
  return {
    iss: sender,
    seq: now,
    iat: now,
    exp: now + 30 * day,
    refresh: 3600,
    keys: [keyEntry()],
    endpoints: { push: `${sender}/exchange/push`, keys: `${sender}/exchange/keys` },
    algs: ['Ed25519', 'EdDSA', 'ES256'],
    encryption: 'required',
    ...changes,
  };
}

export interface SignedBy {
  readonly key?: TestKey;
  readonly header?: Json;
}

export function makeKeySet(changes: Json = {}, { key = identity, header }: SignedBy = {}): string {
  return makeToken({ key, header: header ?? honestHeader(key, 'jwk-set+jwt'), payload: keySetClaims(changes) });
}

export function cardClaims(changes: Json = {}): Json {
  return {
    iss: sender,
    iat: now,
    exp: now + 14 * day,
    organisation: { name: 'Hotline A', type: 'hotline', jurisdictions: ['DE'] },
    identity_key: identity.jwk,
    key_set: makeKeySet(),
    contact: { desk: 'Duty desk', email: 'desk@hotline-a.example', phone: '+49 30 0000000' },
    ...changes,
  };
}

export function makeCard(changes: Json = {}, { key = identity, header }: SignedBy = {}): string {
  return makeToken({ key, header: header ?? honestHeader(key, 'caseref-peer+jwt'), payload: cardClaims(changes) });
}

function openedKeySet(compact: string, changes: Partial<KeySetVerifier> = {}): Promise<OpenedKeySet | TokenRefusal> {
  return openKeySet(compact, { issuer: sender, identityKey: identity.jwk, now, ...changes });
}

/** Opens a key set that must be taken. */
export async function takenKeySet(compact: string, changes: Partial<KeySetVerifier> = {}): Promise<OpenedKeySet> {
  const opened = await openedKeySet(compact, changes);
  if (isTokenRefusal(opened)) throw new Error(`the key set was refused: ${opened.reason}`);
  return opened;
}

/** The answer to a key set that must be refused. */
export async function keySetRefusal(compact: string, changes: Partial<KeySetVerifier> = {}) {
  const opened = await openedKeySet(compact, changes);
  if (!isTokenRefusal(opened)) throw new Error('the key set was taken');
  const { status, err, reason } = opened;
  await witness()?.keySet(compact, changes, { status, err, reason });
  return { status, err, reason };
}

/** Opens a card that must be taken. */
export async function takenCard(compact: string, loopback = false): Promise<OpenedCard> {
  const opened = await openCard(compact, { now, loopback });
  if (isRefusal(opened)) throw new Error(`the card was refused: ${opened.pointer} ${opened.message}`);
  return opened;
}

/** Why a card is refused: always `card-invalid`, with the member and a sentence. */
export async function cardRefusal(compact: string): Promise<Pick<Refusal, 'code' | 'pointer' | 'message'>> {
  const opened = await openCard(compact, { now, loopback: false });
  if (!isRefusal(opened)) throw new Error('the card was taken');
  const { code, pointer, message } = opened;
  await witness()?.card(compact, { code, pointer });
  return { code, pointer, message };
}
