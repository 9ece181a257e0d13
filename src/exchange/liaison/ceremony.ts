import { randomBytes } from 'node:crypto';
import type { CeremonyKind, OidcChecks } from '../../store/liaison-tables.ts';
import { type CeremonyRow, insertCeremony, openCeremony, useCeremony } from '../../store/portal-sessions.ts';
import type { Exchange } from '../context.ts';

// The time before a session: what a browser was asked, bound to that browser by a secret of its own, answered once.

const LIFE_MS = 10 * 60_000;

/** What a browser is asked. */
export interface Asked {
  readonly kind: CeremonyKind;
  /** WebAuthn challenge, base64url. */
  readonly challenge?: string;
  readonly checks?: OidcChecks;
  /** Digest of the invitation that is to be redeemed. */
  readonly invitation?: Buffer;
  /** The session that signs in anew; of a sign-in, the one that it takes the place of. */
  readonly session?: string;
  /** Path of our own to go on with. */
  readonly returnTo?: string;
}

export type Ceremony = CeremonyRow;

function digestOf({ vault }: Pick<Exchange, 'vault'>, secret: string): Buffer {
  return Buffer.from(vault.digest('portal-ceremony', secret.slice(0, 100)));
}

/** Begins a ceremony, and gives the secret that names it: only its keyed digest is kept. */
export async function beginCeremony(exchange: Exchange, asked: Asked): Promise<string> {
  const { kind, challenge = null, checks, invitation = null, session = null, returnTo: return_to = null } = asked;
  const now = exchange.clock();
  const secret = randomBytes(32).toString('base64url');
  await insertCeremony(exchange.store.db, {
    digest: digestOf(exchange, secret),
    kind,
    invitation,
    session,
    challenge,
    checks: checks ?? null,
    return_to,
    begun_at: new Date(now),
    ends_at: new Date(now + LIFE_MS),
    used_at: null,
  });
  return secret;
}

/** A ceremony that is under way; looking at it does not use it up. */
export function readCeremony(exchange: Exchange, secret: string): Promise<Ceremony | undefined> {
  return openCeremony(exchange.store.db, digestOf(exchange, secret), new Date(exchange.clock()));
}

/** Uses a ceremony of this kind up: whatever comes of it, its challenge is answered no second time. */
export async function takeCeremony(
  exchange: Exchange,
  secret: string | undefined,
  kinds: readonly CeremonyKind[],
): Promise<Ceremony | undefined> {
  if (secret === undefined) return undefined;
  const taken = await useCeremony(exchange.store.db, digestOf(exchange, secret), new Date(exchange.clock()));
  return taken && kinds.includes(taken.kind) ? taken : undefined;
}
