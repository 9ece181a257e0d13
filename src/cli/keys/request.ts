import type { KeySet } from '../../domain/contract.types.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { PublicationRequest } from '../../exchange/publication.ts';
import { keySetToken, readCompact } from '../../wire/compact.ts';
import { messageDigest } from '../../wire/digest.ts';
import { spokenFingerprint } from '../../wire/fingerprint.ts';
import { openKeySet } from '../../wire/keyset.ts';
import { isTokenRefusal } from '../../wire/token-refusal.ts';
import type { Cli } from '../command.ts';

/** A request as it is carried: with the key set that the same identity key signed last, where there is one. */
export interface CarriedRequest extends PublicationRequest {
  readonly published?: unknown;
}

type Key = KeySet['keys'][number];

/**
 * Shows, on both machines alike, what the identity key is asked to sign: whoever took the node over would ask for a key of
 * its own. What the request is compared with counts only where the same identity key signed it.
 */
export async function showRequest({ terminal }: Cli, request: CarriedRequest): Promise<void> {
  const { keySet, card } = request;
  const before = await publishedOf(request);
  terminal.say(`Asked for: the key set ${keySet.seq} of ${keySet.iss}, and its card (${card.organisation.name}).`);
  const changes = before === undefined ? keySet.keys.map(listed) : changesOf(before, keySet.keys);
  if (before === undefined) terminal.say('This identity key has signed no key set before: every key is new.');
  if (changes.length === 0) terminal.say('No key is new, changed or revoked: it only lasts longer.');
  for (const change of changes) terminal.step(change);
  showMembers(terminal, request);
  const text = JSON.stringify([keySet, card]);
  terminal.say(`Digest, the same on both machines: ${spokenFingerprint(messageDigest(text).slice('S256:'.length))}`);
}

/**
 * Where our messages would go, how they would be protected, and which telephone partners would call: all of it is signed.
 * Talk, not data: what is signed may be written to standard output.
 */
function showMembers(terminal: Cli['terminal'], { keySet, card }: PublicationRequest): void {
  const { contact } = card;
  const members = [
    ['messages to', Object.values(keySet.endpoints).join(', ') || 'no address: this node only fetches'],
    ['encryption', keySet.encryption ?? 'not said'],
    ['verifies', keySet.algs?.join(', ')],
    ['ends', isoInstant(keySet.exp * 1000)],
    ['contact', contact && Object.values(contact).flat().join(', ')],
  ];
  for (const [name, value] of members) if (value !== undefined) terminal.step(`${name}: ${value}`);
}

async function publishedOf({ keySet: asked, card, published }: CarriedRequest): Promise<readonly Key[] | undefined> {
  if (typeof published !== 'string') return undefined;
  const jws = readCompact(published, keySetToken);
  if (isTokenRefusal(jws) || !Number.isInteger(jws.payload.iat)) return undefined;
  // It may have ended long ago; what counts is who signed it.
  const terms = { issuer: asked.iss, identityKey: card.identity_key, now: Number(jws.payload.iat) };
  const opened = await openKeySet(published, terms);
  return isTokenRefusal(opened) ? undefined : opened.claims.keys;
}

function changesOf(before: readonly Key[], now: readonly Key[]): string[] {
  const known = new Map(before.map((key) => [key.kid, key]));
  const left = before.filter(({ kid }) => !now.some((key) => key.kid === kid));
  return [
    ...now.flatMap((key) => {
      const old = known.get(key.kid);
      if (old === undefined) return [listed(key)];
      if (old.revoked?.revoked_at !== key.revoked?.revoked_at) return [`revoked: ${named(key)}`];
      return old.nbf === key.nbf && old.exp === key.exp ? [] : [`other begin or end: ${named(key)}`];
    }),
    ...left.map((key) => `no longer in it: ${named(key)}`),
  ];
}

function listed(key: Key): string {
  return `${key.revoked ? 'new, and revoked' : 'NEW'}: ${named(key)}`;
}

function named({ kid, use, alg }: Key): string {
  return `${kid}, ${alg}, ${use === 'enc' ? 'encryption' : 'signing'}`;
}
